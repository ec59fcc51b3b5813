"""``manage.py retainkit_run_due``: work off what is due, from cron or any scheduler."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict, Unpack

from django.core.management.base import BaseCommand, CommandParser

from retainkit.contrib.django._kit import configured_kit


__all__ = ["Command"]


class _Options(TypedDict, total=False):
    limit: int | None
    seconds: int | None


class Command(BaseCommand):
    """May run in as many processes as you like; each item is worked on once."""

    help: str = "Decide and perform what is due; safe to run twice at the same time."

    def add_arguments(self, parser: CommandParser) -> None:
        """How much, and how long."""
        parser.add_argument("--limit", type=int, help="at most so many items")
        parser.add_argument("--seconds", type=int, help="begin no further item after so long")

    def handle(self, *args: object, **options: Unpack[_Options]) -> None:
        """One run; says how much was done."""
        del args
        seconds = options.get("seconds")
        ran = configured_kit().run_due(
            limit=options.get("limit"),
            deadline=None if seconds is None else timedelta(seconds=seconds),
        )
        left = "nothing more is due" if ran.finished else "more is due"
        self.stdout.write(f"{ran.items} items worked off; {left}")
