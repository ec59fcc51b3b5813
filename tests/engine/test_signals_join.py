"""Facts in the host's own transaction: kept with it, gone with it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha512

import pytest
import sqlalchemy as sa
from tests.engine.hosts import HOSTS, NOTES, Host
from tests.engine.measured import Customer, export
from tests.engine.test_join import ADA, NOW, rows

from retainkit.engine import RetainKit
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.rules import Rule, Rulebook
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


# Django speaks of its apps; here is none.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the database during app")


@pytest.fixture
def kit(database: str) -> Iterator[RetainKit]:
    store = SqlStore(database, lock_timeout=2)
    with sa.create_engine(database, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text(NOTES))
    rule = Rule(id="many_seats", when=Customer.seats >= 20)
    book = Rulebook(signals=Customer, rules=(rule,))
    yield RetainKit(store=store, signals=Customer, rules=book, clock=ManualClock(NOW))
    store.close()


@pytest.fixture(params=HOSTS, ids=[host.name for host in HOSTS])
def host(request: pytest.FixtureRequest, kit: RetainKit, database: str) -> Iterator[Host]:
    """A host whose transaction is about to begin."""
    opened = request.param(database)
    yield opened
    opened.close()


def _work(host: Host, kit: RetainKit) -> None:
    """Sell seats: the host's row, the fact, what is counted, and the rule that fires."""
    host.write("sold")
    with host.joined(kit) as k:
        k.record(export(1, NOW))
        k.call(lambda k: k.signals.set(ADA, {"seats": 25}))
        k.call(lambda k: k.decide(ADA))
        assert k.call(lambda k: [each.customer for each in k.rules.members("rule:many_seats")])


def test_a_rollback_takes_facts_counts_and_members(
    host: Host, kit: RetainKit, database: str
) -> None:
    """No table of ours has a row that was not there."""
    before = rows(database)
    _work(host, kit)
    host.rollback()
    assert rows(database) == before


def test_a_commit_keeps_all_of_it(host: Host, kit: RetainKit, database: str) -> None:
    """And counting anew finds the same."""
    _work(host, kit)
    host.commit()
    known = {name: each.value for name, each in kit.signals.of(ADA)}
    assert (known["seats"], known["exports"]) == (25, 1)
    assert [each.customer for each in kit.rules.members("rule:many_seats")] == [ADA]
    before = rows(database)["rk_bucket"]
    kit.signals.rebuild()
    assert rows(database)["rk_bucket"] == before


def test_an_id_that_is_too_long_leaves_the_host_its_transaction(
    host: Host, kit: RetainKit, database: str
) -> None:
    """It is refused before the database is asked, which would fail the rest, too."""
    long = CustomerId("".join(sha512(bytes([number])).hexdigest() for number in range(32)))
    host.write("sold")
    with host.joined(kit) as k:
        for tell in (
            lambda k: k.signals.set(long, {"seats": 25}),
            lambda k: k.signals.set_zone(long, "Asia/Kolkata"),
        ):
            with pytest.raises(InvalidInput) as caught:
                k.call(tell)
            assert (caught.value.code, caught.value.field, caught.value.value) == (
                "json.id_length", "customer", f"{long[:40]}... of {len(long)} bytes",
            )  # fmt: skip
            assert caught.value.remedy == (
                "pass one of at most 2000 bytes of UTF-8, such as a digest of this one"
            )
        k.call(lambda k: k.signals.set(ADA, {"seats": 25}))
    host.commit()
    assert kit.signals.of(ADA).known("seats", NOW) == 25
