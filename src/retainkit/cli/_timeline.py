"""``retainkit timeline``: a customer's past."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from retainkit.cli._app import app_argument, kit_of, tenant_argument
from retainkit.core import RecordedEvent
from retainkit.ids import CustomerId


NAME = "timeline"
HELP = "list a customer's events, oldest first"


def arguments(parser: ArgumentParser) -> None:
    """``--app``, ``--tenant`` and the customer."""
    app_argument(parser)
    tenant_argument(parser)
    parser.add_argument("customer", metavar="CUSTOMER", help="the host's id of the customer")


def run(args: Namespace) -> int:
    """List the events."""
    events = kit_of(args).timeline(CustomerId(args.customer))
    for recorded in events:
        print(_told(recorded))
    if not events:
        print("Nothing is known of this customer.")
    return 0


def _told(recorded: RecordedEvent) -> str:
    event = recorded.event
    facts = json.dumps(event.data, default=str, ensure_ascii=False)
    return (
        f"{recorded.sequence:>4}  {event.occurred_at:%Y-%m-%d %H:%M:%S}  {event.name}"
        f"  {event.actor}  {facts}"
    )
