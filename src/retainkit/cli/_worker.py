"""``retainkit worker``: threads that work off what is due until they are asked to stop."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

from retainkit.cli._app import app_argument, kit_of
from retainkit.errors import RetainkitError


if TYPE_CHECKING:
    from retainkit.engine import RetainKit

NAME = "worker"
HELP = "work off what is due, of all tenants, until SIGTERM; as many workers as you like"

_SWEEP_EVERY = 3600.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_LOG = logging.getLogger("retainkit")


def arguments(parser: ArgumentParser) -> None:
    """``--app``, ``--threads``, ``--poll``, ``--once``."""
    app_argument(parser)
    parser.add_argument(
        "--threads", type=_positive, default=1, metavar="N", help="how many work side by side (1)"
    )
    parser.add_argument(
        "--poll",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how long to rest when nothing is due (1)",
    )
    parser.add_argument("--once", action="store_true", help="end as soon as nothing is due")


def run(args: Namespace) -> int:
    """Work until SIGTERM or SIGINT; the item in hand is finished first."""
    worker = _Worker(kit_of(args), poll=args.poll)
    jobs = [worker.drain if args.once else worker.work] * args.threads
    worker.run(jobs if args.once else [*jobs, worker.sweep])
    return 0


class _Worker:
    """Threads over one kit; they end together."""

    def __init__(self, kit: RetainKit, *, poll: float) -> None:
        self._kit = kit
        self._poll = poll
        self._stop = Event()
        # What ended a thread, or a signal's number. Putting into this queue is safe inside the
        # frame of a signal; setting an Event is not.
        self._told: SimpleQueue[int | Exception | None] = SimpleQueue()

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """
        Give each job a thread of its own, until all have ended.

        Raises:
            Exception: What ended a job; the others have ended, too.
        """
        threads = [Thread(target=self._thread, args=(job,)) for job in jobs]
        errors: list[Exception] = []
        with self._signals():
            for thread in threads:
                thread.start()
            running = len(threads)
            while running:
                told = self._told.get()
                running -= not isinstance(told, int)
                if told is not None:
                    self._stop.set()
                if isinstance(told, Exception):
                    errors.append(told)
            for thread in threads:
                thread.join()
        if errors:
            raise errors[0]

    def drain(self) -> None:
        """Until nothing is due."""
        self._kit.run_due(stop=self._stop.is_set)

    def work(self) -> None:
        """What is due, and then what comes due."""
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                ran = self._kit.run_due(stop=self._stop.is_set)
            except RetainkitError as exc:
                _survive(exc, "the worker", pause)
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            if ran.finished:
                self._stop.wait(self._poll)

    def sweep(self) -> None:
        """Look for damage now and then."""
        while not self._stop.is_set():
            try:
                self._kit.sweep()
            except RetainkitError as exc:
                _survive(exc, "the sweeper", _SWEEP_EVERY)
            self._stop.wait(_SWEEP_EVERY)

    def _thread(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as exc:  # noqa: BLE001 - it is raised again where the threads are joined
            self._told.put(exc)
        else:
            self._told.put(None)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal asks for an end; the second one is not ours any more."""
        if current_thread() is not main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def ask(number: int, _: FrameType | None) -> None:
            signal.signal(number, before[signal.Signals(number)])
            self._told.put(number)

        for number in before:
            signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _survive(error: RetainkitError, who: str, pause: float) -> None:
    """A store that is gone comes back; one that was never migrated does not."""
    if error.code == "store.not_migrated":
        raise error
    _LOG.warning("%s goes on in %g s: %s", who, pause, error)


def _positive(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of threads: 1 or more")
