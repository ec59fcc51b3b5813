"""``retainkit attention``: what waits for a person."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from retainkit.cli._app import app_argument, kit_of, tenant_argument


if TYPE_CHECKING:
    from retainkit.engine import Attention

NAME = "attention"
HELP = "list what automation can't settle, with the call that settles it"


def arguments(parser: ArgumentParser) -> None:
    """``--app``, ``--tenant``, ``--limit``."""
    app_argument(parser)
    tenant_argument(parser)
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many")


def run(args: Namespace) -> int:
    """List the entries."""
    entries = kit_of(args).attention(limit=args.limit)
    for entry in entries:
        print(_told(entry))
    if not entries:
        print("Nothing waits for a person.")
    return 0


def _told(entry: Attention) -> str:
    since = "" if entry.since is None else f" since {entry.since:%Y-%m-%d %H:%M} UTC"
    customer = f" of customer {entry.customer}" if entry.customer else ""
    facts = json.dumps(entry.facts, default=str, ensure_ascii=False)
    return f"{entry.kind} {entry.id}{customer}{since}\n  {facts}\n  {entry.remedy}"
