"""Rules: when something is true of a customer; signals are declared here, computed in `signals`.

One language for milestones, segments, offers, playbooks and blockers: trees over signals, with
three answers (true, false, unknown), each of them explained. Nothing here reads a clock, and
nothing in a rule can run code.
"""

from __future__ import annotations

from retainkit.rules._closures import Compiled, compiled, truth_of
from retainkit.rules._data import condition_data, signal_data, version
from retainkit.rules._declared import Kind, Signal, Threshold, Value
from retainkit.rules._difference import Difference, diff
from retainkit.rules._document import read_rulebook
from retainkit.rules._events import (
    Absent,
    Count,
    Derivation,
    Distinct,
    DistinctTimes,
    DistinctValues,
    EventPattern,
    Sequence,
    Steps,
    Times,
    event,
    sequence,
)
from retainkit.rules._explain import Explained, why
from retainkit.rules._flips import next_flip
from retainkit.rules._json_logic import json_logic_data, to_json_logic
from retainkit.rules._lints import Finding, lint
from retainkit.rules._reading import Mistake, conditions_on, read_condition
from retainkit.rules._readings import Gap, Reading, Readings, readings
from retainkit.rules._rulebook import Rule, Rulebook, RuleTest, Trial
from retainkit.rules._signals import (
    Amount,
    Duration,
    Flag,
    Number,
    Scaled,
    Signals,
    Text,
    Time,
    declared,
)
from retainkit.rules._tree import (
    MOST_DEEP,
    MOST_NODES,
    Ago,
    Ahead,
    AllOf,
    Amounts,
    AnyOf,
    AtLeast,
    Between,
    Compare,
    CompareSignals,
    Comparison,
    Condition,
    Distance,
    InSegment,
    Missing,
    Not,
    OneOf,
    Present,
    TextMatch,
    TextPart,
    all_of,
    amounts,
    any_of,
    at_least,
    segment,
    signals_of,
)
from retainkit.rules._truth import Truth
from retainkit.rules._why_not import Change, WhyNot, why_not
from retainkit.rules._windows import days, hours, minutes, weeks


__all__ = [
    "MOST_DEEP",
    "MOST_NODES",
    "Absent",
    "Ago",
    "Ahead",
    "AllOf",
    "Amount",
    "Amounts",
    "AnyOf",
    "AtLeast",
    "Between",
    "Change",
    "Compare",
    "CompareSignals",
    "Comparison",
    "Compiled",
    "Condition",
    "Count",
    "Derivation",
    "Difference",
    "Distance",
    "Distinct",
    "DistinctTimes",
    "DistinctValues",
    "Duration",
    "EventPattern",
    "Explained",
    "Finding",
    "Flag",
    "Gap",
    "InSegment",
    "Kind",
    "Missing",
    "Mistake",
    "Not",
    "Number",
    "OneOf",
    "Present",
    "Reading",
    "Readings",
    "Rule",
    "RuleTest",
    "Rulebook",
    "Scaled",
    "Sequence",
    "Signal",
    "Signals",
    "Steps",
    "Text",
    "TextMatch",
    "TextPart",
    "Threshold",
    "Time",
    "Times",
    "Trial",
    "Truth",
    "Value",
    "WhyNot",
    "all_of",
    "amounts",
    "any_of",
    "at_least",
    "compiled",
    "condition_data",
    "conditions_on",
    "days",
    "declared",
    "diff",
    "event",
    "hours",
    "json_logic_data",
    "lint",
    "minutes",
    "next_flip",
    "read_condition",
    "read_rulebook",
    "readings",
    "segment",
    "sequence",
    "signal_data",
    "signals_of",
    "to_json_logic",
    "truth_of",
    "version",
    "weeks",
    "why",
    "why_not",
]
