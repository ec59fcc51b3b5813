"""A rule file as data: segments and rules, with what is in them; its text is read in `schema`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeAlias

from attrs import define, field

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.rules._attributes import Signals, declared
from retainkit.rules._declared import Signal
from retainkit.rules._declaring import Declarations
from retainkit.rules._expecting import read_test
from retainkit.rules._mistakes import Place, Reader
from retainkit.rules._operands import told_instant
from retainkit.rules._reading import ConditionReader, mistaken
from retainkit.rules._readings import Readings
from retainkit.rules._rule import OncePer, Rule, RuleStatus, choice, read_max_per, read_priority
from retainkit.rules._rulebook import Faults, Rulebook
from retainkit.rules._tree import Condition, signals_of
from retainkit.rules._windows import instant


Counting: TypeAlias = "Callable[[Mapping[str, Signal], Readings, list[Event], datetime], Readings]"

_FILE_WORDS = ("signals", "segments", "rules")
_LENGTH_WORDS = ("for", "keep_for", "cooldown", "unknown_for")
_RULE_WORDS = (
    "id",
    "when",
    "doc",
    "group",
    "priority",
    *_LENGTH_WORDS,
    "clears_when",
    "once_per",
    "term",
    "max_per",
    "status",
    "effective_from",
    "effective_until",
    "tests",
)


def read_rulebook(
    data: object,
    signals: type[Signals] | Mapping[str, Signal] | None = None,
    *,
    counting: Counting | None = None,
) -> Rulebook:
    """
    The rulebook that a document holds.

    Args:
        data: ``signals`` (declared in the document itself), ``segments``, ``rules``.

        signals: Declared in Python, beside those of the document.

        counting: What a test's events make known: `retainkit.signals.read_timeline`. Without it
            no test tells events.

    Raises:
        InvalidInput: ``rules.mistakes``; its value has every `Mistake`, with its place.
    """
    known = dict(declared({} if signals is None else signals))
    return _Document(signals=known, counting=counting).read(data)


@define(kw_only=True)
class _Document(Reader):
    signals: dict[str, Signal]
    counting: Counting | None
    ids: set[str] = field(factory=set)
    segments: dict[str, Condition] = field(factory=dict)
    wrong_signals: set[str] = field(factory=set)

    def read(self, data: object) -> Rulebook:
        top = self.keys(data, (), _FILE_WORDS)
        self._declare(top.get("signals", {}))
        raw = top.get("segments", {})
        names = tuple(map(str, raw)) if isinstance(raw, Mapping) else ()
        reader = self._reader(names)
        for name, said in reader.keys(raw, ("segments",), names).items():
            when = reader.condition(said, ("segments", name))
            if when is not None:
                self.segments[name] = when
        items = reader.listed(top.get("rules", []), ("rules",))
        read = ((i, self._rule(reader, item, ("rules", i))) for i, item in enumerate(items))
        rules = {i: rule for i, rule in read if rule is not None}
        if not self.mistakes:
            with suppress(InvalidInput):  # all that is wrong is told below
                return Rulebook(signals=self.signals, segments=self.segments, rules=rules.values())
        self._judge(rules, names)
        raise mistaken(self)

    def _judge(self, rules: Mapping[int, Rule], names: Iterable[str]) -> None:
        """What is wrong with rules and segments that were read; each mistake once."""
        faults = Faults(
            signals=self.signals,
            segments=self.segments,
            rules={f"rules.{i}": rule for i, rule in rules.items()},
            wrong={f"segments.{name}" for name in names if name not in self.segments},
        )
        for fault in faults:
            place = _place_of(str(fault.field))
            self.wrong(place, fault.message, fault.code, fault.value, fault.remedy)
        told = {(m.place, m.code, m.message, m.remedy): m for m in self.mistakes}
        self.mistakes[:] = told.values()

    def _reader(self, segments: Iterable[str]) -> ConditionReader:
        """A reader that knows what is known by now, and notes its mistakes here."""
        return ConditionReader(
            signals=self.signals,
            segments=frozenset(segments),
            wrong_signals=self.wrong_signals,
            mistakes=self.mistakes,
        )

    def _declare(self, said: object) -> None:
        names = tuple(map(str, said)) if isinstance(said, Mapping) else ()
        Declarations(
            signals=self.signals,
            declared=self.signals,
            said=dict(self.keys(said, ("signals",), names)),
            wrong_ones=self.wrong_signals,
            mistakes=self.mistakes,
        ).declare()

    def _rule(self, reader: ConditionReader, said: object, place: Place) -> Rule | None:
        data = reader.keys(said, place, _RULE_WORDS)
        id = self._id(reader, data, place) if isinstance(said, Mapping) else None
        if id is None:
            return None
        if "when" not in data:
            reader.wrong(place, "A rule says when", "rules.form", id, "write `when: ...`")
            return None
        when = reader.condition(data["when"], (*place, "when"))
        listed = reader.listed(data.get("tests", []), (*place, "tests"))
        count = partial(self._counted, when)
        tests = [read_test(reader, t, (*place, "tests", i), count) for i, t in enumerate(listed)]
        options = _options(reader, data, place)
        if when is None:
            return None
        if None in options.values():  # what is left is read for contradictions alone
            options = {"clears_when": options.get("clears_when")}
        make: Callable[..., Rule] = Rule
        return reader.made(
            place,
            lambda: make(
                id=id,
                when=when,
                doc=reader.text(data, "doc", place) or "",
                group=reader.text(data, "group", place),
                tests=[test for test in tests if test is not None],
                **options,
            ),
            lambda field: (*place, field) if field in data else place,
        )

    def _counted(
        self, when: Condition | None, known: Readings, events: list[Event], at: datetime
    ) -> Readings:
        """What events make known of the signals, and of those that only conditions have."""
        if self.counting is None:
            raise InvalidInput(
                "Nobody counts the events of a test here",
                code="rules.form",
                field="events",
                value=len(events),
                remedy="pass counting=retainkit.signals.read_timeline, as read_rules does",
            )
        asked = (*self.segments.values(), *(() if when is None else (when,)))
        inside = {signal.name: signal for each in asked for signal in signals_of(each)}
        return self.counting({**inside, **self.signals}, known, events, at)

    def _id(self, reader: ConditionReader, data: Mapping[str, object], place: Place) -> str | None:
        """The rule's id, which no other one has; or None and a mistake."""
        id = data.get("id")
        if not isinstance(id, str) or not id:
            reader.wrong(
                (*place, "id") if "id" in data else place,
                "A rule has an id",
                "rules.form",
                id,
                "write `id: some-name`; in quotes where it looks like a number",
            )
            return None
        if id in self.ids:
            reader.wrong(
                (*place, "id"),
                "Each rule has an id of its own",
                "rules.rule_twice",
                id,
                "rename one of the two",
            )
        self.ids.add(id)
        return id


def _options(
    reader: ConditionReader, data: Mapping[str, object], place: Place
) -> dict[str, object]:
    """What a rule says beside its condition, by its names in Python; None for a mistake."""
    options: dict[str, object] = {}
    for word in _LENGTH_WORDS:
        if word in data:
            name = "for_" if word == "for" else word
            options[name] = reader.length(data[word], (*place, word))
    makes: Mapping[str, Callable[[object, str], object]] = {
        "priority": lambda said, _: read_priority(said),
        "once_per": lambda said, word: choice(OncePer, said, word),
        "status": lambda said, word: choice(RuleStatus, said, word),
        "max_per": lambda said, _: read_max_per(str(said)),
        "term": lambda said, _: None if str(said) in reader.wrong_signals else str(said),
        "effective_from": lambda said, word: instant(told_instant(said), word),
        "effective_until": lambda said, word: instant(told_instant(said), word),
    }
    for word, make in makes.items():
        if word in data:
            options[word] = reader.made(
                (*place, word),
                lambda make=make, word=word: make(data[word], word),  # type: ignore[misc] # bound now
            )
    if "clears_when" in data:
        options["clears_when"] = reader.condition(data["clears_when"], (*place, "clears_when"))
    return options


def _place_of(field: str) -> Place:
    part, _, name = field.partition(".")
    if part == "segments":
        return (part, name)
    number, _, word = name.partition(".")
    return (part, int(number), word)
