"""Whether a dunning policy contradicts itself; what its values mean is in _policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from retainkit.errors import ConfigurationError


if TYPE_CHECKING:
    from retainkit.dunning._policy import DunningPolicy, EndAction, Stage


def checked_end(policy: DunningPolicy) -> EndAction:
    """
    The policy's end, when nothing in the policy contradicts anything else in it.

    Raises:
        ConfigurationError: ``dunning.policy.*`` with field, value and remedy.
    """
    _check_retries(policy.retries)
    end = _check_order(policy.stages)
    _check_access(policy.stages)
    if end == "cancel" and policy.notice is None:
        raise _contradiction(
            "unannounced_end",
            "A plan that cancels has to announce it",
            f"stages[{len(policy.stages) - 1}].end",
            end,
            'give an earlier stage message="last_notice"',
        )
    if policy.retries and policy.retries[-1] >= policy.stages[-1].after:
        raise _contradiction(
            "retry_after_end",
            "This try would come after the end",
            f"retries[{len(policy.retries) - 1}]",
            policy.retries[-1],
            "move the end behind the last try, or drop the try",
        )
    if policy.recheck <= timedelta(0):
        raise _contradiction(
            "recheck",
            "The time to wait before looking again is positive",
            "recheck",
            policy.recheck,
            "pass a positive timedelta, for example timedelta(days=7)",
        )
    return end


def _check_retries(retries: Sequence[timedelta]) -> None:
    if retries and retries[0] <= timedelta(0):
        raise _contradiction(
            "retry_not_after_failure",
            "A try comes after the failure it repeats",
            "retries[0]",
            retries[0],
            "pass positive offsets",
        )
    for index, (earlier, later) in enumerate(pairwise(retries)):
        if later <= earlier:
            raise _contradiction(
                "retries_unsorted",
                "Each try comes after the one before it",
                f"retries[{index + 1}]",
                later,
                "sort the offsets and drop repeated ones",
            )


def _check_order(stages: Sequence[Stage]) -> EndAction:
    for index, (earlier, later) in enumerate(pairwise(stages)):
        if later.after <= earlier.after:
            raise _contradiction(
                "stages_unsorted",
                "Each stage comes after the one before it",
                f"stages[{index + 1}].after",
                later.after,
                "sort the stages and merge those of the same time",
            )
        if earlier.end is not None:
            raise _contradiction(
                "stage_after_end",
                "Nothing comes after the end",
                f"stages[{index}].end",
                earlier.end,
                "give the end to the last stage alone",
            )
    end = stages[-1].end if stages else None
    if end is None:
        raise _contradiction(
            "no_end",
            "A plan needs an end",
            "stages",
            len(stages),
            'give the last stage end="cancel", "pause", "uncollectible" or "keep"',
        )
    if stages[-1].message == "last_notice":
        raise _contradiction(
            "notice_at_end",
            "The end can't be announced when it happens",
            f"stages[{len(stages) - 1}].message",
            stages[-1].message,
            "announce it in an earlier stage",
        )
    return end


def _check_access(stages: Sequence[Stage]) -> None:
    harshest, written = 0, False
    for index, stage in enumerate(stages):
        written = written or stage.message is not None
        severity = stage.access.severity
        if 0 < severity < harshest:
            raise _contradiction(
                "access_given_back",
                "A later stage can't leave more access than an earlier one",
                f"stages[{index}].access",
                stage.access,
                "leave it out: what an earlier stage took stays taken",
            )
        if stage.access in ("limited", "blocked") and not written:
            raise _contradiction(
                "access_before_message",
                "Nobody loses access without having been written to",
                f"stages[{index}].access",
                stage.access,
                "give this stage or an earlier one a message",
            )
        harshest = max(harshest, severity)


def _contradiction(
    code: str, message: str, field: str, value: object, remedy: str
) -> ConfigurationError:
    return ConfigurationError(
        message, code=f"dunning.policy.{code}", field=field, value=value, remedy=remedy
    )
