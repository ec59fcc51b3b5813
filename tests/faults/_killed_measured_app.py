"""What the killed workers and recorders of signals run: ``python -m`` this records, and ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from tests.faults._measured import measured, use

from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId
from retainkit.stores.sql import SqlStore


CUSTOMERS = 12
# Long over, so that windows of days hold still while the processes run.
BEGAN = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def batches(rounds: int) -> Iterator[list[Event]]:
    """What is told; always the same of a day."""
    lot = Random(4)
    for number in range(rounds):
        yield [
            use(
                f"{number}-{place}",
                f"c{lot.randrange(CUSTOMERS)}",
                BEGAN - timedelta(minutes=lot.randrange(60 * 24 * 9)),
                lot.choice(("feature.used", "feature.used", "ticket.opened")),
                {"user": f"u{place % 3}", "feature": ("report", "export")[place % 2]},
            )
            for place in range(12)
        ]


def record(kit: RetainKit, rounds: int) -> None:
    """Tell it all from the beginning, with facts, zones, other origins and counting anew."""
    lot = Random()
    for number, events in enumerate(batches(rounds)):
        kit.record(*events)
        who = CustomerId(f"c{number % CUSTOMERS}")
        match number % 5:
            case 0:
                kit.signals.set(who, {"seats": lot.choice((3, 9))})
            case 1:
                kit.signals.retag([events[0].id], Origin.TEST, actor="eve")
            case 2:
                kit.signals.set_zone(who, lot.choice(("Asia/Tokyo", "UTC")))
            case 3:
                kit.signals.load({"customer": [f"c{n}" for n in range(4)], "seats": [number] * 4})
            case _:
                kit.signals.rebuild(who)


if "RETAINKIT_F3_STORE" in os.environ:
    kit = measured(SqlStore(os.environ["RETAINKIT_F3_STORE"]))
    if __name__ == "__main__":
        record(kit, int(sys.argv[1]))
