"""``retainkit run-due``: work off what is due, once; for cron."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import timedelta

from retainkit.cli._app import app_argument, kit_of


NAME = "run-due"
HELP = "work off what is due, of all tenants, and end; for cron"


def arguments(parser: ArgumentParser) -> None:
    """``--app``, ``--limit``, ``--deadline``."""
    app_argument(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many items")
    parser.add_argument(
        "--deadline", type=float, metavar="SECONDS", help="begin no further item after this time"
    )


def run(args: Namespace) -> int:
    """Run what is due."""
    deadline = None if args.deadline is None else timedelta(seconds=args.deadline)
    ran = kit_of(args).run_due(limit=args.limit, deadline=deadline)
    print(f"{ran.items} items; {'nothing is due' if ran.finished else 'more is due'}.")
    return 0
