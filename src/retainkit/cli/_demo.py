"""``retainkit demo``: a simulated product's failed payments, with and without a policy."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from retainkit.cli._progress import progress
from retainkit.core import dumps
from retainkit.errors import ConfigurationError


NAME = "demo"
HELP = "simulate a product's failed payments with the production code, and report on them"


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
    with progress("Simulating", "days") as tell:
        result = run_demo(
            customers=args.customers,
            days=args.days,
            seed=args.seed,
            out=args.out,
            progress=tell,
        )
    print(result.table)
    print(f"The report: {result.report}")
    if args.json:
        print(dumps(result.summary))
    return 0
