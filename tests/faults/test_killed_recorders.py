"""Recorders and workers killed with -9 in the middle: nothing is lost, doubled or out of step."""

from __future__ import annotations

import subprocess
import time
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from tests.faults._campaign import say, seed, size
from tests.faults._killed_measured_app import CUSTOMERS, batches
from tests.faults._measured import LEASE, judge, measured
from tests.faults.test_killed_workers import Workers

from retainkit.engine import RetainKit
from retainkit.ids import CustomerId
from retainkit.stores.sql import SqlStore


RECORDER = 2
FOREVER = 900


class Processes(Workers):
    """Two workers, and one that records all from the beginning, again and again if it dies."""

    app = "tests.faults._killed_measured_app:kit"

    def __init__(self, store: str, folder: Path, rounds: int) -> None:
        self._rounds = str(rounds)
        super().__init__(store, "", folder, broken=False)
        self.running.append(self._record())

    def _record(self) -> subprocess.Popen[bytes]:
        return self._run("-m", "tests.faults._killed_measured_app", self._rounds)

    def kill(self, which: int) -> None:
        """Kill a worker or the recorder with -9, and start another in its place."""
        if which < RECORDER:
            super().kill(which)
            return
        self.running[RECORDER].kill()
        self.running[RECORDER].wait()
        self.running[RECORDER] = self._record()

    def wait_for_the_recorder(self) -> None:
        """Until it has told everything."""
        assert self.running[RECORDER].wait(FOREVER) == 0, self.log.read_text()[-2000:]


def _campaign(url: str, folder: Path, *, which: int, rounds: int, kills: int) -> dict[str, object]:
    lot, began = Random(which), time.monotonic()
    with closing(SqlStore(url)) as store:
        kit = measured(store)
        processes = Processes(url, folder, rounds)
        try:
            for number in range(kills):
                _wait_for_more(kit, lot.randrange(1, 40))
                time.sleep(lot.random() * 0.1)
                processes.kill(lot.randrange(3) if number else RECORDER)
            processes.wait_for_the_recorder()
        finally:
            processes.end()
        time.sleep(LEASE.total_seconds() * 1.2)  # whoever died holds nothing any more
        while kit.run_due().items:
            pass
        judge(kit)
        kept = [_each for who in range(CUSTOMERS) for _each in kit.timeline(CustomerId(f"c{who}"))]
        told = {event.id for events in batches(rounds) for event in events}
        assert told <= {each.event.id for each in kept}
        assert kit.sweep() == ()
        assert kit.attention() == ()
        kit.rules.recheck()
        kit.run_due()
        judge(kit)
    fired = sum(each.event.name == "rules.fired" for each in kept)
    assert fired > CUSTOMERS
    took = round(time.monotonic() - began, 1)
    return {"kills": kills, "events": len(kept), "fired": fired, "seconds": took}


def _wait_for_more(kit: RetainKit, events: int) -> None:
    """Until some more is on the timelines, or nothing came for seconds."""
    start, deadline = _kept(kit), time.monotonic() + 5
    while _kept(kit) < start + events and time.monotonic() < deadline:
        time.sleep(0.02)


def _kept(kit: RetainKit) -> int:
    with kit.transaction() as k:
        return sum(
            told[-1].sequence
            for who in range(CUSTOMERS)
            if (told := k.timeline(CustomerId(f"c{who}")))
        )


def test_recorders_and_workers_that_are_killed_leave_all_in_step(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Three kills, over a SQLite file."""
    _campaign(sqlite_url, tmp_path, which=3, rounds=12, kills=3)


@pytest.mark.faults
def test_sixty_kills_of_recorders_and_workers_leave_all_in_step(database: str) -> None:
    """The long form."""
    which, kills = seed(), size("KILLS", 60)
    with TemporaryDirectory() as folder:
        figures = _campaign(database, Path(folder), which=which, rounds=kills * 4, kills=kills)
    say("killed recorders", seed=which, store=database.partition(":")[0], **figures)
