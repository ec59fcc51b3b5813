"""Fresh databases for the benches: a SQLite file, or a PostgreSQL of the machine's."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retainkit.testing import postgres_server


@contextmanager
def sqlite_url() -> Iterator[str]:
    """The URL of a new SQLite file, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'bench.db'}"


@contextmanager
def postgres_url() -> Iterator[str]:
    """The URL of a new PostgreSQL database."""
    with postgres_server(durable=True) as server:
        yield server.database("bench")


def sqlite_durability(path: str) -> str:
    """What the file's connections are set to, read back."""
    connection = sqlite3.connect(path)
    try:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    finally:
        connection.close()
    return str(mode)
