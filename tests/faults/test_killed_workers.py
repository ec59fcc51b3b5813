"""F3: real workers killed with -9 or stopped past their lease; the bank's own books judge."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen
from tests.engine.toy import order
from tests.faults._campaign import say, seed, size
from tests.faults._killed_app import LEASE, TRIES, make, pays_at

from retainkit.core import Record
from retainkit.engine import RetainKit, SystemClock
from retainkit.stores.sql import SqlStore


ROOT = Path(__file__).parents[2]
FOREVER = 3000.0
FEW = 20


@frozen(kw_only=True)
class Seen:
    """What a campaign showed; ``doubles`` and ``steps`` are from the bank's books."""

    steps: int
    kills: int
    stops: int
    fences: int
    doubles: tuple[str, ...]
    lost: tuple[str, ...]
    seconds: float


class Workers:
    """Worker processes that are replaced when they die."""

    app = "tests.faults._killed_app:kit"

    def __init__(self, store: str, bank: str, folder: Path, *, broken: bool) -> None:
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "RETAINKIT_F3_STORE": store,
            "RETAINKIT_F3_BANK": bank,
            "RETAINKIT_F3_BROKEN": "1" if broken else "",
        }
        self.log = folder / "workers.log"
        self._said = self.log.open("w")
        self.running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        return self._run("-m", "retainkit", "worker", "--app", self.app, "--poll", "0.05")

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self._environment,
            stdout=self._said,
            stderr=self._said,
        )

    def kill(self, which: int) -> None:
        """Kill one with -9, and start another in its place."""
        self.running[which].kill()
        self.running[which].wait()
        self.running[which] = self._start()

    def stop_past_the_lease(self, which: int) -> None:
        """Put one to sleep for longer than its lease; then it goes on as if nothing were."""
        self.running[which].send_signal(signal.SIGSTOP)
        time.sleep(LEASE.total_seconds() * 1.3)
        self.running[which].send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ask all to end, and wait."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(30)
        self._said.close()


@contextmanager
def bank(folder: Path, slowness: float) -> Iterator[tuple[str, Path]]:
    """A bank in another process: its socket, and its books."""
    address, books = str(folder / "bank"), folder / "bank.db"
    command = [sys.executable, str(Path(__file__).with_name("_bank.py")), address, str(books)]
    with subprocess.Popen([*command, str(slowness)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield address, books
        finally:
            process.kill()


def charges(books: Path) -> list[tuple[str, int]]:
    """Every charge the bank made: the parcel, and whether it took money."""
    with closing(sqlite3.connect(books)) as judge:
        return judge.execute("SELECT parcel, paid FROM charge").fetchall()


def tries_of(parcels: int) -> int:
    """How many charges the model says there are."""
    return sum(min(pays_at(str(number)), TRIES) for number in range(parcels))


def doubles(made: list[tuple[str, int]]) -> tuple[str, ...]:
    """Parcels paid twice, or charged more often than there were tries."""
    tried = Counter(parcel for parcel, _ in made)
    paid = Counter(parcel for parcel, took in made if took)
    return tuple(
        parcel
        for parcel, times in tried.items()
        if paid[parcel] > 1 or times > min(pays_at(parcel), TRIES)
    )


def cases(kit: RetainKit) -> dict[str, Record]:
    """Every case there is, by its parcel."""
    with kit.store.for_tenant(kit.tenant).transaction() as tx:
        found: dict[str, Record] = {}
        after = None
        while page := tx.records.all("parcels", after=after):
            after = page[-1].id
            found |= {case.key: case for case in page}
        return found


def all_closed(kit: RetainKit, parcels: int) -> bool:
    """Whether every parcel has a case, and none is open."""
    with kit.store.for_tenant(kit.tenant).transaction() as tx:
        if tx.records.open("parcels", limit=1):
            return False
    return len(cases(kit)) == parcels


def lost(kit: RetainKit, made: list[tuple[str, int]], parcels: int) -> tuple[str, ...]:
    """Parcels that were tried too seldom, or whose case did not end as the model says."""
    tried = Counter(parcel for parcel, _ in made)
    ended = {
        parcel
        for parcel, case in cases(kit).items()
        if not case.open and case.body["delivered"] == (pays_at(parcel) <= TRIES)
    }
    return tuple(
        str(parcel)
        for parcel in range(parcels)
        if str(parcel) not in ended or tried[str(parcel)] != min(pays_at(str(parcel)), TRIES)
    )


def campaign(
    store: str,
    folder: Path,
    *,
    which: int,
    parcels: int,
    kills: int,
    stops: int,
    broken: bool = False,
    slowness: float = 0.002,
) -> Seen:
    """Kill and stop the workers at drawn times until it is enough, then let them finish."""
    rng, began = Random(which), time.monotonic()
    with ExitStack() as stack:
        address, books = stack.enter_context(bank(folder, slowness))
        sql = stack.enter_context(closing(SqlStore(store)))
        kit = make(sql, address)
        _order(kit, 0, parcels)
        workers = Workers(store, address, folder, broken=broken)
        stack.callback(workers.end)
        for _ in range(kills):
            _wait_for_more(books, rng.randrange(1, max(2, tries_of(parcels) // (kills + 1))))
            time.sleep(rng.random() * 0.05)
            workers.kill(rng.randrange(2))
        _wait_until_closed(kit, parcels)
        # Whoever sleeps too long loses its items only to somebody who has nothing else to do.
        for stop in range(stops):
            _order(kit, parcels + stop * FEW, parcels + (stop + 1) * FEW)
            _wait_for_more(books, 1)
            workers.stop_past_the_lease(rng.randrange(2))
        total = parcels + stops * FEW
        _wait_until_closed(kit, total)
        made = charges(books)
        seen = lost(kit, made, total)
        assert broken or kit.sweep() == ()
    said = workers.log.read_text()
    return Seen(
        steps=len(made),
        kills=kills,
        stops=stops,
        fences=len(re.findall("lost the claim", said)),
        doubles=doubles(made),
        lost=seen,
        seconds=round(time.monotonic() - began, 1),
    )


def _order(kit: RetainKit, first: int, end: int) -> None:
    now = SystemClock().now()
    for start in range(first, end, 500):
        numbers = range(start, min(start + 500, end))
        kit.record(*(order(str(number), f"c{number}", now) for number in numbers))


def _wait_until_closed(kit: RetainKit, parcels: int) -> None:
    deadline = time.monotonic() + FOREVER
    while not all_closed(kit, parcels):
        assert time.monotonic() < deadline, "some cases never closed"
        time.sleep(0.2)


def _wait_for_more(books: Path, steps: int) -> None:
    """Until the bank has made some more charges, or none came for seconds."""
    start, deadline = len(charges(books)), time.monotonic() + 6
    while len(charges(books)) < start + steps and time.monotonic() < deadline:
        time.sleep(0.01)


def test_killed_and_stopped_workers_charge_once(sqlite_url: str, tmp_path: Path) -> None:
    """Three kills and one worker that wakes up too late, over a SQLite file."""
    seen = campaign(sqlite_url, tmp_path, which=3, parcels=60, kills=3, stops=1)
    assert seen.doubles == ()
    assert seen.lost == ()
    assert seen.steps == tries_of(60 + FEW)


def test_a_broken_key_is_seen_by_the_bank(tmp_path: Path) -> None:
    """
    The judge can turn red: with a new key at every sending, parcels are charged too often.

    A kill has to fall between a charge and its answer; where five did not, the next five may.
    """

    def charged_too_often(which: int) -> tuple[str, ...]:
        folder = tmp_path / str(which)
        folder.mkdir()
        store = SqlStore(url := f"sqlite:///{folder / 'app.db'}")
        store.migrate()
        store.close()
        return campaign(
            url, folder, which=which, parcels=40, kills=5, stops=0, broken=True, slowness=0.05
        ).doubles

    assert any(charged_too_often(which) for which in range(3, 7))


@pytest.mark.faults
def test_two_hundred_kills_over_twenty_thousand_steps(database: str) -> None:
    """The long form: two workers, killed with -9, and zombies."""
    which, kills = seed(), size("KILLS", 200)
    parcels = size("STEPS", 20_000) * 4 // 9 + 1  # one, two, three and three tries
    with TemporaryDirectory() as folder:
        seen = campaign(
            database, Path(folder), which=which, parcels=parcels, kills=kills, stops=kills // 10
        )
    say("F3", seed=which, store=database.partition(":")[0], result=seen)
    assert seen.doubles == ()
    assert seen.lost == ()
    assert seen.fences >= 1
