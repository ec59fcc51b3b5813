"""The dunning policy: when to try, what to say, which access to leave, how it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import field, frozen

from retainkit.dunning._declines import DeclineClass
from retainkit.errors import InvalidInput


if TYPE_CHECKING:
    from retainkit.core import JsonObject

LAST_NOTICE: Final = "last_notice"
"""The message that announces the end."""

W = TypeVar("W", bound=StrEnum)


class Collector(StrEnum):
    """Who charges: the provider's own retries, or retainkit. Never both."""

    PROVIDER = "provider"
    RETAINKIT = "retainkit"


class Tone(StrEnum):
    """How a message speaks."""

    FRIENDLY = "friendly"
    NEUTRAL = "neutral"
    FIRM = "firm"


class AccessLevel(StrEnum):
    """
    What the customer may use, mildest first.

    ``notice`` is full access with a notice in the product.
    """

    FULL = "full"
    NOTICE = "notice"
    LIMITED = "limited"
    BLOCKED = "blocked"

    @property
    def severity(self) -> int:
        """0 for the mildest."""
        return _SEVERITY[self]


_SEVERITY: Final = {level: index for index, level in enumerate(AccessLevel)}


class EndAction(StrEnum):
    """
    How the plan ends when nothing was paid.

    ``cancel`` ends the subscription, and the case; ``uncollectible`` writes the invoices off, and
    ends the case; ``pause`` pauses the subscription and ``keep`` leaves it: after both the case
    stays open, with the access it had come to, until the invoices are settled.
    """

    CANCEL = "cancel"
    PAUSE = "pause"
    UNCOLLECTIBLE = "uncollectible"
    KEEP = "keep"

    @property
    def closes(self) -> bool:
        """Whether the case is over with it."""
        return self in (EndAction.CANCEL, EndAction.UNCOLLECTIBLE)


def _word(words: type[W], value: str, name: str) -> W:
    try:
        return words(value)
    except ValueError as exc:
        raise InvalidInput(
            "There is no such word in a dunning policy",
            code="dunning.policy.word",
            field=name,
            value=value,
            remedy=f"use one of: {', '.join(words)}",
        ) from exc


def _tone(value: str) -> Tone:
    return _word(Tone, value, "tone")


def _access(value: str) -> AccessLevel:
    return _word(AccessLevel, value, "access")


def _end(value: str | None) -> EndAction | None:
    return None if value is None else _word(EndAction, value, "end")


def _collector(value: str) -> Collector:
    return _word(Collector, value, "collector")


def _overrides(value: Mapping[str, str]) -> Mapping[str, DeclineClass]:
    return MappingProxyType(
        {code: _word(DeclineClass, word, f"overrides.{code}") for code, word in value.items()}
    )


def _duration(value: object, name: str) -> None:
    if not isinstance(value, timedelta):
        raise InvalidInput(
            "An offset from the first failure is a duration",
            code="dunning.policy.duration",
            field=name,
            value=value,
            remedy="pass a timedelta, for example timedelta(days=3)",
        )


@frozen(kw_only=True)
class Stage:
    """
    One step of the plan beside the tries.

    Args:
        after: Offset from the first failure of the oldest open invoice.

        message: The message to ask for; ``last_notice`` announces the end.

        tone: How it speaks: ``friendly``, ``neutral`` or ``firm``.

        access: What is left from here on: ``full``, ``notice``, ``limited`` or ``blocked``. A
            stage never gives back what an earlier one took.

        end: How the plan ends: ``cancel``, ``pause``, ``uncollectible`` or ``keep``; the last
            stage has one, and only the last.

    Raises:
        InvalidInput: ``dunning.policy.word``, ``dunning.policy.duration``,
            ``dunning.policy.negative``.
    """

    after: timedelta
    message: str | None = None
    tone: Tone = field(default=Tone.NEUTRAL, converter=_tone)
    access: AccessLevel = field(default=AccessLevel.FULL, converter=_access)
    end: EndAction | None = field(default=None, converter=_end)

    def __attrs_post_init__(self) -> None:
        _duration(self.after, "after")
        if self.after < timedelta(0):
            raise InvalidInput(
                "Nothing happens before the first failure",
                code="dunning.policy.negative",
                field="after",
                value=self.after,
                remedy="pass an offset of zero or more",
            )


def _offsets(value: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(value)


def _stages(value: Iterable[Stage]) -> tuple[Stage, ...]:
    return tuple(value)


@frozen(kw_only=True)
class DunningPolicy:
    """
    What happens after a failed payment, and when.

    Args:
        retries: When to try again, as offsets from the invoice's first failure; used when
            ``collector`` is ``retainkit``.

        stages: Messages, access and the end, as offsets from the first failure of the oldest
            open invoice.

        collector: ``provider``: the provider's own retries run, retainkit writes messages and
            says what access is left. ``retainkit``: it charges, and refuses an invoice whose
            provider retries are on.

        overrides: The tenant's reading of decline codes, by code (``do_not_honor``) or scheme and
            code (``visa:62``).

        forgive_on_cancel: Whether the invoices of a cancelled subscription are written off; else
            the debt stays, and so does the pay link.

        recheck: How long to wait for news of a payment under way, or of a case whose plan is
            over, before the invoices are read again.

        recovered_message: The message to ask for when the money has arrived and the customer
            had been written to; None says nothing.

        end: How the plan ends; the last stage says it.

    Raises:
        InvalidInput: A value of the wrong type, or a negative offset.
        ConfigurationError: ``dunning.policy.*``: the policy contradicts itself.
    """

    retries: tuple[timedelta, ...] = field(converter=_offsets)
    stages: tuple[Stage, ...] = field(converter=_stages)
    collector: Collector = field(default=Collector.PROVIDER, converter=_collector)
    overrides: Mapping[str, DeclineClass] = field(
        factory=dict[str, DeclineClass], converter=_overrides
    )
    forgive_on_cancel: bool = False
    recheck: timedelta = timedelta(days=7)
    recovered_message: str | None = None
    end: EndAction = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        from retainkit.dunning._consistency import checked_end

        for index, offset in enumerate(self.retries):
            _duration(offset, f"retries[{index}]")
        _duration(self.recheck, "recheck")
        object.__setattr__(self, "end", checked_end(self))

    @cached_property
    def fingerprint(self) -> str:
        """The content hash of the :attr:`definition`, as the store and every reason name it."""
        from retainkit.core import content_hash

        return content_hash(self.definition)

    @property
    def definition(self) -> JsonObject:
        """The whole policy as JSON; durations are whole microseconds."""
        return {
            "schema": 1,
            "retries": [_micros(offset) for offset in self.retries],
            "stages": [
                {
                    "after": _micros(stage.after),
                    "message": stage.message,
                    "tone": stage.tone.value,
                    "access": stage.access.value,
                    "end": None if stage.end is None else stage.end.value,
                }
                for stage in self.stages
            ],
            "collector": self.collector.value,
            "overrides": {code: class_.value for code, class_ in self.overrides.items()},
            "forgive_on_cancel": self.forgive_on_cancel,
            "recheck": _micros(self.recheck),
            "recovered_message": self.recovered_message,
        }

    @classmethod
    def from_definition(cls, definition: JsonObject) -> DunningPolicy:
        """
        The policy of a :attr:`definition`; equal to the one that wrote it.

        Raises:
            InvalidInput: ``dunning.policy.definition``: this is no definition of a policy.
        """
        from retainkit.dunning._definition import read_definition

        return read_definition(definition)

    @property
    def notice(self) -> int | None:
        """The index of the stage that announces the end."""
        announcing = [i for i, stage in enumerate(self.stages) if stage.message == LAST_NOTICE]
        return announcing[-1] if announcing else None


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
