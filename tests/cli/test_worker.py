"""The worker: real processes, asked to stop in the middle, and stores that go away."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType

import pytest
from tests.cli.conftest import Shop
from tests.engine.toy import Parcels, Post, order

from retainkit.cli import _worker, main
from retainkit.core import Item, Lease, Skills
from retainkit.engine import RetainKit
from retainkit.errors import StoreError
from retainkit.ids import CustomerId
from retainkit.stores.memory import MemoryStore


APP = ("--app", "tests.cli.shop:kit")
ADA = CustomerId("ada")


def _until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGTERM")
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_finishes_the_item_in_hand(shop: Shop, asked: signal.Signals) -> None:
    """The effect that is under way is ended and decided; the next one is left to others."""
    for number in range(3):
        shop.kit.record(order(str(number), f"cus_{number}", datetime.now(UTC)))
    worker = shop.start("worker", *APP, slowness="1.0")
    _until(lambda: any(shop.folder.glob("began-*")), worker)
    worker.send_signal(asked)
    out, err = worker.communicate(timeout=30)
    assert (worker.returncode, out, err) == (0, "", "")
    (done,) = shop.done()
    names = [r.event.name for r in shop.kit.timeline(CustomerId(f"cus_{done}"))]
    assert names == ["order.placed", "parcels.tried", "parcels.delivered"]
    again = shop.start("worker", *APP, "--once", "--threads", "2")
    assert again.wait(timeout=30) == 0
    assert sorted(shop.done()) == ["0", "1", "2"]


def test_it_works_off_what_comes_due_while_it_runs(shop: Shop) -> None:
    """Polled, with several threads; nothing needs to be told to it."""
    worker = shop.start("worker", *APP, "--threads", "3", "--poll", "0.05")
    for number in range(6):
        shop.kit.record(order(str(number), f"cus_{number}", datetime.now(UTC)))
    _until(lambda: len(shop.done()) == 6, worker)
    worker.terminate()
    assert worker.wait(timeout=30) == 0
    assert sorted(shop.done()) == list("012345")


class Flaky(MemoryStore):
    """A store whose database is away for the first claims."""

    def __init__(self, error: StoreError, *, times: int) -> None:
        super().__init__()
        self.error = error
        self.left = times

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        if self.left:
            self.left -= 1
            raise self.error
        return super().claim(lease, now=now, limit=limit, skills=skills)


def _app(monkeypatch: pytest.MonkeyPatch, kit: RetainKit) -> None:
    module = ModuleType("flaky_app")
    module.kit = kit  # type: ignore[attr-defined] # a module made on the spot
    monkeypatch.setitem(sys.modules, "flaky_app", module)


def test_a_store_that_comes_back_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a pause that grows; a restart of the database needs no restart of the worker."""
    monkeypatch.setattr(_worker, "_FIRST_PAUSE", 0.001)
    gone = StoreError("The database can't be reached", code="store.unavailable", remedy="wait")
    store, post = Flaky(gone, times=3), Post()
    kit = RetainKit(store=store, features=[Parcels()], performers={"parcel.send": post.performer()})
    kit.record(order("1", ADA, datetime.now(UTC)))
    worker = _worker._Worker(kit, poll=0.01)

    def stop() -> None:
        while not post.sent:
            time.sleep(0.005)
        worker._stop.set()

    worker.run([worker.work, worker.sweep, stop])
    assert len(post.sent) == 1
    pauses = [r.getMessage() for r in caplog.records if "goes on in" in r.getMessage()]
    assert [text.split(" s:")[0] for text in pauses] == [
        "the worker goes on in 0.001",
        "the worker goes on in 0.002",
        "the worker goes on in 0.004",
    ]


def test_a_store_that_was_never_migrated_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Waiting would not help: it ends, with the command that does."""
    error = StoreError(
        "The store was not migrated", code="store.not_migrated", remedy="run `retainkit migrate`"
    )
    _app(monkeypatch, RetainKit(store=Flaky(error, times=99)))
    assert main(["worker", "--app", "flaky_app:kit", "--threads", "2"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "retainkit: The store was not migrated [store.not_migrated]\n  run `retainkit migrate`\n"
    )


def test_a_run_to_the_end_does_not_hide_that_the_store_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever calls it with --once wants to know."""
    gone = StoreError("The database can't be reached", code="store.unavailable", remedy="wait")
    _app(monkeypatch, RetainKit(store=Flaky(gone, times=99)))
    assert main(["worker", "--app", "flaky_app:kit", "--once"]) == 2
    assert "[store.unavailable]" in capsys.readouterr().err


def test_signals_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that calls main() keeps its own handlers."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    _app(monkeypatch, RetainKit(store=MemoryStore()))
    assert main(["worker", "--app", "flaky_app:kit", "--once"]) == 0
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("threads", ["0", "-1", "many", "1.5"])
def test_a_number_of_threads_is_a_number(threads: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At least one."""
    with pytest.raises(SystemExit) as caught:
        main(["worker", "--app", "x:y", f"--threads={threads}"])
    assert caught.value.code == 2
    assert "1 or more" in capsys.readouterr().err
