"""``retainkit rules``: test a rule file, recheck all customers, list who is in a segment."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.cli._app import app_argument, kit_of, tenant_argument
from retainkit.cli._progress import progress
from retainkit.errors import ConfigurationError
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.rules import Signals

NAME = "rules"
HELP = "test a rule file, ask all rules of all customers, or list who is in a segment"


def arguments(parser: ArgumentParser) -> None:
    """``test FILE``, ``recheck`` and ``members GROUP``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="run the tests in a rule file, and look at its rules")
    test.add_argument("file", metavar="FILE", type=Path, help="a rule file, in YAML or JSON")
    test.add_argument(
        "--signals",
        metavar="MODULE:CLASS",
        help="where signals are declared in Python; those of the file itself need none",
    )
    recheck = actions.add_parser(
        "recheck", help="ask all rules of all customers, and wake who was missed; for the night"
    )
    app_argument(recheck)
    tenant_argument(recheck)
    members = actions.add_parser("members", help="list who is in a segment, or under a rule")
    app_argument(members)
    tenant_argument(members)
    members.add_argument("group", metavar="GROUP", help="segment:NAME or rule:ID")
    members.add_argument("--after", metavar="ID", help="only customers with an id above this one")
    members.add_argument("--limit", type=int, default=1000, metavar="N", help="at most so many")


def run(args: Namespace) -> int:
    """Do it; of tests 0 when all of them pass, 1 when one fails."""
    match args.action:
        case "recheck":
            return _recheck(args)
        case "members":
            return _members(args)
        case _:
            return _test(args)


def _recheck(args: Namespace) -> int:
    kit = kit_of(args)
    with progress("Asking", "customers") as tell:
        found = kit.rules.recheck(progress=tell)
    print(f"{found.asked} customers asked, {found.woken} woken")
    return 0


def _members(args: Namespace) -> int:
    after = None if args.after is None else CustomerId(args.after)
    for member in kit_of(args).rules.members(args.group, after=after, limit=args.limit):
        print(f"{member.customer}  since {member.since:%Y-%m-%d %H:%M} UTC")
    return 0


def _test(args: Namespace) -> int:
    from retainkit.messages.reasons import explain_text, explained_lines
    from retainkit.rules import lint
    from retainkit.schema import read_rules

    book = read_rules(_text(args.file), _signals(args.signals), file=str(args.file))
    trials = book.trials()
    failed = [trial for trial in trials if not trial.passed]
    for trial in failed:
        print(f"FAILED {trial.rule}: {trial.test.name}: {trial}")
        for line in explained_lines(trial.explained, "en"):
            print(f"  {line}")
    for finding in lint(book):
        because = finding.because
        print(f"look at {finding.rule}: {explain_text(because.key, because.values, 'en')}")
    print(f"{len(trials) - len(failed)} passed, {len(failed)} failed, {len(book.rules)} rules")
    return 1 if failed else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "This file can't be read",
            code="cli.file",
            field="FILE",
            value=str(file),
            remedy="name a rule file in UTF-8 that is there",
        ) from exc


def _signals(where: str | None) -> type[Signals] | None:
    from retainkit.rules import Signals

    if where is None:
        return None
    module, _, name = where.partition(":")
    # A console script does not look where it was called from; `python -m` does.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: object = getattr(import_module(module), name, None)
    except (ImportError, ValueError) as exc:
        raise _wrong(where) from exc
    if isinstance(found, type) and issubclass(found, Signals):
        return found
    raise _wrong(where)


def _wrong(where: str) -> ConfigurationError:
    return ConfigurationError(
        "This names no class of signals",
        code="cli.signals",
        field="signals",
        value=where,
        remedy="write --signals module:Class, from the folder that holds the module",
    )
