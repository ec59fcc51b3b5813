"""A bank in a process of its own, with a database of its own: the only judge of double charges.

Started as ``python _bank.py SOCKET DATABASE SLOWNESS``; answers one JSON line with one JSON line.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Lock


_TABLES = """
CREATE TABLE IF NOT EXISTS charge (key TEXT, parcel TEXT, paid INTEGER);
CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, paid INTEGER);
"""


class Bank(ThreadingUnixStreamServer):
    """Charges once a key; a parcel is paid from its n-th charge on, and can be paid again."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, socket: str, database: str, slowness: float) -> None:
        super().__init__(socket, _Talk)
        self.slowness = slowness
        self.lock = Lock()
        self.books = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self.books.execute("PRAGMA journal_mode=WAL")
        self.books.execute("PRAGMA synchronous=OFF")
        self.books.executescript(_TABLES)

    def charge(self, key: str, parcel: str, pays_at: int) -> bool:
        """What the key says, now or before."""
        with self.lock:
            known = self.look_up(key)
            if known is not None:
                return known
            charged = "SELECT count(*) FROM charge WHERE parcel = ?"
            (before,) = self.books.execute(charged, (parcel,)).fetchone()
            paid = bool(before + 1 >= pays_at)
            self.books.execute("BEGIN")
            self.books.execute("INSERT INTO charge VALUES (?, ?, ?)", (key, parcel, paid))
            self.books.execute("INSERT INTO answer VALUES (?, ?)", (key, paid))
            self.books.execute("COMMIT")
        time.sleep(self.slowness)
        return paid

    def look_up(self, key: str) -> bool | None:
        """The answer to a key, if there was one."""
        row = self.books.execute("SELECT paid FROM answer WHERE key = ?", (key,)).fetchone()
        return None if row is None else bool(row[0])


class _Talk(StreamRequestHandler):
    server: Bank

    def handle(self) -> None:
        """Answer until whoever asks is gone, or was killed."""
        with suppress(ConnectionError):
            self._talk()

    def _talk(self) -> None:
        for line in self.rfile:
            asked = json.loads(line)
            if "parcel" in asked:
                told: bool | None = self.server.charge(
                    asked["key"], asked["parcel"], asked["pays_at"]
                )
            else:
                told = self.server.look_up(asked["key"])
            self.wfile.write(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    _socket, _database, _slowness = sys.argv[1:]
    Path(_socket).unlink(missing_ok=True)
    with Bank(_socket, _database, float(_slowness)) as bank:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        bank.serve_forever()
