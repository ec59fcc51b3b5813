"""A product with a kit, for ``--app tests.cli.shop:kit``; the environment names its folder."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

from tests.engine.toy import Parcels

from retainkit.core import Answer, Intent, Outcome
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.stores.sql import SqlStore


FOLDER = Path(os.environ["SHOP_FOLDER"])
SLOWNESS = float(os.environ.get("SHOP_SLOWNESS", "0"))


def _send(intent: Intent, now: datetime) -> Outcome:
    """Say that it began, take its time, say that it is done."""
    del now
    order = str(intent.effect.data["order"])
    (FOLDER / f"began-{order}").touch()
    time.sleep(SLOWNESS)
    with (FOLDER / "done").open("a") as book:
        book.write(f"{order}\n")
    return Answer(data={"delivered": True})


kit = RetainKit(
    store=SqlStore(f"sqlite:///{FOLDER / 'app.db'}"),
    features=[Parcels()],
    performers={
        "parcel.send": Performer(
            group="post", guarantee=Guarantee.EXACTLY_ONCE, perform=_send, look_up=_send
        )
    },
)
no_kit = "not a kit"
