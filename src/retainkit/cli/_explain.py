"""``retainkit explain``: why everything about a case happened."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from retainkit.cli._app import app_argument, kit_of, tenant_argument
from retainkit.ids import CaseId


NAME = "explain"
HELP = "say why everything about a case happened"


def arguments(parser: ArgumentParser) -> None:
    """``--app``, ``--tenant``, ``--locale``, ``--zone`` and the case."""
    app_argument(parser)
    tenant_argument(parser)
    parser.add_argument("--locale", default="en", help="the reader's language, such as de")
    parser.add_argument("--zone", default="UTC", help="the reader's time zone, an IANA name")
    parser.add_argument("case", metavar="CASE", help="the id of a case")


def run(args: Namespace) -> int:
    """Explain the case."""
    kit = kit_of(args)
    for line in kit.explain(CaseId(args.case), locale=args.locale, zone=args.zone):
        print(line)
    return 0
