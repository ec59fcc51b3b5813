"""``manage.py retainkit_migrate``: bring the store's tables up to date."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from retainkit.contrib.django._kit import configured_kit


__all__ = ["Command"]


class Command(BaseCommand):
    """Safe to repeat, and from several processes at once."""

    help: str = "Bring retainkit's tables up to date; safe to repeat."

    def handle(self, *args: object, **options: object) -> None:
        """Migrate the store of the configured kit."""
        del args, options
        configured_kit().store.migrate()
        self.stdout.write("retainkit's tables are up to date")
