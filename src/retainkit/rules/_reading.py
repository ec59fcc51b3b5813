"""Data as conditions: what files and other languages wrote, with all mistakes at once.

The form is that of ``condition_data``, with short cuts for people; documents around it are in
``_document``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from itertools import chain
from typing import assert_never, cast

from attrs import define

from retainkit.errors import InvalidInput
from retainkit.rules._checked import times
from retainkit.rules._comparisons import in_range, one_of, two_signals
from retainkit.rules._computed import COMPUTED
from retainkit.rules._computing import FORMS
from retainkit.rules._declared import WORDS, Kind, Signal
from retainkit.rules._deriving import COUNTING, FOLLOWING, SignalReader
from retainkit.rules._meant import meant
from retainkit.rules._mistakes import Place, Reader
from retainkit.rules._operands import factor_of, operand
from retainkit.rules._signals import Number, Text
from retainkit.rules._tree import (
    Ago,
    Ahead,
    Compare,
    Comparison,
    Condition,
    Distance,
    Missing,
    Not,
    Present,
    TextPart,
    all_of,
    any_of,
    at_least,
    segment,
)


_OPS = tuple(op.value for op in Comparison)
_BY_KIND: Mapping[Kind, tuple[str, ...]] = {
    Kind.NUMBER: (*_OPS, "between", "in"),
    Kind.AMOUNT: (*_OPS, "between"),
    Kind.DURATION: (*_OPS, "between"),
    Kind.TIME: (
        *_OPS,
        "between",
        "more_than_ago",
        "less_than_ago",
        "more_than_ahead",
        "less_than_ahead",
    ),
    Kind.TEXT: ("eq", "ne", "in", *(part.value for part in TextPart)),
    Kind.FLAG: ("eq", "ne"),
}
PRESENCE = ("present", "missing")
_EVERY_WORD = tuple(dict.fromkeys((*chain(*_BY_KIND.values()), *PRESENCE)))
_UNIT = "unit"
_SHORT = ("at_least", "absent")
_OPTIONS = {"event": (*COUNTING, *_SHORT, _UNIT), "sequence": FOLLOWING}
_PAIR = 2


def conditions_on(signal: Signal) -> tuple[str, ...]:
    """The words with which files say something of a signal of this kind."""
    return (*_BY_KIND[signal.kind], *PRESENCE)


def read_condition(
    data: object, signals: Mapping[str, Signal], *, segments: Iterable[str] = ()
) -> Condition:
    """
    The condition that `condition_data`, or a person, wrote.

    Args:
        data: Mappings, lists, texts, numbers, flags; instants may be datetimes.

        signals: What it may read, by name.

        segments: The names it may refer to.

    Raises:
        InvalidInput: ``rules.mistakes``; its value has every `Mistake`.
    """
    reader = ConditionReader(signals=signals, segments=frozenset(segments))
    found = reader.condition(data, ())
    if found is None or reader.mistakes:
        raise mistaken(reader)
    return found


def mistaken(reader: Reader) -> InvalidInput:
    """The error for all that it noted; inside this room only."""
    return InvalidInput(
        f"There are mistakes in it: {reader.told}",
        code="rules.mistakes",
        value=tuple(reader.mistakes),
        remedy="mend what each of them names",
    )


@define(kw_only=True)
class ConditionReader(SignalReader):
    """
    Reads conditions inside of a document, and what they are made of.

    Args:
        signals: What they may read, by name.

        segments: The names they may refer to.

        wrong_signals: The names of those whose declarations are mistakes by themselves.

        mistakes: As of `Reader`.
    """

    segments: Collection[str]
    wrong_signals: Collection[str] = ()

    def signal(self, name: object, place: Place) -> Signal | None:
        """The signal of a name; or None and a mistake, unless its declaration is one."""
        return None if str(name) in self.wrong_signals else super().signal(name, place)

    def condition(self, data: object, place: Place) -> Condition | None:
        """The condition, or None and a mistake."""
        return self.deeper(place, lambda: self._condition(data, place))

    def _condition(self, data: object, place: Place) -> Condition | None:
        if not isinstance(data, Mapping) or len(data) != 1:
            self.wrong(
                place,
                "A condition is one word or signal, with what is said of it",
                "rules.form",
                type(data).__name__ if not isinstance(data, Mapping) else sorted(map(str, data)),
                "write `mrr: {gte: 500}`; several of them go under `all:` or `any:`",
            )
            return None
        ((word, said),) = data.items()
        inside = (*place, str(word))
        match word:
            case "all":
                return self._combined(said, inside, lambda items: all_of(*items))
            case "any":
                return self._combined(said, inside, lambda items: any_of(*items))
            case "at_least":
                return self._at_least(said, inside)
            case "not":
                item = self.condition(said, inside)
                return None if item is None else self.made(inside, lambda: Not(item=item))
            case "segment":
                return self._segment(said, inside)
            case "event" | "sequence" | "computed":
                return self._computed(word, said, inside)
            case _:
                return self._signal(word, said, inside)

    def _combined(
        self,
        said: object,
        place: Place,
        make: Callable[[list[Condition]], Condition],
        where: Callable[[str], Place] | None = None,
    ) -> Condition | None:
        data = self.listed(said, place)
        items = [self.condition(item, (*place, i)) for i, item in enumerate(data)]
        found = [item for item in items if item is not None]
        if len(found) < len(items) or not isinstance(said, list | tuple):
            return None
        return self.made(place, lambda: make(found), where)

    def _at_least(self, said: object, place: Place) -> Condition | None:
        data = self.keys(said, place, ("count", "of"))
        if "of" not in data or "count" not in data:
            if isinstance(said, Mapping):
                self.wrong(
                    place,
                    "How many, of what?",
                    "rules.form",
                    sorted(map(str, said)),
                    "write `at_least: {count: 2, of: [...]}`",
                )
            return None
        count = data["count"]
        return self._combined(
            data["of"],
            (*place, "of"),
            lambda items: at_least(cast("int", count), *items),  # checked there
            lambda field: (*place, field if field in data else "of"),
        )

    def _segment(self, said: object, place: Place) -> Condition | None:
        if isinstance(said, str) and said in self.segments:
            return segment(said)
        self.wrong(
            place,
            "There is no such segment",
            "rules.unknown_segment",
            said,
            meant(str(said), sorted(self.segments), "define it under `segments:`"),
        )
        return None

    def _signal(self, name: object, said: object, place: Place) -> Condition | None:
        near_word = get_close_matches(str(name), sorted(WORDS), n=1, cutoff=0.8)
        if name not in self.signals and near_word and isinstance(said, list):
            self.wrong(
                place,
                "This word has no meaning here",
                "rules.unknown_word",
                name,
                f"did you mean {near_word[0]!r}?",
            )
            return None
        signal = self.signal(name, place)
        if signal is None:
            return None
        return self._said(signal, said if isinstance(said, Mapping) else {"eq": said}, place)

    def _said(self, signal: Signal, said: Mapping[str, object], place: Place) -> Condition | None:
        known = self.keys(said, place, conditions_on(signal))
        if not said:
            self.wrong(
                place,
                "Nothing is said of the signal",
                "rules.form",
                signal.name,
                f"use one of {', '.join(conditions_on(signal))}",
            )
            return None
        items = [self._leaf(signal, word, value, (*place, word)) for word, value in known.items()]
        found = [item for item in items if item is not None]
        if not found or len(found) < len(said):
            return None
        return found[0] if len(found) == 1 else self.made(place, lambda: all_of(*found))

    def _leaf(self, signal: Signal, word: str, value: object, place: Place) -> Condition | None:
        if word in PRESENCE:
            return self._presence(signal, word, value, place)
        if word == "in":
            return self._one_of(signal, value, place)
        if word == "between":
            return self._between(signal, value, place)
        if word.endswith(("_than_ago", "_than_ahead")):
            return self._far(signal, word, value, place)
        if word in {part.value for part in TextPart}:
            return self._text(signal, word, value, place)
        op = Comparison(word)
        if isinstance(value, Mapping) and value.keys() & {"signal", "event", COMPUTED}:
            return self._other(signal, op, value, place)
        return self.made(
            place,
            lambda: Compare(
                signal=signal, op=op, value=signal.threshold(operand(signal, value), signal.name)
            ),
        )

    def _presence(self, signal: Signal, word: str, value: object, place: Place) -> Condition | None:
        if value is not True:
            self.wrong(
                place, "This is true, or not said", "rules.form", value, f"write `{word}: true`"
            )
            return None
        return Present(signal=signal) if word == "present" else Missing(signal=signal)

    def _one_of(self, signal: Signal, value: object, place: Place) -> Condition | None:
        items = self.listed(value, place)
        if not isinstance(value, list | tuple) or not isinstance(signal, Number | Text):
            return None
        checked = [
            self.made((*place, i), lambda item=item: signal.threshold(operand(signal, item), ""))  # type: ignore[misc] # bound now
            for i, item in enumerate(items)
        ]
        kept = tuple(item for item in checked if isinstance(item, str | int | float))
        if len(kept) < len(items):
            return None
        return self.made(place, lambda: one_of(signal, kept))

    def _between(self, signal: Signal, value: object, place: Place) -> Condition | None:
        ends = self.listed(value, place)
        if len(ends) != _PAIR:
            if isinstance(value, list | tuple):
                self.wrong(
                    place,
                    "A range has two ends",
                    "rules.form",
                    len(ends),
                    "write `between: [low, high]`; both are included",
                )
            return None
        low, high = ends
        return self.made(
            place, lambda: in_range(signal, operand(signal, low), operand(signal, high))
        )

    def _far(self, signal: Signal, word: str, value: object, place: Place) -> Condition | None:
        length = self.length(value, place)
        if length is None:
            return None
        than = Distance(word.partition("_")[0])
        if word.endswith("_ago"):
            return Ago(signal=signal, than=than, length=length)
        return Ahead(signal=signal, than=than, length=length)

    def _text(self, signal: Signal, word: str, value: object, place: Place) -> Condition | None:
        asked = cast("Text", signal)  # of others these words are refused before
        text = cast("str", value)  # checked by the signal
        match TextPart(word):
            case TextPart.STARTS_WITH:
                return self.made(place, lambda: asked.starts_with(text))
            case TextPart.ENDS_WITH:
                return self.made(place, lambda: asked.ends_with(text))
            case TextPart.CONTAINS:
                return self.made(place, lambda: asked.contains(text))
            case never:
                assert_never(never)

    def _other(
        self, signal: Signal, op: Comparison, said: Mapping[str, object], place: Place
    ) -> Condition | None:
        data = self.keys(said, place, ("signal", "event", COMPUTED, "times"))
        word = next((word for word in ("event", COMPUTED) if word in data), None)
        if word is not None:
            other = self._counting(word, data[word], (*place, word))
        else:
            other = self.signal(data.get("signal"), (*place, "signal"))
        if other is None:
            return None
        factor = data.get("times", 1)
        return self.made(place, lambda: two_signals(signal, op, other, factor_of(signal, factor)))

    def _computed(self, word: str, said: object, place: Place) -> Condition | None:
        options = _OPTIONS.get(word, (*FORMS, _UNIT))
        if not isinstance(said, Mapping):
            self.keys(said, place, options)
            return None
        asked = {key: value for key, value in said.items() if key not in options}
        counted = {k: v for k, v in said.items() if k in options and k not in _SHORT}
        signal = self._counting(word, counted, place)
        if word == "sequence" and not asked:
            asked = {"eq": True}
        if word == "event" and "at_least" in said:
            self._once(asked, "gte", "at_least", place)
            asked["gte"] = self.made((*place, "at_least"), lambda: times(said["at_least"]))
            if asked["gte"] is None:
                return None
        if word == "event" and self.flag(said, "absent", place):
            self._once(asked, "eq", "absent", place)
            asked["eq"] = 0
        if not asked:
            self.wrong(
                place,
                "How often must it have happened?",
                "rules.form",
                sorted(map(str, said)),
                "write `at_least: 3`, `absent: true`, or a comparison such as `lt: 2`",
            )
            return None
        words = _EVERY_WORD if signal is None else conditions_on(signal)
        known = self.keys(asked, place, (*options, *words))
        if signal is None or not known:
            return None
        found = self._said(signal, known, place)
        return found if len(known) == len(asked) else None

    def _once(self, asked: Mapping[str, object], op: str, short: str, place: Place) -> None:
        if op in asked:
            self.wrong(
                (*place, short),
                "This is said twice",
                "rules.form",
                op,
                f"leave out `{short}`, or `{op}`",
            )

    def _counting(self, word: str, said: object, place: Place) -> Signal | None:
        """What is computed in a condition, with the unit that it was given there."""
        if word == "sequence" or not isinstance(said, Mapping) or _UNIT not in said:
            return self.derived(word, said, place)
        unit = said[_UNIT]
        signal = self.derived(word, {k: v for k, v in said.items() if k != _UNIT}, place)
        if signal is None or (isinstance(signal, Number) and isinstance(unit, str)):
            return signal.counting(unit) if isinstance(signal, Number) else None
        self.wrong(
            (*place, _UNIT),
            "A number has a unit, and that is a text",
            "rules.unit",
            unit,
            "leave it out, or write what is counted: `unit: seats`",
        )
        return None
