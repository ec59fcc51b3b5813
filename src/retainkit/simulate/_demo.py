"""The demo: one seeded world under two policies, as figures and as a page."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final

from attrs import frozen

from retainkit.core import JsonObject
from retainkit.dunning import DunningPolicy, Stage
from retainkit.errors import ConfigurationError
from retainkit.reports import html_page, text_table
from retainkit.simulate._figures import Compared, summary, tables
from retainkit.simulate._outcome import Outcome
from retainkit.simulate._report import report
from retainkit.simulate._run import Progress, simulate
from retainkit.simulate._seeded import seeded_world
from retainkit.simulate._world import World


_STORIES: Final = 4
_STAGES: Final = (
    Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
    Stage(after=timedelta(days=7), message="payment_failed", tone="firm", access="limited"),
    Stage(after=timedelta(days=14), message="last_notice", tone="firm"),
    Stage(after=timedelta(days=21), end="cancel"),
)


def _policy(*days: int) -> DunningPolicy:
    return DunningPolicy(
        collector="retainkit",
        retries=tuple(timedelta(days=day) for day in days),
        stages=_STAGES,
    )


def demo_policies() -> dict[str, DunningPolicy]:
    """
    What the demo compares, by name: five tries spread wide, and five tries every three days.

    Both send the same messages and end on the same day. The first one tries after a day, when an
    outage is over, and for the last time after the last notice, so that more paydays lie between.
    The spread was chosen in this very simulated world; it proves nothing about a real one.
    """
    return {
        "retainkit": _policy(1, 3, 7, 12, 18),
        "every 3 days": _policy(3, 6, 9, 12, 15),
    }


@frozen(kw_only=True)
class DemoResult:
    """
    What the demo found out.

    Args:
        summary: The figures as JSON: whole numbers, amounts as text.

        report: Where the page was written.

        table: The figures as text for a terminal.
    """

    summary: JsonObject
    report: Path
    table: str


def run_demo(
    customers: int, days: int, seed: int, out: Path, progress: Progress | None = None
) -> DemoResult:
    """
    Simulate a product under two policies and write the report; same seed, same bytes.

    Each policy has a SQLite file of its own, in a temporary folder.

    Args:
        customers: How many customers the product has.

        days: For how long renewals come.

        seed: What the world is drawn from.

        out: The folder for ``report.html``; made when it is missing.

        progress: Told how many days are done, of both policies together.

    Raises:
        InvalidInput: ``simulate.size``: fewer than one customer or day.
        ConfigurationError: ``simulate.out``: the folder can't be written.
    """
    world = seeded_world(customers=customers, days=days, seed=seed)
    path = _writable(out) / "report.html"
    compared = _compared(world, demo_policies(), progress)
    path.write_bytes(html_page(report(compared)).encode())
    return DemoResult(
        summary=summary(compared),
        report=path,
        table="\n\n".join(text_table(table) for table in tables(compared)),
    )


def _writable(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out):
            return out
    except OSError as exc:
        raise ConfigurationError(
            "The report can't be written there",
            code="simulate.out",
            field="out",
            value=str(out),
            remedy="name a folder you may write to",
        ) from exc


def _compared(
    world: World, policies: dict[str, DunningPolicy], progress: Progress | None
) -> tuple[Compared, ...]:
    """Each policy in a thread and a file of its own: a commit waits for the disk, not for us."""
    shared = _Shared(progress, len(policies))
    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(policies)) as threads:
        running = {
            name: threads.submit(
                _on_sqlite,
                world,
                policy,
                Path(folder) / f"{n}.db",
                progress=shared.of(n),
                stories=0 if n else _STORIES,
            )
            for n, (name, policy) in enumerate(policies.items())
        }
        return tuple(Compared(name=name, outcome=done.result()) for name, done in running.items())


def _on_sqlite(
    world: World, policy: DunningPolicy, path: Path, *, progress: Progress, stories: int
) -> Outcome:
    from retainkit.stores.sql import SqlStore

    store = SqlStore(f"sqlite:///{path}")
    try:
        return simulate(world, policy, store=store, progress=progress, stories=stories)
    finally:
        store.close()


class _Shared:
    """The progress of several runs, added up."""

    def __init__(self, progress: Progress | None, runs: int) -> None:
        self._tell = progress
        self._done = [0] * runs
        self._lock = Lock()

    def of(self, run: int) -> Callable[[int, int], None]:
        """What one of the runs reports to."""

        def tell(done: int, total: int) -> None:
            with self._lock:
                self._done[run] = done
                if self._tell is not None:
                    self._tell(sum(self._done), total * len(self._done))

        return tell
