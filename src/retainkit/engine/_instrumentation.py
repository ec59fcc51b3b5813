"""What the engine tells about itself while it works: counts and durations, no personal data."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Protocol

from retainkit.core import Outcome


class Instrumentation(Protocol):
    """Hooks into the engine; each is called after the fact and must not raise."""

    def claimed(self, count: int, *, lag: timedelta) -> None:
        """Items were claimed; ``lag`` is how late the oldest of them is."""
        ...

    def decided(self, feature: str, trigger: str, *, events: int, effects: int) -> None:
        """A step was decided and committed."""
        ...

    def performed(self, kind: str, outcome: Outcome, *, took: timedelta) -> None:
        """An effect was performed or looked up."""
        ...

    def fenced(self, what: str) -> None:
        """A claim had been lost: the work of a paused worker was dropped."""
        ...

    def failed(self, what: str, error: Exception) -> None:
        """Something of ours raised; the item will be tried again."""
        ...

    def attention(self, count: int) -> None:
        """How many entries wait for a person, as the sweeper found them."""
        ...


class LoggingInstrumentation:
    """Writes to the standard library's logger ``retainkit``; the default."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._log = logger or logging.getLogger("retainkit")

    def claimed(self, count: int, *, lag: timedelta) -> None:
        """At debug level."""
        self._log.debug("claimed %d items, oldest %s late", count, lag)

    def decided(self, feature: str, trigger: str, *, events: int, effects: int) -> None:
        """At debug level."""
        self._log.debug(
            "%s decided on %s: %d events, %d effects", feature, trigger, events, effects
        )

    def performed(self, kind: str, outcome: Outcome, *, took: timedelta) -> None:
        """At info level."""
        self._log.info("%s: %s in %s", kind, type(outcome).__name__, took)

    def fenced(self, what: str) -> None:
        """At info level: somebody was quicker, or other news of the customer came first."""
        self._log.info("lost the claim on %s; its work was dropped", what)

    def failed(self, what: str, error: Exception) -> None:
        """At error level, with the traceback."""
        self._log.error("%s failed", what, exc_info=error)

    def attention(self, count: int) -> None:
        """At warning level when there is any."""
        if count:
            self._log.warning("%d entries wait for a person", count)
