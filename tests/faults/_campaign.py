"""What every campaign shares: its seed, its size, and a line that says what it showed."""

from __future__ import annotations

import os
from datetime import timedelta
from random import SystemRandom

from retainkit.core import Outcome


def seed() -> int:
    """The seed of a long campaign: ``RETAINKIT_SEED``, or a new one."""
    return int(os.environ.get("RETAINKIT_SEED") or SystemRandom().randrange(10**6))


def size(name: str, usual: int) -> int:
    """How much of something a long campaign takes, for example ``RETAINKIT_CUSTOMERS``."""
    return int(os.environ.get(f"RETAINKIT_{name}") or usual)


def say(campaign: str, **figures: object) -> None:
    """One line of figures; shown by ``pytest -s``."""
    told = " ".join(f"{name}={figure}" for name, figure in figures.items())
    print(f"\n{campaign}: {told}", flush=True)


class Quiet:
    """An instrumentation that counts what campaigns ask for, and says nothing."""

    def __init__(self) -> None:
        self.fences = 0
        self.failures: list[str] = []

    def claimed(self, count: int, *, lag: timedelta) -> None:
        """Not of interest."""

    def decided(self, feature: str, trigger: str, *, events: int, effects: int) -> None:
        """Not of interest."""

    def performed(self, kind: str, outcome: Outcome, *, took: timedelta) -> None:
        """Not of interest."""

    def fenced(self, what: str) -> None:
        """A worker came too late."""
        del what
        self.fences += 1

    def failed(self, what: str, error: Exception) -> None:
        """Something went wrong, and will come again."""
        self.failures.append(f"{what}: {error!r}")

    def attention(self, count: int) -> None:
        """Not of interest."""
