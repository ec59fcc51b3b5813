"""A dunning policy from its stored definition, so that a running case keeps its own policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from retainkit.core import JsonObject
from retainkit.dunning._policy import DunningPolicy, Stage
from retainkit.errors import InvalidInput


def read_definition(definition: JsonObject) -> DunningPolicy:
    """The policy of :attr:`DunningPolicy.definition`; see :meth:`DunningPolicy.from_definition`."""
    if definition.get("schema") != 1:
        raise _unknown(definition.get("schema"))
    stored = cast("Mapping[str, object]", definition)
    try:
        return DunningPolicy(
            retries=[_duration(offset) for offset in _items(stored["retries"])],
            stages=[_stage(stage) for stage in _items(stored["stages"])],
            collector=cast("str", stored["collector"]),
            overrides=cast("Mapping[str, str]", stored["overrides"]),
            forgive_on_cancel=bool(stored["forgive_on_cancel"]),
            recheck=_duration(stored["recheck"]),
            recovered_message=cast("str | None", stored["recovered_message"]),
        )
    except (KeyError, TypeError) as exc:
        raise _unknown(str(exc)) from exc


def _stage(stored: object) -> Stage:
    stage = cast("Mapping[str, object]", stored)
    return Stage(
        after=_duration(stage["after"]),
        message=cast("str | None", stage["message"]),
        tone=cast("str", stage["tone"]),
        access=cast("str", stage["access"]),
        end=cast("str | None", stage["end"]),
    )


def _items(stored: object) -> list[object]:
    return list(cast("list[object]", stored))


def _duration(micros: object) -> timedelta:
    return timedelta(microseconds=cast("int", micros))


def _unknown(value: object) -> InvalidInput:
    return InvalidInput(
        "This is no definition of a dunning policy",
        code="dunning.policy.definition",
        field="definition",
        value=value,
        remedy="pass what DunningPolicy.definition gave; a newer one needs a newer retainkit",
    )
