"""``retainkit demo``: a simulated product's failed payments, with and without a policy."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from retainkit.core import dumps
from retainkit.errors import ConfigurationError


NAME = "demo"
HELP = "simulate a product's failed payments with the production code, and report on them"


_SECONDS_BETWEEN_LINES = 10


def arguments(parser: ArgumentParser) -> None:
    """``--customers``, ``--days``, ``--seed``, ``--out``, ``--json``."""
    parser.add_argument("--customers", type=int, default=500, metavar="N", help="how many (500)")
    parser.add_argument("--days", type=int, default=90, metavar="N", help="for how long (90)")
    parser.add_argument(
        "--seed", type=int, default=7, metavar="N", help="same seed, same bytes (7)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="for the report (out)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the summary as JSON, as the last line"
    )


def run(args: Namespace) -> int:
    """Simulate, report, and sum up."""
    try:
        from retainkit.simulate import run_demo
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"The demo needs {exc.name}",
            code="cli.demo",
            field="module",
            value=exc.name,
            remedy="install retainkit-sdk with all its dependencies",
        ) from exc
    with _progress() as progress:
        result = run_demo(
            customers=args.customers,
            days=args.days,
            seed=args.seed,
            out=args.out,
            progress=progress,
        )
    print(result.table)
    print(f"The report: {result.report}")
    if args.json:
        print(dumps(result.summary))
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show how many of how many days are done: a bar by rich, if it is there and can be seen."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield _line
        print(file=sys.stderr)
        return
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Simulating")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines() -> Callable[[int, int], None]:
    """A line now and then, so that a log shows a long run to be alive; none in a short one."""
    told = monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if monotonic() - told >= _SECONDS_BETWEEN_LINES:
            told = monotonic()
            print(f"Simulating: {done} of {total} days", file=sys.stderr, flush=True)

    return tell


def _line(done: int, total: int) -> None:
    print(f"\rSimulating: {done} of {total} days", end="", file=sys.stderr, flush=True)
