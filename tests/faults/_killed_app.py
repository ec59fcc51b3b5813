"""What ``retainkit worker --app`` of the killing campaigns loads: parcels, paid at the bank."""

from __future__ import annotations

import json
import logging
import os
import socket
from datetime import datetime, timedelta
from uuid import uuid4

from attrs import evolve, frozen
from tests.engine.toy import Parcel, ParcelPolicy, Parcels

from retainkit.core import Answer, Decision, Intent, NoEffect, Outcome
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.stores.sql import SqlStore


TRIES = 3
LEASE = timedelta(seconds=2)

logging.basicConfig(level=logging.INFO)  # the campaign counts the claims that were lost


def pays_at(parcel: str) -> int:
    """At which charge the bank finds money for a parcel; the fourth never comes."""
    return int(parcel) * 7 % 4 + 1


@frozen
class Charges(Parcels):
    """Parcels that wait for what became of a try, however long that takes."""

    def _try(self, case: Parcel, now: datetime, policy: ParcelPolicy, why: str) -> Decision[Parcel]:
        return evolve(super()._try(case, now, policy, why), wake=now + timedelta(hours=1))


class Teller:
    """The bank, asked over its socket."""

    def __init__(self, address: str, *, broken: bool) -> None:
        self._address = address
        self._broken = broken

    def perform(self, intent: Intent, now: datetime) -> Outcome:
        """Charge; with a broken key every sending is a new request."""
        del now
        parcel = str(intent.effect.data["order"])
        key = uuid4().hex if self._broken else intent.key
        return Answer(
            data={"delivered": bool(self._ask(key=key, parcel=parcel, pays_at=pays_at(parcel)))}
        )

    def look_up(self, intent: Intent, now: datetime) -> Outcome:
        """What the bank knows of the key."""
        del now
        told = self._ask(key=intent.key)
        return NoEffect(reason="unknown_key") if told is None else Answer(data={"delivered": told})

    def _ask(self, **asked: object) -> bool | None:
        with socket.socket(socket.AF_UNIX) as bank:
            bank.connect(self._address)
            with bank.makefile("rwb") as line:
                line.write(json.dumps(asked).encode() + b"\n")
                line.flush()
                told: bool | None = json.loads(line.readline())
        return told


def make(store: SqlStore, address: str, *, broken: bool = False) -> RetainKit:
    """A kit over the store and the bank."""
    teller = Teller(address, broken=broken)
    performer = Performer(
        group="bank",
        guarantee=Guarantee.EXACTLY_ONCE,
        perform=teller.perform,
        look_up=teller.look_up,
    )
    return RetainKit(
        store=store,
        features=[Charges(policy=ParcelPolicy(tries=TRIES, wait=timedelta(milliseconds=200)))],
        performers={"parcel.send": performer},
        lease=LEASE,
    )


if "RETAINKIT_F3_STORE" in os.environ:
    kit = make(
        SqlStore(os.environ["RETAINKIT_F3_STORE"]),
        os.environ["RETAINKIT_F3_BANK"],
        broken=bool(os.environ.get("RETAINKIT_F3_BROKEN")),
    )
