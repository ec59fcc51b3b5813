"""What the server knows: objects, ids, the clock and the log of events, in memory and in SQLite."""

from __future__ import annotations

import hashlib
import heapq
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

from retainkit.testing.stripe_server._errors import no_such
from retainkit.testing.stripe_server._json import JsonObject, copied


_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS effective_charge AS
SELECT id,
       json_extract(body, '$._.invoice')          AS invoice,
       json_extract(body, '$.customer')           AS customer,
       json_extract(body, '$.amount')             AS amount,
       json_extract(body, '$.currency')           AS currency,
       json_extract(body, '$.created')            AS created,
       json_extract(body, '$._.idempotency_key')  AS idempotency_key
  FROM object
 WHERE kind = 'charge' AND json_extract(body, '$.status') = 'succeeded';
"""


# Which field of a kind names its owner, for `State.of`; it never changes after creation.
_OWNER = {"invoice": "customer", "subscription": "customer", "invoice_payment": "invoice"}


class State:
    """
    All objects of one account.

    Whoever reads or changes it holds `lock`; `commit` makes the changes of one request durable
    in one SQLite transaction, so that a killed server has done a request wholly or not at all.

    Args:
        seed: Ids derive from it.

        now: Where the clock stands; `None` follows the machine's clock.

        db: The SQLite file the state is kept in; `None` keeps it in memory only.

        due: When an object next wants the clock's attention, as a Unix time.
    """

    def __init__(
        self,
        *,
        seed: int,
        now: datetime | None,
        db: Path | None,
        due: Callable[[JsonObject], int | None],
    ) -> None:
        self.lock = RLock()
        self.seed = seed
        self.request: JsonObject = {"id": None, "idempotency_key": None}
        self._due = due
        self._objects: dict[str, dict[str, JsonObject]] = {}
        self._owned: dict[tuple[str, str], list[str]] = {}
        self._sequence = 0
        self._order: dict[tuple[str, str], int] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._agenda: list[tuple[int, int, str, str]] = []
        self._database = None if db is None else self._open(db)
        self._first_clock = now
        if not self.find("_meta", "meta"):
            self._begin()

    # The clock

    @property
    def now(self) -> int:
        """The server's time in Unix seconds."""
        meta = self._meta
        if meta["now"] is not None:
            return int(meta["now"])
        return int(datetime.now(UTC).timestamp()) + int(meta["ahead"])

    def turn(self, to: int) -> None:
        """Put the clock forward; it never goes back."""
        meta = self._meta
        ahead = max(to - self.now, 0)
        if meta["now"] is None:
            meta["ahead"] += ahead
        else:
            meta["now"] += ahead
        self.save(meta)

    def next_due(self, until: int) -> tuple[int, JsonObject] | None:
        """Take the earliest object that is due at or before `until`, with its due time."""
        while self._agenda and self._agenda[0][0] <= until:
            at, _, kind, ref = heapq.heappop(self._agenda)
            found = self.find(kind, ref)
            if found is not None and self._due(found) == at:
                return at, found
        return None

    # Objects

    def new_id(self, prefix: str) -> str:
        """The next id of a kind; the same seed and history give the same id."""
        counters = self._meta["counters"]
        counters[prefix] = counters.get(prefix, 0) + 1
        self.save(self._meta)
        number = int.from_bytes(
            hashlib.sha256(f"{self.seed}/{prefix}/{counters[prefix]}".encode()).digest()
        )
        digits = []
        for _ in range(24):
            number, digit = divmod(number, len(_ALPHABET))
            digits.append(_ALPHABET[digit])
        return f"{prefix}_{''.join(digits)}"

    def find(self, kind: str, ref: str) -> JsonObject | None:
        """The object, or `None`."""
        return self._objects.get(kind, {}).get(ref)

    def get(self, kind: str, ref: str, *, param: str = "id", status: int = 404) -> JsonObject:
        """The object; raises Stripe's ``resource_missing`` when there is none."""
        found = self.find(kind, ref)
        if found is None:
            raise no_such(kind.replace("_", " "), ref, param=param, status=status)
        return found

    def all(self, kind: str) -> Iterator[JsonObject]:
        """The objects of a kind, oldest first."""
        yield from list(self._objects.get(kind, {}).values())

    def latest(self, kind: str) -> Iterator[JsonObject]:
        """The objects of a kind, newest first, as Stripe lists them."""
        yield from reversed(list(self._objects.get(kind, {}).values()))

    def of(self, kind: str, owner: str) -> list[JsonObject]:
        """An owner's objects, oldest first: a customer's invoices, an invoice's payments."""
        ids = self._owned.get((kind, owner), ())
        found = (self.find(kind, ref) for ref in ids)
        return [item for item in found if item is not None]

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return len(self._objects.get(kind, {}))

    def save(self, item: JsonObject) -> JsonObject:
        """Keep a new object, or note that a kept one has changed."""
        kind, ref = item["object"], item["id"]
        self._objects.setdefault(kind, {})[ref] = item
        self._dirty.add((kind, ref))
        if (kind, ref) not in self._order:
            self._sequence += 1
            self._order[kind, ref] = self._sequence
            self._index(item)
        self._put_on_agenda(item)
        return item

    def forget(self, kind: str, ref: str) -> None:
        """Drop an object."""
        if self._objects.get(kind, {}).pop(ref, None) is not None:
            self._dirty.add((kind, ref))
            self._order.pop((kind, ref), None)

    def change(self, item: JsonObject, **changes: object) -> JsonObject:
        """Change an object's fields; returns the previous values of those that differ."""
        previous = {
            key: copied(item.get(key)) for key, value in changes.items() if item.get(key) != value
        }
        item.update({key: changes[key] for key in previous})
        self.save(item)
        return previous

    # The log

    def emit(self, name: str, item: JsonObject, previous: JsonObject | None = None) -> JsonObject:
        """Record an event with a snapshot of the object, and queue it for every endpoint."""
        event: JsonObject = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": None,
            "created": self.now,
            "data": {"object": copied(item)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": dict(self.request),
            "type": name,
        }
        if previous:
            event["data"]["previous_attributes"] = previous
        self.save(event)
        self.enqueue(event)
        return event

    def enqueue(self, event: JsonObject) -> None:
        """Queue an event for every endpoint that listens to it."""
        for endpoint in self.all("_endpoint"):
            if "*" not in endpoint["events"] and event["type"] not in endpoint["events"]:
                continue
            event["pending_webhooks"] += 1
            self.save(
                {
                    "id": self.new_id("dlv"),
                    "object": "_delivery",
                    "event": event["id"],
                    "endpoint": endpoint["id"],
                }
            )
        self.save(event)

    # Keeping

    def commit(self) -> None:
        """Make what has changed since the last commit durable."""
        dirty, self._dirty = self._dirty, set()
        if self._database is None or not dirty:
            return
        with self._database:
            for kind, ref in sorted(dirty):
                item = self.find(kind, ref)
                if item is None:
                    self._database.execute(
                        "DELETE FROM object WHERE kind = ? AND id = ?", (kind, ref)
                    )
                    continue
                self._database.execute(
                    "INSERT INTO object (kind, id, seq, body) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                    (kind, ref, self._order[kind, ref], json.dumps(item)),
                )

    def clear(self) -> None:
        """Forget everything, the clock's turns too; registered endpoints go as well."""
        self._dirty.update((kind, ref) for kind, items in self._objects.items() for ref in items)
        self._objects.clear()
        self._order.clear()
        self._owned.clear()
        self._agenda.clear()
        self._begin()
        self.commit()

    def close(self) -> None:
        """Close the SQLite file."""
        if self._database is not None:
            self._database.close()

    @property
    def _meta(self) -> JsonObject:
        return self._objects["_meta"]["meta"]

    def _begin(self) -> None:
        clock = self._first_clock
        self.save(
            {
                "id": "meta",
                "object": "_meta",
                "now": None if clock is None else int(clock.timestamp()),
                "ahead": 0,
                "counters": {},
            }
        )

    def _index(self, item: JsonObject) -> None:
        owner = _OWNER.get(item["object"])
        if owner is not None:
            self._owned.setdefault((item["object"], item[owner]), []).append(item["id"])

    def _put_on_agenda(self, item: JsonObject) -> None:
        at = self._due(item)
        if at is not None:
            order = self._order[item["object"], item["id"]]
            heapq.heappush(self._agenda, (at, order, item["object"], item["id"]))

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives a killed process, though not a power cut; a test needs no more.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        with closing(connection.execute("SELECT seq, body FROM object ORDER BY seq")) as rows:
            for sequence, body in rows:
                item = json.loads(body)
                self._sequence = sequence
                self._order[item["object"], item["id"]] = sequence
                self._objects.setdefault(item["object"], {})[item["id"]] = item
                self._index(item)
                self._put_on_agenda(item)
        return connection


def unix(at: datetime) -> int:
    """An aware datetime as Stripe's Unix seconds."""
    return int(at.timestamp())


def instant(at: int) -> datetime:
    """Stripe's Unix seconds as an aware datetime in UTC."""
    return datetime.fromtimestamp(at, UTC)


def seconds(span: timedelta) -> int:
    """A span in whole seconds."""
    return int(span.total_seconds())
