"""Simulating: seeded worlds with known truth, run through the production code."""

from __future__ import annotations

from retainkit.simulate._demo import DemoResult, demo_policies, run_demo
from retainkit.simulate._outcome import FailedInvoice, Means, Outcome, Result, Story
from retainkit.simulate._parameters import Market, Parameters, Span
from retainkit.simulate._run import Progress, simulate
from retainkit.simulate._seeded import seeded_world
from retainkit.simulate._usage import (
    Delivery,
    Fate,
    Lull,
    QuietTime,
    Trouble,
    UsageCustomer,
    UsageWorld,
)
from retainkit.simulate._usage_world import UsageParameters, usage_world
from retainkit.simulate._world import Card, Refusal, Renewal, SimulatedCustomer, World


__all__ = [
    "Card",
    "Delivery",
    "DemoResult",
    "FailedInvoice",
    "Fate",
    "Lull",
    "Market",
    "Means",
    "Outcome",
    "Parameters",
    "Progress",
    "QuietTime",
    "Refusal",
    "Renewal",
    "Result",
    "SimulatedCustomer",
    "Span",
    "Story",
    "Trouble",
    "UsageCustomer",
    "UsageParameters",
    "UsageWorld",
    "World",
    "demo_policies",
    "run_demo",
    "seeded_world",
    "simulate",
    "usage_world",
]
