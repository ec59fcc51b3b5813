"""``retainkit migrate``: bring the store's schema up to date."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from retainkit.cli._app import app_argument, kit_of


NAME = "migrate"
HELP = "bring the store's schema up to date; safe to repeat, and to run from several places at once"


def arguments(parser: ArgumentParser) -> None:
    """``--app``."""
    app_argument(parser)


def run(args: Namespace) -> int:
    """Migrate."""
    kit_of(args).store.migrate()
    print("The store is up to date.")
    return 0
