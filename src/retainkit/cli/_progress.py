"""How far a long command is: a bar by rich, if it is there and can be seen; else lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic


_SECONDS_BETWEEN_LINES = 10


@contextmanager
def progress(doing: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    """
    Show on standard error how many are done, and of how many if that is known.

    Args:
        doing: What is done, such as ``Loading``.

        unit: What is counted, such as ``customers``.
    """
    if not sys.stderr.isatty():
        yield _lines(doing, unit)
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield lambda done, total: print(
            f"\r{_text(doing, unit, done, total)}", end="", file=sys.stderr, flush=True
        )
        print(file=sys.stderr)
        return
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(doing: str, unit: str) -> Callable[[int, int | None], None]:
    """A line now and then, so that a log shows a long run to be alive; none in a short one."""
    told = monotonic()

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        if monotonic() - told >= _SECONDS_BETWEEN_LINES:
            told = monotonic()
            print(_text(doing, unit, done, total), file=sys.stderr, flush=True)

    return tell


def _text(doing: str, unit: str, done: int, total: int | None) -> str:
    return f"{doing}: {done}{'' if total is None else f' of {total}'} {unit}"
