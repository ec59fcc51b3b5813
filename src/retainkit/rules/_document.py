"""A rule file as data: segments and rules, with what is in them; its text is read in `schema`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from retainkit.rules._rulebook import Rulebook
from retainkit.rules._tree import Condition, InSegment, segment, signals_of, walk
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
    given = {} if signals is None else signals
    known = dict(given if isinstance(given, Mapping) else declared(given))
    return _Document(signals=known, counting=counting).read(data)


@define(kw_only=True)
class _Document(Reader):
    signals: dict[str, Signal]
    counting: Counting | None
    ids: set[str] = field(factory=set)
    segments: dict[str, Condition] = field(factory=dict)

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
        book = None if self.mistakes else self._tried(self.segments, rules)
        if book is not None:
            return book
        self._try_each(rules)
        raise mistaken(self)

    def _try_each(self, rules: Mapping[int, Rule]) -> None:
        """Each segment and each rule alone, with the segments it names; each mistake once."""
        order = {name: i for i, name in enumerate(self.segments)}
        for name in self.segments:
            self._try_alone([segment(name)], {}, order)
        for i, rule in rules.items():
            said = [when for when in (rule.when, rule.clears_when) if when is not None]
            self._try_alone(said, {i: rule}, order)
        told = {(m.place, m.code, m.message, m.remedy): m for m in self.mistakes}
        self.mistakes[:] = told.values()

    def _try_alone(
        self, said: list[Condition], rules: Mapping[int, Rule], order: Mapping[str, int]
    ) -> None:
        """With the segments that these name, in the document's order; unless one was not read."""
        named: set[str] = set()
        while said:
            for part in walk(said.pop()):
                if isinstance(part, InSegment) and part.name not in named:
                    if part.name not in self.segments:
                        return
                    named.add(part.name)
                    said.append(self.segments[part.name])
        inside = {name: self.segments[name] for name in sorted(named, key=order.__getitem__)}
        self._tried(inside, rules)

    def _tried(
        self, segments: Mapping[str, Condition], rules: Mapping[int, Rule]
    ) -> Rulebook | None:
        return self.made(
            (),
            lambda: Rulebook(signals=self.signals, segments=segments, rules=rules.values()),
            lambda field: _place_of(field, rules),
        )

    def _reader(self, segments: Iterable[str]) -> ConditionReader:
        """A reader that knows what is known by now, and notes its mistakes here."""
        return ConditionReader(
            signals=self.signals, segments=frozenset(segments), mistakes=self.mistakes
        )

    def _declare(self, said: object) -> None:
        names = tuple(map(str, said)) if isinstance(said, Mapping) else ()
        Declarations(
            signals=self.signals,
            declared=self.signals,
            said=dict(self.keys(said, ("signals",), names)),
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
        "term": lambda said, _: str(said),
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


def _place_of(field: str, rules: Mapping[int, Rule]) -> Place:
    """The rulebook names rules by their ids; a document counts them."""
    part, _, name = field.partition(".")
    if part == "segments":
        return (part, name)
    id, _, word = name.rpartition(".")
    return (part, next(i for i, rule in rules.items() if rule.id == id), word)
