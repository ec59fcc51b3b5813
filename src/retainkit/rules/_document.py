"""A rule file as data: signals, segments, rules and their tests; its text is read in `schema`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import cast

from attrs import define, evolve, field

from retainkit.errors import InvalidInput
from retainkit.rules._checked import MissingTime
from retainkit.rules._computed import First, Last, Latest
from retainkit.rules._computing import FORMS
from retainkit.rules._declared import Kind, Remedy, Signal
from retainkit.rules._meant import meant
from retainkit.rules._mistakes import Place, Reader
from retainkit.rules._operands import cash, operand
from retainkit.rules._reading import ConditionReader, mistaken
from retainkit.rules._readings import Reading, Readings, readings
from retainkit.rules._rule import OncePer, Rule, RuleStatus, RuleTest, choice, read_max_per
from retainkit.rules._rulebook import Rulebook
from retainkit.rules._signals import (
    Amount,
    Duration,
    Flag,
    Number,
    Signals,
    Text,
    Time,
    declared,
)
from retainkit.rules._tree import Condition
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant, read_length, window
from retainkit.timing import utc


_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)

FILE_WORDS = ("signals", "segments", "rules")
LENGTH_WORDS = ("for", "keep_for", "cooldown", "unknown_for")
RULE_WORDS = (
    "id",
    "when",
    "doc",
    "group",
    "priority",
    *LENGTH_WORDS,
    "clears_when",
    "once_per",
    "term",
    "max_per",
    "status",
    "effective_from",
    "effective_until",
    "tests",
)
TEST_WORDS = ("name", "customer", "now", "expect")
READING_WORDS = ("value", "at", "source", "until")
SIGNAL_WORDS = (
    "kind",
    "unit",
    "currency",
    "one_of",
    "missing",
    "fresh_for",
    "source",
    "doc",
    "remedy",
    "event",
    "sequence",
    *FORMS,
)
REMEDY_WORDS = ("kind", "ref", "doc")
EXPECT = {"fires": Truth.TRUE, "no": Truth.FALSE, "unknown": Truth.UNKNOWN}
_KINDS: Mapping[str, type[Signal]] = {
    kind.kind.value: kind for kind in (Number, Amount, Duration, Time, Text, Flag)
}
_OPTIONS: Mapping[Kind, tuple[str, ...]] = {
    Kind.NUMBER: ("unit",),
    Kind.AMOUNT: ("currency",),
    Kind.TEXT: ("one_of",),
    Kind.TIME: ("missing",),
}
_EVERY_OPTION = tuple(key for keys in _OPTIONS.values() for key in keys)


def read_rulebook(
    data: object, signals: type[Signals] | Mapping[str, Signal] | None = None
) -> Rulebook:
    """
    The rulebook that a document holds.

    Args:
        data: ``signals`` (declared in the document itself), ``segments``, ``rules``.

        signals: Declared in Python, beside those of the document.

    Raises:
        InvalidInput: ``rules.mistakes``; its value has every `Mistake`, with its place.
    """
    given = {} if signals is None else signals
    known = dict(given if isinstance(given, Mapping) else declared(given))
    return _Document(signals=known).read(data)


@define(kw_only=True)
class _Document(Reader):
    signals: dict[str, Signal]
    ids: set[str] = field(factory=set)

    def read(self, data: object) -> Rulebook:
        top = self.keys(data, (), FILE_WORDS)
        self._declare(top.get("signals", {}))
        raw = top.get("segments", {})
        names = tuple(map(str, raw)) if isinstance(raw, Mapping) else ()
        reader = self._reader(names)
        segments = {
            name: reader.condition(said, ("segments", name))
            for name, said in (reader.keys(raw, ("segments",), names)).items()
        }
        items = reader.listed(top.get("rules", []), ("rules",))
        rules = [self._rule(reader, item, ("rules", i)) for i, item in enumerate(items)]
        if not self.mistakes:
            return self._whole(
                {name: when for name, when in segments.items() if when is not None},
                [rule for rule in rules if rule is not None],
            )
        raise mistaken(self)

    def _whole(self, segments: Mapping[str, Condition], rules: list[Rule]) -> Rulebook:
        """All of it together, once its parts are right; else each rule alone, to find them all."""
        book = self._tried(segments, rules, rules)
        if book is not None:
            return book
        first = self.mistakes.pop()
        if self._tried(segments, [], rules) is not None:
            for rule in rules:
                self._tried(segments, [rule], rules)
        if not self.mistakes:
            self.mistakes.append(first)
        raise mistaken(self)

    def _tried(
        self, segments: Mapping[str, Condition], some: list[Rule], rules: list[Rule]
    ) -> Rulebook | None:
        return self.made(
            (),
            lambda: Rulebook(signals=self.signals, segments=segments, rules=some),
            lambda field: _place_of(field, rules),
        )

    def _reader(self, segments: Iterable[str]) -> ConditionReader:
        """A reader that knows what is known by now, and notes its mistakes here."""
        return ConditionReader(
            signals=self.signals, segments=frozenset(segments), mistakes=self.mistakes
        )

    def _declare(self, said: object) -> None:
        reader = self._reader(())
        names = tuple(map(str, said)) if isinstance(said, Mapping) else ()
        for name, declaration in reader.keys(said, ("signals",), names).items():
            place = ("signals", name)
            if name in self.signals:
                reader.wrong(
                    place,
                    "A signal of this name is declared otherwise",
                    "rules.signal_clash",
                    name,
                    "leave it out here, or there",
                )
                continue
            signal = self._signal(reader, name, declaration, place)
            if signal is not None:
                self.signals[name] = signal

    def _signal(
        self, reader: ConditionReader, name: str, said: object, place: Place
    ) -> Signal | None:
        data = reader.keys(said, place, SIGNAL_WORDS)
        common = {k: str(data[k]) for k in ("doc", "source") if isinstance(data.get(k), str)}
        fresh = data.get("fresh_for")
        fresh_for = None if fresh is None else reader.length(fresh, (*place, "fresh_for"))
        remedy = _remedy(reader, data, place)
        words = [word for word in ("event", "sequence", *FORMS) if word in data]
        if words:
            made = reader.derived(words[0], data[words[0]], (*place, words[0]))
            for word in words[1:]:
                _refuse(reader, (*place, word), f"leave it out: one thing is computed, {words[0]}")
            if made is None or not _fits(reader, made, data, place):
                return None
            return reader.made(
                place,
                lambda: _described(
                    evolve(
                        made,
                        name=name,
                        doc=str(common.get("doc", "")),
                        source=common.get("source"),
                        fresh_for=fresh_for,
                        remedy=remedy,
                    ),
                    data,
                ),
            )
        kind = _KINDS.get(str(data.get("kind")))
        if kind is None:
            reader.wrong(
                (*place, "kind"),
                "There is no such kind of signal",
                "rules.kind",
                data.get("kind"),
                meant(str(data.get("kind")), _KINDS),
            )
            return None
        known = _OPTIONS.get(kind.kind, ())
        options = {key: data[key] for key in known if key in data}
        for key in _EVERY_OPTION:
            if key in data and key not in known:
                _refuse(
                    reader, (*place, key), f"leave it out: the signal is of the kind {kind.kind}"
                )
        make: Callable[..., Signal] = kind
        return reader.made(
            place, lambda: make(name=name, fresh_for=fresh_for, remedy=remedy, **common, **options)
        )

    def _rule(self, reader: ConditionReader, said: object, place: Place) -> Rule | None:
        data = reader.keys(said, place, RULE_WORDS)
        id = data.get("id")
        if not isinstance(id, str) or not id:
            if isinstance(said, Mapping):
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
        if "when" not in data:
            reader.wrong(place, "A rule says when", "rules.form", id, "write `when: ...`")
            return None
        when = reader.condition(data["when"], (*place, "when"))
        priority = data.get("priority", 0)
        if type(priority) is not int:
            reader.wrong(
                (*place, "priority"),
                "A priority is a whole number",
                "rules.form",
                str(priority),
                "write a number; the highest comes first",
            )
        listed = reader.listed(data.get("tests", []), (*place, "tests"))
        tests = [self._test(reader, t, (*place, "tests", i)) for i, t in enumerate(listed)]
        options = _options(reader, data, place)
        if when is None or type(priority) is not int or None in options.values():
            return None
        group = data.get("group")
        make: Callable[..., Rule] = Rule
        return reader.made(
            place,
            lambda: make(
                id=id,
                when=when,
                doc=str(data.get("doc", "")),
                group=None if group is None else str(group),
                priority=priority,
                tests=[test for test in tests if test is not None],
                **options,
            ),
            lambda field: (*place, field) if field in data else place,
        )

    def _test(self, reader: ConditionReader, said: object, place: Place) -> RuleTest | None:
        data = reader.keys(said, place, TEST_WORDS)
        if not isinstance(said, Mapping):
            return None
        at = reader.made((*place, "now"), lambda: instant(_test_time(data.get("now"))))
        expect = EXPECT.get("no" if data.get("expect") is False else str(data.get("expect")))
        if expect is None:
            reader.wrong(
                (*place, "expect") if "expect" in data else place,
                "A test expects an answer",
                "rules.expect",
                data.get("expect"),
                "write `expect: fires`, `expect: no` or `expect: unknown`",
            )
        # Without its time, the customer is looked at all the same: for mistakes.
        customer = data.get("customer", {})
        known = self._known(reader, customer, at or _SOME_DAY, (*place, "customer"))
        if at is None or expect is None or known is None:
            return None
        return RuleTest(name=str(data.get("name", "")), known=known, at=at, expect=expect)

    def _known(
        self, reader: ConditionReader, said: object, at: datetime, place: Place
    ) -> Readings | None:
        values: dict[str, object] = {}
        before = len(reader.mistakes)
        if not isinstance(said, Mapping):
            reader.keys(said, place, ())
            return None
        for key, value in said.items():
            name, inside = str(key), (*place, str(key))
            signal = reader.signals.get(name)
            if signal is None:
                reader.signal(name, inside)
                continue
            found = self._reading(reader, signal, value, at, inside)
            if found is not None:
                values[name] = found
        if len(reader.mistakes) > before:
            return None
        return reader.made(place, lambda: readings(self.signals, values))

    def _reading(
        self, reader: ConditionReader, signal: Signal, said: object, at: datetime, place: Place
    ) -> Reading | None:
        data: Mapping[str, object] = {"value": said}
        if isinstance(said, Mapping) and "value" in said:
            data = reader.keys(said, place, READING_WORDS)

        def make() -> Reading:
            raw = data.get("value")
            value = None if raw is None else signal.value(_value(signal, raw, at), signal.name)
            source = data.get("source")
            until = data.get("until")
            return Reading(
                value=value,
                at=_relative(data["at"], at) if "at" in data else at,
                source=None if source is None else str(source),
                until=None if until is None else _relative(until, at),
            )

        return reader.made(place, make)


def _options(
    reader: ConditionReader, data: Mapping[str, object], place: Place
) -> dict[str, object]:
    """What a rule says beside its condition, by its names in Python; None for a mistake."""
    options: dict[str, object] = {}
    for word in LENGTH_WORDS:
        if word in data:
            name = "for_" if word == "for" else word
            options[name] = reader.length(data[word], (*place, word))
    makes: Mapping[str, Callable[[object, str], object]] = {
        "once_per": lambda said, word: choice(OncePer, said, word),
        "status": lambda said, word: choice(RuleStatus, said, word),
        "max_per": lambda said, _: read_max_per(str(said)),
        "term": lambda said, _: str(said),
        "effective_from": lambda said, word: instant(_test_time(said), word),
        "effective_until": lambda said, word: instant(_test_time(said), word),
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


def _fits(reader: ConditionReader, made: Signal, data: Mapping[str, object], place: Place) -> bool:
    """Whether what the file says beside a derivation belongs to the kind that it computes."""
    before = len(reader.mistakes)
    if "kind" in data and data["kind"] != made.kind:
        _refuse(
            reader, (*place, "kind"), f"leave it out: what is computed is of the kind {made.kind}"
        )
    for key in _EVERY_OPTION:
        if key == "currency" and key in data:
            _refuse(reader, (*place, key), "write it inside: sum: {event: ..., currency: EUR}")
        elif key in data and key not in _OPTIONS.get(made.kind, ()):
            _refuse(reader, (*place, key), f"leave it out: the signal is of the kind {made.kind}")
    return len(reader.mistakes) == before


def _refuse(reader: ConditionReader, place: Place, remedy: str) -> None:
    reader.wrong(
        place, "This word has no meaning here", "rules.unknown_word", str(place[-1]), remedy
    )


def _described(signal: Signal, data: Mapping[str, object]) -> Signal:
    """With the unit, the texts or the meaning of a missing time that the file names beside it."""
    of = signal.derivation
    if isinstance(signal, Number) and isinstance(data.get("unit"), str):
        return signal.counting(str(data["unit"]))
    if isinstance(signal, Text) and "one_of" in data and isinstance(of, Latest):
        told = evolve(of, one_of=cast("Iterable[str]", data["one_of"]))
        return evolve(signal, one_of=told.one_of, derivation=told)
    if isinstance(signal, Time) and "missing" in data:
        missing = cast("MissingTime", data["missing"])  # checked by what is made of it
        inside = evolve(of, missing=missing) if isinstance(of, First | Last) else of
        return evolve(signal, missing=missing, derivation=inside)
    return signal


def _remedy(reader: ConditionReader, data: Mapping[str, object], place: Place) -> Remedy | None:
    if "remedy" not in data:
        return None
    inside = (*place, "remedy")
    said = reader.keys(data["remedy"], inside, REMEDY_WORDS)
    if not isinstance(data["remedy"], Mapping):
        return None
    return reader.made(
        inside,
        lambda: Remedy(
            kind=str(said.get("kind", "")),
            ref=str(said.get("ref", "")),
            doc=str(said.get("doc", "")),
        ),
    )


def _value(signal: Signal, raw: object, at: datetime) -> object:
    if signal.kind is Kind.AMOUNT:
        return cash(signal, raw)
    if signal.kind is Kind.TIME and isinstance(raw, str):
        return _relative(raw, at)
    return operand(signal, raw)


def _relative(raw: object, at: datetime) -> datetime:
    """An instant, or one told from the time of the test: ``3d ago``, ``in 10d``."""
    if isinstance(raw, str):
        text = raw.strip()
        if text.endswith(" ago"):
            return at - window(read_length(text.removesuffix(" ago").strip(), "time"), "time")
        if text.startswith("in "):
            return at + window(read_length(text.removeprefix("in ").strip(), "time"), "time")
    return _test_time(raw)


def _test_time(raw: object) -> datetime:
    found = operand(Time(), raw)
    if isinstance(found, datetime):
        return utc(found, "now")
    raise InvalidInput(
        "This is no instant",
        code="rules.instant",
        field="now",
        value=raw if isinstance(raw, str | int) else type(raw).__name__,
        remedy="write 2026-11-01T09:00:00Z; the times of a customer also as `3d ago`, `in 10d`",
    )


def _place_of(field: str, rules: list[Rule]) -> Place:
    """The rulebook names rules by their ids; a document counts them."""
    parts = tuple(field.split("."))
    if parts[0] == "rules" and len(parts) > 1:
        id = ".".join(parts[1:-1])
        index = next((i for i, rule in enumerate(rules) if rule.id == id), 0)
        return ("rules", index, parts[-1])
    if parts[0] == "segments":
        return ("segments", ".".join(parts[1:]))
    return ()
