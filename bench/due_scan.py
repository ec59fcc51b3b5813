"""8 claimers drain 10,000 due of 1,000,000 rows, over the same of 20,000 rows: PostgreSQL.

1,000 tenants, nine rows in ten done. The cost must follow what is due, not what is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from threading import Thread
from time import perf_counter

import sqlalchemy as sa
from databases import postgres_url

from retainkit.core import Lease
from retainkit.stores.sql import SqlStore


DUE = 10_000
LARGE, SMALL = 1_000_000, 20_000
CLAIMERS = 8
REPEATS = 7
BOUND = 2.0
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FILL = """
INSERT INTO {p}schedule (tenant, id, feature, customer, case_id, since, tries, wake_at)
SELECT 'tenant-' || mod(n, 1000), 'dunning:' || n, 'dunning', 'customer-' || n, 'case-' || n, 0, 0,
  CASE
    WHEN mod(n, {due_every}) = 0 THEN 1780000000000000 + n
    WHEN mod(n, 10) = 1 THEN 1900000000000000 + n
  END
FROM generate_series(0, {rows} - 1) AS n
"""
AGAIN = "UPDATE {p}schedule SET lease = NULL, wake_at = 1780000000000000 WHERE lease IS NOT NULL"


def run(name: str) -> dict[str, object]:
    """At most twice the time, whatever the size."""
    del name
    with postgres_url() as url:
        engine = sa.create_engine(url)
        large, small = _filled(url, engine, "large_", LARGE), _filled(url, engine, "small_", SMALL)
        times: list[float] = []
        bases: list[float] = []
        for _ in range(REPEATS + 1):
            times.append(_drained(large, engine, "large_"))
            bases.append(_drained(small, engine, "small_"))
        with engine.connect() as connection:
            fsync = connection.exec_driver_sql("SHOW fsync").scalar_one()
        engine.dispose()
    value, base = median(times[1:]), median(bases[1:])
    return {
        "value": round(value * 1000, 1),
        "anchor": round(base * 1000, 1),
        "unit": "ms to drain 10,000",
        "ratio": round(value / base, 3),
        "bound": f"at most {BOUND}",
        "met": value / base <= BOUND,
        "durability": f"fsync={fsync}",
    }


def _filled(url: str, engine: sa.Engine, prefix: str, rows: int) -> SqlStore:
    store = SqlStore(url, prefix=prefix, pool_size=CLAIMERS)
    store.migrate()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(FILL.format(p=prefix, rows=rows, due_every=rows // DUE))
        connection.exec_driver_sql(f"VACUUM ANALYZE {prefix}schedule")
    return store


def _drained(store: SqlStore, engine: sa.Engine, prefix: str) -> float:
    """Seconds until 8 claimers have taken everything that is due; then all is due again."""
    taken: list[int] = []
    numbers = count()

    def claim() -> None:
        while True:
            lease = Lease(id=f"lease-{next(numbers)}", length=timedelta(hours=1))
            items = store.claim(lease, now=NOW, limit=100)
            if not items:
                return
            taken.append(len(items))

    threads = [Thread(target=claim) for _ in range(CLAIMERS)]
    started = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = perf_counter() - started
    if sum(taken) != DUE:
        raise SystemExit(f"claimed {sum(taken)} of {DUE}")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(AGAIN.format(p=prefix))
        connection.exec_driver_sql(f"VACUUM {prefix}schedule")
    return took
