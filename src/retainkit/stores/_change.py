"""What one decision says and changes; the port that writes it is in _ports."""

from __future__ import annotations

from attrs import frozen

from retainkit.core import Event, Intent, Lease, Record, Timer
from retainkit.ids import CaseId


@frozen(kw_only=True)
class Change:
    """
    What one decision adds to the past and changes in present and future, to be written at once.

    Args:
        settled: The effect whose outcome was decided, as it now stands; its lease is the fence.

        finished: The timer that came due; its lease is the fence. It moves to the time of
            ``planned``, or ends.

        record: The case, one version above the stored one; None leaves it as it is.

        planned: The case's next step; without ``finished`` it replaces the one the case has.

        dropped: The feature and the case whose next step goes, if it has one.

        intended: New effects.

        lease: The claim under which the first of them is ``sent``.

        events: What is told; it wakes nobody by itself.
    """

    settled: Intent | None = None
    finished: Timer | None = None
    record: Record | None = None
    planned: Timer | None = None
    dropped: tuple[str, CaseId] | None = None
    intended: tuple[Intent, ...] = ()
    lease: Lease | None = None
    events: tuple[Event, ...] = ()
