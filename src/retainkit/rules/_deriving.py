"""Signals in documents, by name or by what they are computed of; see ``_reading``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import cast

from attrs import define

from retainkit.core import Origin
from retainkit.rules._checked import Scalar, left_out, one_event
from retainkit.rules._computed import COMPUTED
from retainkit.rules._computing import FORMS, PATTERN_WORDS, read_computed, read_one_computed
from retainkit.rules._counted import Count, Distinct, Sequence, computed, followed
from retainkit.rules._declared import Signal
from retainkit.rules._events import EventPattern
from retainkit.rules._mistakes import Place, Reader
from retainkit.rules._operands import length_of
from retainkit.rules._readings import named


DECLARE = "declare it under `signals:`, or in your class of Signals"
COUNTING = (*PATTERN_WORDS, "same", "distinct", "within")
FOLLOWING = ("of", "within", "same", "strict")


@define(kw_only=True)
class SignalReader(Reader):
    """
    Reads signals inside of a document; inside this room only.

    Args:
        signals: Those that it may name.

        mistakes: As of `Reader`.
    """

    signals: Mapping[str, Signal]

    def signal(self, name: object, place: Place) -> Signal | None:
        """The signal of a name, or a mistake with the nearest one."""
        return self.made(place, lambda: named(self.signals, str(name), str(name), DECLARE))

    def length(self, value: object, place: Place) -> timedelta | None:
        """A window such as ``14d``."""
        return self.made(place, lambda: length_of(value))

    def derived(self, word: str, said: object, place: Place) -> Signal | None:
        """The signal that is computed of events, a sequence, or by a word of `derivation_words`."""
        if word == "sequence":
            return self._followed(said, place)
        if word == COMPUTED:
            return read_one_computed(self, said, place)
        if word in FORMS:
            return read_computed(self, word, said, place)
        data = self.keys(said, place, COUNTING)
        if not isinstance(said, Mapping):
            return None
        within = self._within(data, place)
        pattern = self.pattern(data, place)
        if pattern is None or within is None:
            return None
        same, distinct = (self.text(data, key, place) for key in ("same", "distinct"))
        if distinct is None:
            return self.made(
                place, lambda: computed(Count(pattern=pattern, within=within, same=same))
            )
        if same is not None:
            self.wrong(
                (*place, "same"),
                "Different values are counted over all events",
                self.form,
                same,
                "leave out `same`, or `distinct`",
            )
        return self.made(
            place, lambda: computed(Distinct(pattern=pattern, within=within, key=distinct))
        )

    def _followed(self, said: object, place: Place) -> Signal | None:
        data = self.keys(said, place, FOLLOWING)
        if not isinstance(said, Mapping):
            return None
        within = self._within(data, place)
        steps = self.listed(data.get("of"), (*place, "of"))
        patterns = [self._step(step, (*place, "of", i)) for i, step in enumerate(steps)]
        found = tuple(pattern for pattern in patterns if pattern is not None)
        if (
            within is None
            or len(found) < len(steps)
            or not isinstance(data.get("of"), list | tuple)
        ):
            return None
        return self.made(
            place,
            lambda: followed(
                Sequence(
                    patterns=found,
                    within=within,
                    same=self.text(data, "same", place),
                    strict=self.flag(data, "strict", place),
                )
            ),
        )

    def _step(self, step: object, place: Place) -> EventPattern | None:
        data = {"name": step} if isinstance(step, str) else self.keys(step, place, PATTERN_WORDS)
        return self.pattern(data, place)

    def pattern(self, data: Mapping[str, object], place: Place) -> EventPattern | None:
        """Events, by what is said of them."""
        where = data.get("where", {})
        pairs = where if isinstance(where, Mapping) else {}
        if pairs is not where:
            self.keys(where, (*place, "where"), ())
        checked: dict[str, Scalar] = {}
        for key, value in pairs.items():
            if isinstance(value, bool | int | str | None):
                checked[str(key)] = value
            else:
                self.wrong(
                    (*place, "where", str(key)),
                    "An event's data are compared with single values",
                    "rules.where",
                    type(value).__name__,
                    "write a text, a whole number, true, false or null",
                )
        others, but = (
            self._names(data, key, check, place)
            for key, check in (("or", one_event), ("but", left_out))
        )
        origins = tuple(self.listed(data.get("origins", ()), (*place, "origins")))
        return self.made(
            place,
            lambda: EventPattern(
                name=cast("str", data.get("name", "")),  # checked by the pattern, as the origins
                where=tuple(checked.items()),
                others=others,
                but=but,
                origins=cast("tuple[Origin, ...]", origins),
            ),
            lambda field: (*place, field) if field in data else place,
        )

    def _names(
        self, data: Mapping[str, object], key: str, check: Callable[[str], str], place: Place
    ) -> tuple[str, ...]:
        """The names under a key, and a mistake for each that is none."""
        found = [
            self.made((*place, key, i), partial(check, cast("str", name)))
            for i, name in enumerate(self.listed(data.get(key, ()), (*place, key)))
        ]
        return tuple(name for name in found if name is not None)

    def _within(self, data: Mapping[str, object], place: Place) -> timedelta | None:
        if "within" in data:
            return self.length(data["within"], (*place, "within"))
        self.wrong(
            place, "Within which time?", "rules.window", None, "write `within: 7d`, or another"
        )
        return None
