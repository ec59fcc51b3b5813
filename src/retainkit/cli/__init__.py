"""The command line: one file a command; what a command does is in the kit, never here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from retainkit.cli import (
    _attention,
    _demo,
    _explain,
    _health,
    _migrate,
    _rules,
    _run_due,
    _signals,
    _timeline,
    _worker,
)
from retainkit.cli._app import Command
from retainkit.errors import RetainkitError


__all__ = ["main"]

_COMMANDS: tuple[Command, ...] = (
    _migrate,
    _worker,
    _run_due,
    _attention,
    _explain,
    _timeline,
    _rules,
    _signals,
    _health,
    _demo,
)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command; the exit code.

    0 when it did its work, 1 when a test of rules failed or a row of facts was refused, 2 when
    something is wrong: then the message and the way out are on standard error, and nothing else.

    Args:
        argv: The arguments after the program's name; those of the process by default.
    """
    args = _parser().parse_args(argv)
    command: Command = args.command
    try:
        return command.run(args)
    except RetainkitError as exc:
        print(f"retainkit: {_told(exc)}", file=sys.stderr)
        return 2


def _told(error: RetainkitError) -> str:
    where = "" if error.field is None else f" ({error.field}: {error.value})"
    way_out = f"\n  {error.remedy}" if error.remedy else ""
    return f"{error.message}{where} [{error.code}]{way_out}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retainkit", description="Work with a kit of retainkit from the command line."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        known = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.arguments(known)
        known.set_defaults(command=command)
    return parser
