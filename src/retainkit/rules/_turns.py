"""What is said of a turn in a rule's life, as a key and values; the events are in `signals`."""

from __future__ import annotations

from typing import assert_never

from retainkit.core import Because, JsonObject, JsonValue
from retainkit.rules._rule import Rule
from retainkit.rules._state import Cleared, Fired, Limit, LongUnknown, Suppressed, Turn


def turn_reason(kind: str, turn: Turn, values: JsonObject, rule: Rule | None = None) -> Because:
    """
    The reason of what happened to a rule or a segment.

    Args:
        kind: ``rule``, ``shadow`` or ``segment``.

        turn: What happened.

        values: What is known of it.

        rule: Whose limits held it back.
    """
    match turn:
        case Fired() if kind == "segment":
            return Because(key="rules.segment.entered", values=values)
        case Fired() if kind == "shadow":
            return Because(key="rules.state.shadow_fired", values=values)
        case Fired():
            return Because(key="rules.state.fired", values=values)
        case Cleared(reason=reason) if kind == "segment":
            return Because(key=f"rules.segment.{reason}", values=values)
        case Cleared(reason=reason):
            return Because(key=f"rules.state.{reason}", values=values)
        case LongUnknown():
            return Because(key="rules.state.unknown", values=values)
        case Suppressed(reason=reason):
            limit = {} if rule is None else _limit(rule, reason)
            return Because(key=f"rules.held.{reason}", values={**values, **limit})
        case _:
            assert_never(turn)


def _limit(rule: Rule, reason: Limit) -> dict[str, JsonValue]:
    """What the limit says."""
    match reason:
        case Limit.COOLDOWN if rule.cooldown is not None:
            return {"seconds": int(rule.cooldown.total_seconds())}
        case Limit.MAX_PER if rule.max_per is not None:
            window = int(rule.max_per.window.total_seconds())
            return {"count": rule.max_per.count, "seconds": window}
        case Limit.TERM_UNKNOWN:
            return {"signal": rule.term}
        case _:
            return {"per": rule.once_per}
