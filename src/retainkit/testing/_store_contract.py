"""The promises of a store, as tests that every store has to pass; scripts are in _store_play."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta, timezone
from itertools import count
from threading import Barrier
from typing import ClassVar, TypeVar, cast

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from retainkit.core import (
    EVERY_NAME,
    STANDING,
    Answer,
    Because,
    EffectState,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    JsonValue,
    Lease,
    Member,
    NoEffect,
    Origin,
    Record,
    RecordedEvent,
    Skills,
    Timer,
    Wanted,
)
from retainkit.errors import ConfigurationError, Conflict, InvalidInput, NotFound, RetainkitError
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId
from retainkit.stores import Appended, Change, Store, TenantStore, Transaction
from retainkit.stores.memory import MemoryStore
from retainkit.testing._projection_contract import ProjectionContract
from retainkit.testing._store_play import (
    FEATURE,
    OUTCOMES,
    START,
    TENANTS,
    Action,
    Claim,
    Intend,
    World,
    bucket,
    event,
    intent,
    record,
    step,
    store_transcript,
    timer,
)


T = TypeVar("T")

A = CustomerId("cus_a")
B = CustomerId("cus_b")
HOUR = timedelta(hours=1)
_LOGINS = Wanted(metrics=frozenset({"logins"}))
LEASE = Lease(id="lease 1", length=HOUR)
# Has run out at once, by any clock.
SHORT = Lease(id="lease 0", length=timedelta(0))
SKILLS = Skills(features=frozenset({FEATURE}), kinds=frozenset({"payments.collect"}))
NO_SKILLS = Skills(features=frozenset(), kinds=frozenset())
UGLY = ("a'b\"c", "50%s :x {y}", "back\\slash", "Ärger/日本/🚀", "a\nb\tc", "A", "a", "a ", "#~;--")


class StoreContract(ProjectionContract):
    """
    The contract of `retainkit.stores.Store`: subclass it, and give it a store.

    ::

        class TestMyStore(StoreContract):
            @pytest.fixture
            def store(self) -> Store:
                return MyStore(...)  # migrated and empty

    Set the flags to what the store can do. A test can't be overridden or removed; one that the
    store fails for now may be marked with ``pytest.mark.xfail(reason=...)`` in the subclass.

    A store that joins host transactions also gives the fixture ``host``: a function that opens a
    transaction on the store's database as a host would, gives the host's connection, and in the
    end commits (``host(True)``) or rolls back (``host(False)``).
    """

    supports_threads: ClassVar[bool] = True
    """Whether several threads may use the store at once."""

    database_clock: ClassVar[bool] = False
    """Whether leases run by a clock of the database's, and not by the ``now`` of a claim."""

    joins_transactions: ClassVar[bool] = False
    """Whether the store works in a host's open transaction."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        quiet = sorted(name for name, test in vars(cls).items() if _silences(name, test))
        if quiet:
            raise ConfigurationError(
                f"{cls.__name__} hides tests of the store contract",
                code="contract.overridden",
                field="tests",
                value=quiet,
                remedy="let them run, or mark them with pytest.mark.xfail(reason=...)",
            )

    @pytest.fixture
    def tenant(self, store: Store) -> TenantStore:
        """The store of the one tenant most stories need."""
        return store.for_tenant(TenantId("main"))

    @pytest.fixture
    def host(self) -> Callable[[bool], AbstractContextManager[object]]:
        """Open a host's transaction; only a store that joins them has one."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------- the past

    def test_events_are_numbered_as_they_are_learned(self, tenant: TenantStore) -> None:
        """A customer's counter follows what we learned, not what happened first."""
        _append(tenant, event("later", at=START + HOUR), at=START)
        _append(tenant, event("earlier", at=START), at=START + HOUR)
        history = _history(tenant)
        assert [kept.event.id for kept in history] == ["later", "earlier"]
        assert history[0].sequence < history[1].sequence
        assert [kept.recorded_at for kept in history] == [START, START + HOUR]
        assert {kept.state for kept in history} == {EventState.ACCEPTED}

    def test_the_same_event_again_is_a_duplicate(self, tenant: TenantStore) -> None:
        """A repeat writes nothing, whoever reports it and for whatever reason."""
        first = event("evt_1", data={"cents": 100})
        _append(tenant, first)
        before = _history(tenant)
        repeat = evolve(first, actor="provider", because=(Because(key="seen.twice"),))
        made = _append(tenant, repeat, at=START + HOUR)
        assert made == Appended(new=(), duplicates=(first.id,))
        assert _history(tenant) == before

    def test_another_payload_is_kept_beside(self, tenant: TenantStore) -> None:
        """A known id with another payload is a conflict: kept, listed, and it changes nothing."""
        _append(tenant, event("evt_1", data={"cents": 100}))
        other = event("evt_1", data={"cents": 900})
        made = _append(tenant, other, at=START + HOUR)
        assert made == Appended(new=(), conflicts=(EventId("evt_1"),))
        beside = EventId(f"evt_1#{other.fingerprint[:16]}")
        with tenant.transaction() as tx:
            kept = tx.timeline.get(beside)
            assert kept is not None
            assert kept.state is EventState.CONFLICT
            assert kept.event == evolve(other, id=beside)
            assert kept.recorded_at == START + HOUR
            assert tx.timeline.listed(EventState.CONFLICT) == (kept,)
            assert [seen.event.data for seen in tx.timeline.of(A)] == [{"cents": 100}]

    def test_the_same_conflict_again_is_a_duplicate(self, tenant: TenantStore) -> None:
        """A sender that repeats itself does not fill the list; one that says a third thing does."""
        _append(tenant, event("evt_1", data={"cents": 100}))
        _append(tenant, event("evt_1", data={"cents": 900}))
        again = _append(tenant, event("evt_1", data={"cents": 900}), at=START + HOUR)
        assert again == Appended(new=(), duplicates=(EventId("evt_1"),))
        _append(tenant, event("evt_1", B, data={"cents": 100}))
        with tenant.transaction() as tx:
            assert len(tx.timeline.listed(EventState.CONFLICT)) == 2
            assert tx.timeline.of(B) == ()

    def test_a_batch_tells_by_how_much_counters_rise(self, tenant: TenantStore) -> None:
        """Whoever counts events on knows how far that is, whatever repeats use up numbers."""
        known, contradiction = event("evt_1"), event("evt_1", data={"cents": 900})
        batches = ([known], [known], [contradiction, event("evt_2"), event("evt_3", B)], [known])
        counted = dict.fromkeys((A, B), 0)
        for batch in batches:
            for customer, number in _append(tenant, *batch).taken.items():
                counted[customer] += number
            with tenant.transaction() as tx:
                assert {customer: tx.records.lock(customer) for customer in counted} == counted

    def test_a_batch_sorts_out_its_repeats(self, tenant: TenantStore) -> None:
        """Many customers in one batch, some events known, some twice in it, some contradicting."""
        whose = [f"cus_{number % 40}" for number in range(200)]
        batch = [event(f"evt_{n}", customer, data={"n": n}) for n, customer in enumerate(whose)]
        _append(tenant, *batch[:30])
        contradiction = event("evt_150", "cus_0", data={"n": -1})
        made = _append(tenant, *batch, batch[170], contradiction, batch[3], at=START + HOUR)
        assert [kept.id for kept in made.new] == [said.id for said in batch[30:]]
        known = [said.id for said in batch[:30]]
        assert sorted(made.duplicates) == sorted([*known, batch[170].id, batch[3].id])
        assert made.conflicts == (EventId("evt_150"),)
        with tenant.transaction() as tx:
            for customer in dict.fromkeys(whose):
                mine = [said.id for said in batch if said.customer == customer]
                history = tx.timeline.of(CustomerId(customer))
                assert [kept.event.id for kept in history] == mine
                assert len({kept.sequence for kept in history}) == len(mine)

    def test_a_batch_tells_where_each_customers_news_begins(self, tenant: TenantStore) -> None:
        """``first`` leads to exactly the new events of each customer that has any."""
        _append(tenant, event("evt_1"), event("evt_2", B))
        made = _append(
            tenant,
            event("evt_1"),
            event("evt_3"),
            event("evt_2", B),
            event("evt_4", "cus_c"),
            event("evt_5"),
        )
        assert set(made.first) == {"cus_a", "cus_c"}
        with tenant.transaction() as tx:
            news = {
                customer: [kept.event.id for kept in tx.timeline.of(customer, after=first - 1)]
                for customer, first in made.first.items()
            }
        assert news == {"cus_a": ["evt_3", "evt_5"], "cus_c": ["evt_4"]}

    def test_an_empty_batch_is_nothing(self, store: Store, tenant: TenantStore) -> None:
        """No events, no rows, no error."""
        assert _append(tenant) == Appended(new=())
        with tenant.transaction() as tx:
            tx.schedule.wake([])
            tx.schedule.intend([], LEASE, now=START)
        assert list(store.tenants()) == []

    def test_history_is_read_in_parts(self, tenant: TenantStore) -> None:
        """After a counter, by names, and at most so many, oldest first."""
        names = ("invoice.failed", "invoice.paid")
        _append(tenant, *(event(f"evt_{n}", name=names[n % 2]) for n in range(6)))
        history = _history(tenant)
        paid = frozenset({"invoice.paid"})
        with tenant.transaction() as tx:
            third = history[2].sequence
            assert tx.timeline.of(A, after=third) == history[3:]
            assert tx.timeline.of(A, after=-1) == history
            assert tx.timeline.of(A, limit=2) == history[:2]
            assert tx.timeline.of(A, names=paid) == history[1::2]
            assert tx.timeline.of(A, names=paid, after=third, limit=1) == (history[3],)
            assert tx.timeline.of(A, names=frozenset()) == ()
            assert tx.timeline.of(A, names=frozenset({"it's.odd"})) == ()
            assert tx.timeline.of(A, after=history[-1].sequence) == ()
            assert tx.timeline.of(CustomerId("nobody")) == ()
            assert tx.timeline.get(EventId("nothing")) is None

    def test_a_parked_event_waits_for_its_customer(self, tenant: TenantStore) -> None:
        """Nobody's past holds it until a person says whose it is; then it has a number."""
        stray = event("evt_1", "", data={"invoice": "in_1"})
        made = _append(tenant, stray, state=EventState.PARKED)
        assert made == Appended(new=(stray,))
        _append(tenant, event("evt_2"))
        with tenant.transaction() as tx:
            assert [kept.event for kept in tx.timeline.listed(EventState.PARKED)] == [stray]
            assert tx.timeline.of(CustomerId("")) == ()
            before = tx.records.lock(A)
            sequence = tx.timeline.release(stray.id, A, recorded_at=START + HOUR)
            assert sequence > before
            assert tx.timeline.listed(EventState.PARKED) == ()
        released = _history(tenant)[-1]
        assert released == RecordedEvent(
            event=evolve(stray, customer=A), sequence=sequence, recorded_at=START + HOUR
        )

    def test_a_released_event_comes_again(self, tenant: TenantStore) -> None:
        """The provider, who knows no customer, sends it once more: a duplicate."""
        stray = event("evt_1", "", data={"invoice": "in_1"})
        _append(tenant, stray, state=EventState.PARKED)
        assert _append(tenant, stray, state=EventState.PARKED).duplicates == (stray.id,)
        with tenant.transaction() as tx:
            tx.timeline.release(stray.id, A, recorded_at=START)
        assert _append(tenant, stray, state=EventState.PARKED).duplicates == (stray.id,)
        with tenant.transaction() as tx:
            assert tx.timeline.listed(EventState.PARKED) == ()
            assert tx.timeline.listed(EventState.CONFLICT) == ()
        assert len(_history(tenant)) == 1

    def test_an_event_released_to_another_comes_again(self, tenant: TenantStore) -> None:
        """As its sender's customer, and with the number it has elsewhere: still a duplicate."""
        said = event("evt_1", B)
        _append(tenant, said, state=EventState.PARKED)
        with tenant.transaction() as tx:
            tx.timeline.release(said.id, A, recorded_at=START)
        assert _append(tenant, said) == Appended(new=(), duplicates=(said.id,))
        assert _history(tenant, B) == ()

    @pytest.mark.parametrize("which", ["unknown", "accepted", "released", "conflict"])
    def test_only_a_parked_event_can_be_released(self, tenant: TenantStore, which: str) -> None:
        """Everything else is left as it is, with an error that says so."""
        _append(tenant, event("accepted"))
        _append(tenant, event("accepted", data={"cents": 1}))
        _append(tenant, event("released", ""), state=EventState.PARKED)
        with tenant.transaction() as tx:
            tx.timeline.release(EventId("released"), A, recorded_at=START)
            (conflict,) = tx.timeline.listed(EventState.CONFLICT)
        id_ = conflict.event.id if which == "conflict" else EventId(which)
        before = _history(tenant)
        with pytest.raises(NotFound) as caught, tenant.transaction() as tx:
            tx.timeline.release(id_, B, recorded_at=START)
        _assert_error(caught.value, code="event.not_parked", field="event", value=id_)
        assert _history(tenant) == before
        assert _history(tenant, B) == ()

    def test_what_is_set_aside_is_listed_oldest_first(self, tenant: TenantStore) -> None:
        """By when we learned of it, at most so many; parked and in conflict apart."""
        for hours in (3, 1, 2):
            parked = event(f"parked {hours}", "")
            _append(tenant, parked, at=START + hours * HOUR, state=EventState.PARKED)
            _append(tenant, event("evt_1", data={"hours": hours}), at=START + hours * HOUR)
        with tenant.transaction() as tx:
            listed = tx.timeline.listed(EventState.PARKED)
            assert [kept.event.id for kept in listed] == ["parked 1", "parked 2", "parked 3"]
            assert tx.timeline.listed(EventState.PARKED, limit=2) == listed[:2]
            conflicts = tx.timeline.listed(EventState.CONFLICT)
            assert [kept.event.data for kept in conflicts] == [{"hours": 1}, {"hours": 2}]

    def test_an_event_comes_back_as_it_was(self, tenant: TenantStore) -> None:
        """Every field, in UTC and to the microsecond, with its reasons, from any zone."""
        said = Event(
            id=EventId("evt_1"),
            name="dunning.tried",
            customer=A,
            occurred_at=datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5.5))),
            data={"a": None, "b": [True, -1, {"c": ["ü", []]}], "big": 2**80, "": {}},
            origin=Origin.BACKFILL,
            schema=7,
            actor="ops:4711",
            because=(Because(key="k", values={"n": [1]}), Because(key="why")),
        )
        _append(tenant, said, at=START.astimezone(timezone(-HOUR)))
        (kept,) = _history(tenant)
        assert kept.event == said
        assert kept.event.fingerprint == said.fingerprint
        assert kept.recorded_at == START
        _assert_utc(kept.event.occurred_at, kept.recorded_at)

    def test_ugly_names_are_names(self, tenant: TenantStore) -> None:
        """Quotes, wildcards, other scripts and case: ids are compared as they are."""
        _append(tenant, *(event(id_, id_, data={id_: id_}) for id_ in UGLY))
        with tenant.transaction() as tx:
            for id_ in UGLY:
                (kept,) = tx.timeline.of(CustomerId(id_))
                assert kept.event == event(id_, id_, data={id_: id_})
                tx.records.put(record(id_, id_, key=id_, body={"key": id_}))
                tx.schedule.plan(timer(tenant.tenant, id_, case=id_))
                tx.schedule.intend([intent(tenant.tenant, id_, id_)], None, now=START)
            for id_ in UGLY:
                mine = record(id_, id_, key=id_, body={"key": id_})
                assert tx.records.get(FEATURE, CaseId(id_)) == mine
                assert tx.records.open(FEATURE, customer=CustomerId(id_)) == (mine,)
                assert len(tx.schedule.of(CustomerId(id_))) == 2
            assert len(tx.records.all(FEATURE)) == len(UGLY)

    def test_large_payloads_fit(self, tenant: TenantStore) -> None:
        """A megabyte in an event, a case, a policy and an effect."""
        large: JsonObject = {"text": "€" * 350_000, "list": list(range(5_000))}
        _append(tenant, event("evt_1", data=large))
        with tenant.transaction() as tx:
            tx.records.put(record("case_1", body=large))
            tx.records.define("sha", large)
            wanted = intent(tenant.tenant, "try 1", data=large)
            tx.schedule.intend([wanted], None, now=START)
        with tenant.transaction() as tx:
            assert tx.timeline.of(A)[0].event.data == large
            assert _record(tx, "case_1").body == large
            assert tx.records.definition("sha") == large
            assert _effect(tx, wanted.id).effect.data == large

    def test_what_is_stored_is_nobodys_to_change(self, tenant: TenantStore) -> None:
        """Neither the object that was passed in nor the one that came out reaches the store."""
        data: dict[str, JsonValue] = {"list": [1], "object": {"a": 1}}
        _append(tenant, event("evt_1", data=data))
        with tenant.transaction() as tx:
            tx.records.put(record("case_1", body=data))
            tx.records.define("sha", data)
            wanted = intent(tenant.tenant, "try 1", data=data)
            tx.schedule.intend([wanted], None, now=START)
        _vandalise(data)
        for _ in range(2):
            with tenant.transaction() as tx:
                read: list[JsonObject | None] = [
                    tx.timeline.of(A)[0].event.data,
                    _record(tx, "case_1").body,
                    tx.records.definition("sha"),
                    _effect(tx, wanted.id).effect.data,
                ]
            assert read == [{"list": [1], "object": {"a": 1}}] * 4
            for found in read:
                with suppress(TypeError):  # a store may also refuse the change
                    _vandalise(cast("dict[str, JsonValue]", found))

    def test_a_naive_time_is_refused(self, tenant: TenantStore) -> None:
        """An instant without a zone is no instant: nothing is written."""
        naive = START.replace(tzinfo=None)
        with pytest.raises(InvalidInput) as caught:
            _append(tenant, event("evt_1"), at=naive)
        assert caught.value.code == "time.naive"
        assert _history(tenant) == ()

    # ------------------------------------------------------------------------- the present

    def test_a_case_is_written_version_by_version(self, tenant: TenantStore) -> None:
        """Each write follows the one it has read."""
        first = record("case_1", body={"tries": 1})
        _put(tenant, first)
        second = evolve(first, version=2, body={"tries": 2}, definition="sha-2", schema=3)
        _put(tenant, second)
        with tenant.transaction() as tx:
            assert tx.records.get(FEATURE, first.id) == second
            assert tx.records.get("onboarding", first.id) is None
            assert tx.records.get(FEATURE, CaseId("case_2")) is None

    @pytest.mark.parametrize("version", [1, 2, 4, 0])
    def test_a_write_on_an_old_read_is_a_conflict(self, tenant: TenantStore, version: int) -> None:
        """Whoever read another version than the stored one changes nothing."""
        stored = record("case_1", version=2, body={"by": "us"})
        _put(tenant, evolve(stored, version=1), stored)
        with pytest.raises(Conflict) as caught:
            _put(tenant, evolve(stored, version=version, body={"by": "them"}))
        _assert_error(caught.value, code="record.version", field="version", value=version)
        assert _all(tenant) == (stored,)

    def test_a_new_case_begins_at_one(self, tenant: TenantStore) -> None:
        """A second version of what is not there is a conflict."""
        with pytest.raises(Conflict) as caught:
            _put(tenant, record("case_1", version=2))
        _assert_error(caught.value, code="record.version", field="version", value=2)
        assert _all(tenant) == ()

    def test_one_open_case_of_a_key(self, tenant: TenantStore) -> None:
        """A second one is a conflict, until the first is closed."""
        first = record("case_1")
        _put(tenant, first)
        with pytest.raises(Conflict) as caught:
            _put(tenant, record("case_2"))
        _assert_error(caught.value, code="record.version", field="version", value=1)
        assert _all(tenant) == (first,)
        _put(tenant, evolve(first, version=2, open=False))
        _put(tenant, record("case_2"))
        with tenant.transaction() as tx:
            assert tx.records.open(FEATURE) == (record("case_2"),)

    def test_open_cases_of_other_keys_do_not_matter(self, tenant: TenantStore) -> None:
        """Another key, customer or feature has an open case of its own."""
        others = (
            record("case_2", key="usd"),
            record("case_3", B),
            record("case_4", feature="onboarding"),
        )
        _put(tenant, record("case_1"), *others)
        with tenant.transaction() as tx:
            assert len(tx.records.open(FEATURE)) == 3
            assert tx.records.open("onboarding") == others[2:]

    @pytest.mark.parametrize("change", ["reopen", "rekey"])
    def test_no_change_makes_a_second_open_case(self, tenant: TenantStore, change: str) -> None:
        """Neither opening a closed case again nor giving it another key gets around the rule."""
        closed = record("case_1", is_open=False)
        usd = record("case_2", key="usd")
        _put(tenant, closed, usd, record("case_3"))
        moved = (
            evolve(closed, open=True, version=2)
            if change == "reopen"
            else evolve(usd, key="eur", version=2)
        )
        before = _all(tenant)
        with pytest.raises(Conflict) as caught:
            _put(tenant, moved)
        _assert_error(caught.value, code="record.version", field="version", value=2)
        assert _all(tenant) == before

    def test_a_case_moves_to_another_customer(self, tenant: TenantStore) -> None:
        """Two customers turn out to be one: the case is the other's, and the key is free."""
        _put(tenant, record("case_1"), record("case_1", B, version=2))
        with tenant.transaction() as tx:
            for read in (tx.records.open, tx.records.all):
                assert read(FEATURE, customer=A) == ()
                assert read(FEATURE, customer=B) == (record("case_1", B, version=2),)
        _put(tenant, record("case_2"))

    def test_a_lock_tells_how_much_is_known(self, tenant: TenantStore) -> None:
        """The counter is that of the customer's latest event, or above it."""
        with tenant.transaction() as tx:
            assert tx.records.lock(A) == 0
        _append(tenant, event("evt_1"), event("evt_2"), event("evt_3", B))
        with tenant.transaction() as tx:
            counter = tx.records.lock(A)
            assert counter >= tx.timeline.of(A)[-1].sequence
            made = tx.timeline.append([event("evt_4")], recorded_at=START)
            assert made.first[A] > counter

    @pytest.mark.parametrize("customer", [None, A])
    def test_cases_are_read_page_by_page(
        self, tenant: TenantStore, customer: CustomerId | None
    ) -> None:
        """Each once, open ones or all, of one customer or of everybody, in one order."""
        written = [
            record(f"case_{n:02}", (A, B)[n % 2], key=f"k{n}", is_open=n % 3 != 0)
            for n in range(25)
        ]
        _put(tenant, *reversed(written))
        mine = [kept for kept in written if customer in (None, kept.customer)]
        with tenant.transaction() as tx:
            for read, wanted in (
                (tx.records.all, mine),
                (tx.records.open, [kept for kept in mine if kept.open]),
            ):
                seen: list[Record] = []
                after: CaseId | None = None
                while page := read(FEATURE, customer=customer, after=after, limit=3):
                    assert len(page) <= 3
                    seen.extend(page)
                    after = page[-1].id
                assert seen == wanted
                assert read(FEATURE, customer=customer) == tuple(wanted)

    def test_a_definition_stays_as_it_is(self, tenant: TenantStore) -> None:
        """It is kept under the hash of its content, so a second body can only be a mistake."""
        with tenant.transaction() as tx:
            tx.records.define("sha", {"tries": 3})
            tx.records.define("sha", {"tries": 3})
        with tenant.transaction() as tx:
            tx.records.define("sha", {"tries": 4})
            assert tx.records.definition("sha") == {"tries": 3}
            assert tx.records.definition("other") is None

    # -------------------------------------------------------------------------- the future

    def test_a_burst_of_events_is_one_wake_up(self, tenant: TenantStore) -> None:
        """A pending wake-up is kept, with its time and with the event it began with."""
        pending = timer(tenant.tenant, due=START, since=1)
        _wake(tenant, pending, timer(tenant.tenant, B, since=5))
        later = timer(tenant.tenant, due=START + HOUR, since=3)
        _wake(tenant, later, later, timer(tenant.tenant, feature="onboarding", since=3))
        with tenant.transaction() as tx:
            assert tx.schedule.timer(pending.id) == pending
            assert len(tx.schedule.of(A)) == 2
            assert len(tx.schedule.of(B)) == 1

    def test_a_wake_up_rests_until_there_is_news(self, store: Store, tenant: TenantStore) -> None:
        """At rest it is neither due nor ahead nor lost; woken, it looks from where it rested."""
        _append(tenant, event("evt_1"))
        _wake(tenant, timer(tenant.tenant, since=1))
        held = _claim_timers(store)[A]
        with tenant.transaction() as tx:
            since = tx.records.lock(A) + 1
            assert tx.schedule.rest(held, since=since) is True
        assert store.claim(LEASE, now=START + 1000 * HOUR, limit=9) == ()
        with tenant.transaction() as tx:
            asleep = tx.schedule.timer(held.id)
            assert asleep is not None
            assert (asleep.since, asleep.lease) == (since, None)
            assert tx.schedule.of(A) == ()
            assert tx.schedule.strays() == ()
        woken = timer(tenant.tenant, due=START + HOUR, since=since + 5)
        _wake(tenant, woken, evolve(woken, due=START + 2 * HOUR))
        with tenant.transaction() as tx:
            assert tx.schedule.of(A) == (evolve(woken, since=since),)

    def test_only_its_holder_puts_a_wake_up_to_rest(
        self, store: Store, tenant: TenantStore
    ) -> None:
        """Whoever lost the claim might rest over news that nobody has seen."""
        with tenant.transaction() as tx:
            assert tx.schedule.rest(timer(tenant.tenant), since=1) is False
        _wake(tenant, timer(tenant.tenant, since=1), timer(tenant.tenant, B, since=1))
        (zombie, _) = store.claim(SHORT, now=START, limit=9)
        held = _claim_timers(store)
        with tenant.transaction() as tx:
            assert isinstance(zombie, Timer)
            before = tx.schedule.timer(zombie.id)
            assert tx.schedule.rest(zombie, since=9) is False
            assert tx.schedule.timer(zombie.id) == before
            assert tx.schedule.rest(held[A], since=9) is True
            assert tx.schedule.rest(held[A], since=11) is False

    def test_who_read_before_another_rest_puts_nothing_to_rest(self, tenant: TenantStore) -> None:
        """Nobody holds the wake-up, as before; but what it is about was decided in between."""
        read = timer(tenant.tenant, since=1)
        _wake(tenant, read)
        with tenant.transaction() as tx:
            assert tx.schedule.rest(read, since=3) is True
        _wake(tenant, timer(tenant.tenant, since=3))
        with tenant.transaction() as tx:
            assert tx.schedule.rest(read, since=4) is False
            assert tx.schedule.of(A) == (timer(tenant.tenant, since=3),)

    def test_missed_news_are_found(self, store: Store, tenant: TenantStore) -> None:
        """A wake-up that rests over its event, and one that is gone; not one that will wake."""
        whose = ("rested", "pending", "seen", "gone", "other name", "other feature")
        _wake(tenant, *(timer(tenant.tenant, name) for name in ("rested", "seen", "other name")))
        _wake(tenant, timer(tenant.tenant, "other feature", feature="onboarding"))
        _append(tenant, event("old", "rested"), event("seen", "seen"))
        claimed = _claim_timers(store)
        with tenant.transaction() as tx:
            for customer in ("rested", "seen", "other name"):
                counter = tx.records.lock(CustomerId(customer))
                assert tx.schedule.rest(claimed[CustomerId(customer)], since=counter + 1)
        _append(tenant, *(event(f"to {name}", name) for name in whose if not name.startswith("o")))
        _append(tenant, event("more", "rested"), event("odd", "other name", name="odd.happened"))
        _append(tenant, event("apart", "other feature"), event("stray", ""))
        _wake(tenant, timer(tenant.tenant, "seen"), timer(tenant.tenant, "pending"))
        failed = frozenset({"invoice.failed"})
        with tenant.transaction() as tx:
            missed = {found.customer: found for found in tx.schedule.missed(FEATURE, failed)}
            first = tx.timeline.get(EventId("to rested"))
            assert first is not None
            assert {customer: found.since for customer, found in missed.items()} == {
                "rested": first.sequence,
                "gone": 0,
                "other feature": 0,
                "": 0,
            }
            assert {(found.tenant, found.feature, found.case) for found in missed.values()} == {
                (tenant.tenant, FEATURE, None)
            }
            assert len(tx.schedule.missed(FEATURE, failed, limit=2)) == 2
            assert tx.schedule.missed(FEATURE, frozenset()) == ()
            assert tx.schedule.missed(FEATURE, frozenset({"it's.odd"})) == ()

    def test_who_subscribes_to_every_name_misses_what_has_no_reasons(
        self, store: Store, tenant: TenantStore
    ) -> None:
        """Of any name; what was decided is news to those alone who name it."""
        whose = ("told", "decided", "nothing")
        _wake(tenant, *(timer(tenant.tenant, name) for name in whose))
        _append(tenant, *(event(f"old {name}", name) for name in whose))
        claimed = _claim_timers(store)
        with tenant.transaction() as tx:
            for customer in whose:
                counter = tx.records.lock(CustomerId(customer))
                assert tx.schedule.rest(claimed[CustomerId(customer)], since=counter + 1)
        reasons = (Because(key="x", values={}),)
        _append(
            tenant,
            event("new", "told", name="any.name"),
            evolve(event("reasoned", "decided", name="rules.fired"), because=reasons),
        )
        every = frozenset({EVERY_NAME})
        with tenant.transaction() as tx:
            assert [found.customer for found in tx.schedule.missed(FEATURE, every)] == ["told"]
            both = tx.schedule.missed(FEATURE, every | {"rules.fired"})
            assert sorted(found.customer for found in both) == ["decided", "told"]
            assert tx.schedule.missed(FEATURE, frozenset({"invoice.failed"})) == ()

    def test_counters_in_order_are_left_alone(self, tenant: TenantStore) -> None:
        """Whatever has happened to the customers."""
        with tenant.transaction() as tx:
            _write_everything(tx, tenant.tenant)
            tx.timeline.release(EventId("parked"), B, recorded_at=START)
            tx.records.lock(CustomerId("locked"))
        before = _everything(tenant)
        with tenant.transaction() as tx:
            assert tx.schedule.recount() == ()
        assert _everything(tenant) == before

    def test_a_new_plan_replaces_the_old(self, tenant: TenantStore) -> None:
        """A case has one next step at most; dropping what is not there is nothing."""
        case = timer(tenant.tenant, due=START, case="case_1")
        _plan(tenant, case)
        _plan(tenant, evolve(case, due=START + HOUR))
        with tenant.transaction() as tx:
            assert tx.schedule.of(A) == (evolve(case, due=START + HOUR),)
            tx.schedule.drop(FEATURE, CaseId("case_2"))
            tx.schedule.drop("onboarding", CaseId("case_1"))
            assert len(tx.schedule.of(A)) == 1
            tx.schedule.drop(FEATURE, CaseId("case_1"))
            assert tx.schedule.of(A) == ()
            assert tx.schedule.timer(case.id) is None

    def test_what_is_due_is_claimed_soonest_first(self, store: Store, tenant: TenantStore) -> None:
        """At most so many, nothing before its time, each with its tenant and the claim."""
        for hours in (3, 1, 2, 5):
            _plan(tenant, timer(tenant.tenant, due=START + hours * HOUR, case=f"case_{hours}"))
        other = store.for_tenant(TenantId("other"))
        with other.transaction() as tx:
            tx.schedule.intend([intent(other.tenant, "try 1")], None, now=START + HOUR * 1.5)
        now = START + 3 * HOUR
        first = store.claim(LEASE, now=now, limit=3)
        assert [item.tenant for item in first] == ["main", "other", "main"]
        assert [item.case for item in first] == ["case_1", "case_1", "case_2"]
        assert {item.lease for item in first} == {LEASE.id}
        assert _due(first[0]) == START + HOUR
        second = store.claim(Lease(id="lease 2", length=HOUR), now=now, limit=3)
        assert [item.case for item in second] == ["case_3"]
        assert store.claim(Lease(id="lease 3", length=HOUR), now=now, limit=3) == ()

    def test_a_claim_leaves_what_is_for_others(self, store: Store, tenant: TenantStore) -> None:
        """What its skills do not cover is neither held nor counted, however much is due before."""
        for number in range(9):
            _plan(tenant, _foreign(tenant.tenant, f"case_{number}"))
        _wake(tenant, timer(tenant.tenant, due=START + HOUR))
        _intend(tenant, intent(tenant.tenant, "try 1"), now=START + HOUR)
        now = START + 2 * HOUR
        before = _everything(tenant)
        assert store.claim(LEASE, now=now, limit=9, skills=NO_SKILLS) == ()
        assert _everything(tenant) == before
        decides = evolve(SKILLS, kinds=frozenset())
        mine = store.claim(LEASE, now=now, limit=9, skills=decides)
        assert [type(item) for item in mine] == [Timer]
        (effect,) = store.claim(LEASE, now=now, limit=1, skills=SKILLS)
        assert (effect.id, effect.lease) == (intent(tenant.tenant, "try 1").id, LEASE.id)
        assert store.claim(LEASE, now=now, limit=9, skills=SKILLS) == ()
        assert len(store.claim(LEASE, now=now, limit=20)) == 9

    def test_what_nobody_serves_is_found(self, store: Store, tenant: TenantStore) -> None:
        """Long due, or long let go, and of other skills; soonest first, at most so many."""
        lost = [_foreign(tenant.tenant, f"case_{n}", due=START + n * HOUR) for n in range(4)]
        for planned in reversed(lost):
            _plan(tenant, planned)
        _wake(tenant, timer(tenant.tenant))
        _intend(tenant, wanted := intent(tenant.tenant, "try 1"), now=START + HOUR / 2)
        other = store.for_tenant(TenantId("other"))
        with other.transaction() as tx:
            before = START + 3 * HOUR
            assert tx.schedule.unserved(NO_SKILLS, before=before) == ()
        with tenant.transaction() as tx:
            assert tx.schedule.unserved(SKILLS, before=before) == tuple(lost[:3])
            assert tx.schedule.unserved(SKILLS, before=before, limit=1) == (lost[0],)
            found = tx.schedule.unserved(evolve(SKILLS, kinds=frozenset()), before=before)
            assert [item.id for item in found] == [lost[0].id, wanted.id, lost[1].id, lost[2].id]
        store.claim(LEASE, now=START, limit=9)
        with tenant.transaction() as tx:
            assert tx.schedule.unserved(SKILLS, before=START + HOUR) == ()
        store.claim(SHORT, now=START + HOUR, limit=9)
        with tenant.transaction() as tx:
            let_go = tx.schedule.unserved(SKILLS, before=START.replace(year=2100))
            assert lost[1].id in [item.id for item in let_go]

    def test_a_step_ends_or_moves(self, store: Store, tenant: TenantStore) -> None:
        """A finished timer is gone; a moved one comes due again at its new time, free."""
        _wake(tenant, timer(tenant.tenant), timer(tenant.tenant, B, since=4))
        claimed = _claim_timers(store)
        with tenant.transaction() as tx:
            assert tx.schedule.finish(claimed[A]) is True
            assert tx.schedule.finish(claimed[B], next_due=START + HOUR) is True
            assert tx.schedule.finish(claimed[A]) is False
            assert tx.schedule.finish(claimed[B]) is False
            assert tx.schedule.of(A) == ()
            assert tx.schedule.of(B) == (timer(tenant.tenant, B, due=START + HOUR, since=4),)
        assert store.claim(LEASE, now=START, limit=9) == ()
        (again,) = store.claim(LEASE, now=START + HOUR, limit=9)
        moved = timer(tenant.tenant, B, due=START + HOUR, since=4)
        assert again == evolve(moved, lease=LEASE.id)

    def test_a_timer_is_decided_without_a_claim(self, store: Store, tenant: TenantStore) -> None:
        """In the host's own transaction; unless a worker was there first."""
        _wake(tenant, timer(tenant.tenant), timer(tenant.tenant, B))
        with tenant.transaction() as tx:
            (mine,) = tx.schedule.of(A)
            (late,) = tx.schedule.of(B)
            assert isinstance(mine, Timer)
            assert isinstance(late, Timer)
            assert tx.schedule.finish(mine) is True
        assert [item.customer for item in store.claim(LEASE, now=START, limit=9)] == [B]
        with tenant.transaction() as tx:
            assert tx.schedule.finish(late) is False
            assert tx.schedule.timer(late.id) is not None

    @pytest.mark.parametrize("change", ["plan", "drop", "drop and plan"])
    def test_a_plan_moved_in_the_meantime_wins(
        self, store: Store, tenant: TenantStore, change: str
    ) -> None:
        """A worker that holds the old step can't end the new one."""
        case = timer(tenant.tenant, case="case_1")
        _plan(tenant, case)
        (held,) = store.claim(LEASE, now=START, limit=9)
        assert isinstance(held, Timer)
        moved = evolve(case, due=START + 2 * HOUR)
        with tenant.transaction() as tx:
            if change != "plan":
                tx.schedule.drop(FEATURE, CaseId("case_1"))
            if change != "drop":
                tx.schedule.plan(moved)
        with tenant.transaction() as tx:
            assert tx.schedule.finish(held) is False
            assert tx.schedule.finish(held, next_due=START) is False
            assert tx.schedule.timer(case.id) == (None if change == "drop" else moved)

    def test_a_wake_up_is_kept_while_it_is_decided(self, store: Store, tenant: TenantStore) -> None:
        """News during the step does not take it from its worker: the step will see them."""
        _wake(tenant, timer(tenant.tenant, since=1))
        held = _claim_timers(store)[A]
        _wake(tenant, timer(tenant.tenant, since=2))
        with tenant.transaction() as tx:
            assert tx.schedule.finish(held) is True
            assert tx.schedule.of(A) == ()

    def test_a_lease_that_ran_out_is_claimed_again(self, store: Store, tenant: TenantStore) -> None:
        """By whoever comes next, timers and effects alike; one that holds is not."""
        _wake(tenant, timer(tenant.tenant, since=3))
        _intend(tenant, intent(tenant.tenant, "try 1"))
        assert len(store.claim(SHORT, now=START, limit=9)) == 2
        again = store.claim(LEASE, now=START, limit=9)
        assert {item.lease for item in again} == {LEASE.id}
        assert {type(item) for item in again} == {Timer, Intent}
        assert store.claim(Lease(id="lease 2", length=HOUR), now=START, limit=9) == ()

    def test_a_lease_runs_by_its_own_clock(self, store: Store, tenant: TenantStore) -> None:
        """A worker whose clock is ahead takes nothing from others where the database has one."""
        _wake(tenant, timer(tenant.tenant))
        store.claim(LEASE, now=START, limit=9)
        later = Lease(id="lease 2", length=HOUR)
        just_before = START + HOUR - timedelta(microseconds=1)
        assert store.claim(later, now=just_before, limit=9) == ()
        after = store.claim(later, now=START + HOUR, limit=9)
        assert [item.lease for item in after] == ([] if self.database_clock else ["lease 2"])

    def test_a_zombie_changes_nothing(self, store: Store, tenant: TenantStore) -> None:
        """Whoever lost its lease can't finish, begin or settle what another one holds."""
        _wake(tenant, timer(tenant.tenant))
        _intend(tenant, intent(tenant.tenant, "try 1"))
        zombie = store.claim(SHORT, now=START, limit=9)
        held = store.claim(LEASE, now=START, limit=9)
        with tenant.transaction() as tx:
            before = [_again(tx, item) for item in held]
            for item in zombie:
                if isinstance(item, Timer):
                    assert tx.schedule.finish(item) is False
                    assert tx.schedule.finish(item, next_due=START) is False
                else:
                    done = evolve(item, state=EffectState.DONE, wake_at=None)
                    assert tx.schedule.begin(item, SHORT, now=START) is False
                    assert tx.schedule.settle(done, lease=item.lease) is False
                    assert tx.schedule.settle(done, lease=None) is False
            assert [_again(tx, item) for item in held] == before

    def test_a_change_is_written_at_once(self, store: Store, tenant: TenantStore) -> None:
        """A step leads to an effect and the next step; its answer to no further one."""
        _plan(tenant, timer(tenant.tenant, case="case_1"))
        (came_due,) = store.claim(LEASE, now=START, limit=9)
        assert isinstance(came_due, Timer)
        first, wanted = record("case_1"), intent(tenant.tenant, "try 1")
        later = evolve(came_due, due=START + HOUR, lease=None)
        with tenant.transaction() as tx:
            asked = Change(
                finished=came_due, record=first, planned=later, intended=(wanted,), lease=LEASE
            )
            assert tx.write(asked, now=START) == Appended(new=())
        with tenant.transaction() as tx:
            sent = _effect(tx, wanted.id)
            assert (sent.state, sent.lease) == (EffectState.SENT, LEASE.id)
            assert (_record(tx, "case_1"), tx.schedule.timer(later.id)) == (first, later)
            done = evolve(sent, state=EffectState.DONE, outcome=Answer(), wake_at=None)
            closed = evolve(first, version=2, open=False)
            answered = Change(settled=done, record=closed, dropped=(FEATURE, first.id))
            assert tx.write(answered, now=START) == Appended(new=())
        with tenant.transaction() as tx:
            assert _effect(tx, wanted.id) == evolve(done, lease=None)
            assert (_record(tx, "case_1"), tx.schedule.timer(later.id)) == (closed, None)

    def test_a_change_of_nothing_is_written(self, tenant: TenantStore) -> None:
        """A decision may leave everything as it is."""
        with tenant.transaction() as tx:
            assert tx.write(Change(), now=START) == Appended(new=())

    @pytest.mark.parametrize("put", [None, record("case_1")])
    def test_what_a_change_says_is_appended(self, tenant: TenantStore, put: Record | None) -> None:
        """Numbered for each customer behind what was said before, whatever else is written."""
        _append(tenant, event("evt_1"), event("evt_2"))
        said = (event("evt_3"), event("evt_4", B), event("evt_5"))
        change = Change(
            record=put,
            planned=None if put is None else timer(tenant.tenant, case=put.id),
            events=said,
        )
        with tenant.transaction() as tx:
            tx.records.lock(A)
            assert tx.write(change, now=START + HOUR) == Appended(new=said, first={A: 3, B: 1})
            assert tx.records.lock(A) == 4
        kept = _history(tenant)
        assert [recorded.sequence for recorded in kept] == [1, 2, 3, 4]
        assert (kept[2].event, kept[2].recorded_at) == (said[0], START + HOUR)
        assert [recorded.event for recorded in _history(tenant, B)] == [said[1]]
        assert _all(tenant) == (() if put is None else (put,))

    def test_what_a_change_says_again_is_a_duplicate(self, tenant: TenantStore) -> None:
        """Or a conflict, as of any append; the rest of the change is written all the same."""
        _append(tenant, event("evt_1"), event("evt_2"))
        again, other = event("evt_1"), event("evt_2", data={"cents": 1})
        new = event("evt_3")
        put, wanted = record("case_1"), intent(tenant.tenant, "try 1")
        change = Change(record=put, intended=(wanted,), events=(again, new, other, new))
        with tenant.transaction() as tx:
            appended = tx.write(change, now=START)
            assert appended is not None
            assert (appended.new, appended.duplicates) == ((new,), ("evt_1", "evt_3"))
            assert appended.conflicts == ("evt_2",)
        with tenant.transaction() as tx:
            (late,) = tx.timeline.of(A, after=appended.first[A] - 1)
            assert late.event == new
            assert [kept.event.data for kept in tx.timeline.listed(EventState.CONFLICT)] == [
                other.data
            ]
            assert _record(tx, "case_1") == put
            assert tx.schedule.intent(wanted.id) is not None

    @pytest.mark.parametrize("what", ["timer", "effect"])
    def test_a_zombie_writes_no_change(self, store: Store, tenant: TenantStore, what: str) -> None:
        """Whoever lost its lease is told, whatever else the change says."""
        if what == "timer":
            _plan(tenant, timer(tenant.tenant, case="case_1"))
        else:
            _intend(tenant, intent(tenant.tenant, "try 1"))
        (zombie,) = store.claim(SHORT, now=START, limit=9)
        (held,) = store.claim(LEASE, now=START, limit=9)
        change = Change(
            settled=zombie if isinstance(zombie, Intent) else None,
            finished=zombie if isinstance(zombie, Timer) else None,
            record=record("case_1"),
            intended=(intent(tenant.tenant, "try 2"),),
            events=(event("evt_1"),),
        )
        with pytest.raises(_Lost), tenant.transaction() as tx:
            before = _again(tx, held)
            assert tx.write(change, now=START) is None
            raise _Lost
        with tenant.transaction() as tx:
            assert _again(tx, held) == before
            assert tx.records.all(FEATURE) == ()
            assert tx.schedule.intent(change.intended[0].id) is None
            assert tx.timeline.of(A) == ()
            assert tx.records.lock(A) == 0

    @pytest.mark.parametrize(
        ("code", "change"),
        [
            ("record.version", {"record": record("case_1", version=3)}),
            ("record.version", {"record": record("case_2")}),
            ("record.version", {"record": record("case_3", version=2)}),
            ("effect.exists", {"record": record("case_1", version=2), "again": True}),
        ],
    )
    def test_a_change_in_conflict_is_not_written(
        self, tenant: TenantStore, code: str, change: dict[str, Record | bool]
    ) -> None:
        """An old read, a second open case of a key, an effect that is there: all stays as it is."""
        once = intent(tenant.tenant, "try 1")
        kept = (record("case_1"), record("case_3", is_open=False))
        _put(tenant, *kept)
        _intend(tenant, once)
        written = change["record"]
        assert isinstance(written, Record)
        asked = (once if "again" in change else intent(tenant.tenant, "try 2"),)
        planned = timer(tenant.tenant, case="case_1")
        with pytest.raises(Conflict) as caught, tenant.transaction() as tx:
            said = (event("evt_1"),)
            tx.write(
                Change(record=written, planned=planned, intended=asked, events=said), now=START
            )
        assert caught.value.code == code
        assert caught.value.remedy
        assert _all(tenant) == kept
        assert _history(tenant) == ()
        with tenant.transaction() as tx:
            assert tx.schedule.timer(planned.id) is None

    def test_nothing_can_be_settled_that_is_not_there(self, tenant: TenantStore) -> None:
        """Neither a timer nor an effect that nobody wrote."""
        with tenant.transaction() as tx:
            assert tx.schedule.finish(timer(tenant.tenant)) is False
            assert tx.schedule.begin(intent(tenant.tenant, "try 1"), LEASE, now=START) is False
            assert tx.schedule.withdraw(intent(tenant.tenant, "try 1")) is False
            assert tx.schedule.settle(intent(tenant.tenant, "try 1"), lease=None) is False
            assert tx.schedule.of(A) == ()

    def test_the_first_effect_is_performed_at_once(self, store: Store, tenant: TenantStore) -> None:
        """By the worker that decided it: kept as sent, under its lease; the others wait."""
        wanted = [intent(tenant.tenant, f"try {n}", data={"n": n}) for n in range(3)]
        _intend(tenant, *wanted, lease=LEASE, now=START)
        with tenant.transaction() as tx:
            first, *others = [_effect(tx, one.id) for one in wanted]
        assert (first.state, first.sent_at, first.lease) == (EffectState.SENT, START, LEASE.id)
        assert first.effect == wanted[0].effect
        assert others == [evolve(one, wake_at=START) for one in wanted[1:]]
        claimed = store.claim(Lease(id="lease 2", length=HOUR), now=START, limit=9)
        assert {item.id for item in claimed} == {one.id for one in others}

    def test_without_a_worker_all_effects_wait(self, tenant: TenantStore) -> None:
        """A decision in the host's transaction performs nothing."""
        wanted = [intent(tenant.tenant, f"try {n}") for n in range(2)]
        _intend(tenant, *wanted, now=START)
        with tenant.transaction() as tx:
            kept = [_effect(tx, one.id) for one in wanted]
        assert kept == [evolve(one, wake_at=START) for one in wanted]

    @pytest.mark.parametrize("state", [EffectState.READY, EffectState.SENT, EffectState.DONE])
    def test_no_effect_is_asked_for_twice(self, tenant: TenantStore, state: EffectState) -> None:
        """Its key can't be used again, however long it is done; nothing of the batch is kept."""
        once = intent(tenant.tenant, "try 1", data={"cents": 1})
        _intend(tenant, once, lease=LEASE if state is EffectState.SENT else None)
        if state is EffectState.DONE:
            with tenant.transaction() as tx:
                assert tx.schedule.settle(evolve(once, state=state), lease=None)
        fresh = intent(tenant.tenant, "try 2")
        with tenant.transaction() as tx:
            before = _effect(tx, once.id)
        for lease in (None, LEASE):
            with pytest.raises(Conflict) as caught:
                _intend(tenant, fresh, evolve(once, customer=B), lease=lease)
            assert (caught.value.code, caught.value.field) == ("effect.exists", "attempt")
            assert caught.value.value == ["try 2", "try 1"]
            assert caught.value.remedy
        with tenant.transaction() as tx:
            assert _effect(tx, once.id) == before
            assert tx.schedule.intent(fresh.id) is None
            assert tx.schedule.of(B) == ()

    def test_a_batch_asks_for_each_effect_once(self, tenant: TenantStore) -> None:
        """Two effects of one attempt in a decision are a conflict."""
        for lease in (None, LEASE):
            with pytest.raises(Conflict) as caught:
                _intend(
                    tenant,
                    intent(tenant.tenant, "try 1"),
                    intent(tenant.tenant, "try 1"),
                    lease=lease,
                )
            assert caught.value.code == "effect.exists"
        with tenant.transaction() as tx:
            assert tx.schedule.of(A) == ()

    def test_an_effect_runs_its_course(self, store: Store, tenant: TenantStore) -> None:
        """Claimed ready, begun, answered, claimed again with its answer, done for ever."""
        _intend(tenant, intent(tenant.tenant, "try 1", data={"invoice": "in_1"}), now=START)
        (ready,) = _claim_effects(store, LEASE)
        assert (ready.state, ready.sent_at, ready.tries) == (EffectState.READY, None, 0)
        with tenant.transaction() as tx:
            assert tx.schedule.begin(ready, LEASE, now=START + HOUR / 2) is True
            sent = _effect(tx, ready.id)
            assert (sent.state, sent.lease) == (EffectState.SENT, LEASE.id)
            assert sent.sent_at == START + HOUR / 2
        answered = evolve(
            sent, state=EffectState.ANSWERED, tries=1, outcome=OUTCOMES[1], wake_at=START
        )
        with tenant.transaction() as tx:
            assert tx.schedule.settle(answered, lease=LEASE.id) is True
            assert _effect(tx, ready.id) == evolve(answered, lease=None)
        (decided,) = _claim_effects(store, Lease(id="lease 2", length=HOUR))
        assert decided == evolve(answered, lease="lease 2")
        done = evolve(decided, state=EffectState.DONE, wake_at=None)
        with tenant.transaction() as tx:
            assert tx.schedule.settle(done, lease="lease 2") is True
            assert tx.schedule.of(A) == ()
            assert _effect(tx, ready.id) == evolve(done, lease=None)
        assert store.claim(LEASE, now=START + 10_000 * HOUR, limit=9) == ()

    def test_of_two_with_the_same_claim_one_begins(self, store: Store, tenant: TenantStore) -> None:
        """The second is told so, and the first's time of sending stays."""
        _intend(tenant, intent(tenant.tenant, "try 1"))
        (ready,) = _claim_effects(store, LEASE)
        with tenant.transaction() as tx:
            assert tx.schedule.begin(ready, LEASE, now=START) is True
        with tenant.transaction() as tx:
            before = _effect(tx, ready.id)
            assert tx.schedule.begin(ready, LEASE, now=START + HOUR / 2) is False
            assert _effect(tx, ready.id) == before

    def test_who_begins_late_does_not_begin(self, store: Store, tenant: TenantStore) -> None:
        """A lease that has run out is lost, even if nobody else has claimed the effect yet."""
        _intend(tenant, intent(tenant.tenant, "try 1"))
        (ready,) = _claim_effects(store, SHORT)
        with tenant.transaction() as tx:
            before = _effect(tx, ready.id)
            assert tx.schedule.begin(ready, SHORT, now=START) is False
            assert tx.schedule.begin(ready, LEASE, now=START) is False
            assert _effect(tx, ready.id) == before
        (again,) = _claim_effects(store, LEASE)
        assert again.state is EffectState.READY

    def test_a_free_effect_is_not_begun(self, tenant: TenantStore) -> None:
        """Nobody holds it, so nobody may perform it."""
        _intend(tenant, intent(tenant.tenant, "try 1"))
        with tenant.transaction() as tx:
            free = _effect(tx, intent(tenant.tenant, "try 1").id)
            assert tx.schedule.begin(free, LEASE, now=START) is False
            assert _effect(tx, free.id) == free

    def test_a_lease_runs_anew_from_the_beginning(self, store: Store, tenant: TenantStore) -> None:
        """Who begins has the whole lease for it, however late in the claim that was."""
        _intend(tenant, intent(tenant.tenant, "try 1"), intent(tenant.tenant, "try 2"))
        (ready, other) = _claim_effects(store, LEASE)
        with tenant.transaction() as tx:
            claimed_until = _effect(tx, ready.id).wake_at
            anew = evolve(LEASE, length=2 * HOUR)
            assert tx.schedule.begin(ready, anew, now=START + HOUR / 2) is True
            begun_until = _effect(tx, ready.id).wake_at
            assert _effect(tx, other.id).wake_at == claimed_until
        assert claimed_until is not None
        assert begun_until is not None
        if self.database_clock:
            assert HOUR <= begun_until - claimed_until < 2 * HOUR
        else:
            assert begun_until == START + 2.5 * HOUR

    @pytest.mark.parametrize("held", [True, False])
    def test_what_nobody_began_is_withdrawn(
        self, store: Store, tenant: TenantStore, *, held: bool
    ) -> None:
        """Whoever holds it finds it ended, and can neither begin nor settle it."""
        _intend(tenant, wanted := intent(tenant.tenant, "try 1"))
        holder = _claim_effects(store, LEASE)[0] if held else wanted
        ended = evolve(
            wanted, state=EffectState.DONE, outcome=NoEffect(reason="withdrawn"), wake_at=None
        )
        with tenant.transaction() as tx:
            assert tx.schedule.withdraw(ended) is True
            assert _effect(tx, wanted.id) == ended
            assert tx.schedule.withdraw(ended) is False
            assert tx.schedule.begin(holder, LEASE, now=START) is False
            assert tx.schedule.settle(evolve(holder, tries=1), lease=LEASE.id) is False
            assert tx.schedule.of(A) == ()

    def test_what_was_begun_is_not_withdrawn(self, store: Store, tenant: TenantStore) -> None:
        """It may have happened by now."""
        _intend(tenant, intent(tenant.tenant, "try 1"))
        (ready,) = _claim_effects(store, LEASE)
        with tenant.transaction() as tx:
            assert tx.schedule.begin(ready, LEASE, now=START) is True
            before = _effect(tx, ready.id)
            assert tx.schedule.withdraw(evolve(ready, state=EffectState.DONE)) is False
            assert _effect(tx, ready.id) == before

    def test_a_crash_after_sending_leaves_it_sent(self, store: Store, tenant: TenantStore) -> None:
        """The next claim tells its worker that the effect may have happened."""
        _intend(tenant, intent(tenant.tenant, "try 1"), lease=SHORT, now=START)
        (found,) = _claim_effects(store, LEASE)
        assert (found.state, found.sent_at) == (EffectState.SENT, START)
        assert found.lease == LEASE.id

    def test_every_outcome_comes_back(self, tenant: TenantStore) -> None:
        """With its words, its figures, and its pause to the microsecond."""
        for number, outcome in enumerate(OUTCOMES):
            wanted = intent(tenant.tenant, f"try {number}")
            _intend(tenant, wanted)
            known = evolve(
                wanted, state=EffectState.UNKNOWN, tries=number, outcome=outcome, sent_at=START
            )
            with tenant.transaction() as tx:
                assert tx.schedule.settle(known, lease=None) is True
            with tenant.transaction() as tx:
                assert _effect(tx, wanted.id) == known

    def test_times_come_back_in_utc(self, tenant: TenantStore) -> None:
        """Whatever zone they were given in, to the microsecond."""
        zone = timezone(timedelta(hours=-3.5))
        local = START.astimezone(zone)
        wanted = intent(tenant.tenant, "try 1")
        _plan(tenant, timer(tenant.tenant, due=local, case="case_1"))
        _intend(tenant, wanted, now=local)
        with tenant.transaction() as tx:
            known = evolve(wanted, sent_at=local, wake_at=local + HOUR, state=EffectState.SENT)
            tx.schedule.settle(known, lease=None)
            planned, kept = tx.schedule.of(A)
        assert isinstance(planned, Timer)
        assert isinstance(kept, Intent)
        assert (planned.due, kept.sent_at, kept.wake_at) == (START, START, START + HOUR)
        _assert_utc(planned.due, kept.sent_at, kept.wake_at)

    def test_a_person_settles_what_is_unclear(self, store: Store, tenant: TenantStore) -> None:
        """It is listed, claimed by nobody, and answered without a lease."""
        wanted = [intent(tenant.tenant, f"try {n}") for n in range(3)]
        _intend(tenant, *wanted)
        with tenant.transaction() as tx:
            for one in wanted[:2]:
                unclear = evolve(one, state=EffectState.UNCLEAR, outcome=OUTCOMES[4])
                assert tx.schedule.settle(unclear, lease=None) is True
        (left,) = store.claim(LEASE, now=START + HOUR, limit=9)
        assert left.id == wanted[2].id
        with tenant.transaction() as tx:
            listed = tx.schedule.unclear()
            assert {one.id for one in listed} == {one.id for one in wanted[:2]}
            assert tx.schedule.unclear(limit=1) == listed[:1]
            assert tx.schedule.strays() == ()
            done = evolve(listed[0], state=EffectState.DONE, outcome=NoEffect(reason="asked"))
            assert tx.schedule.settle(done, lease=None) is True
            assert tx.schedule.unclear() == listed[1:]

    def test_what_comes_next_is_soonest_first(self, tenant: TenantStore) -> None:
        """Timers and effects of one customer together, and nobody else's."""
        _intend(tenant, intent(tenant.tenant, "try 1"), now=START + 2 * HOUR)
        _intend(tenant, intent(tenant.tenant, "try 1", B, case="case_9"), now=START)
        _plan(tenant, timer(tenant.tenant, due=START + 3 * HOUR, case="case_1"))
        _wake(tenant, timer(tenant.tenant, due=START + HOUR))
        with tenant.transaction() as tx:
            coming = tx.schedule.of(A)
            assert [_due(item) for item in coming] == [START + n * HOUR for n in (1, 2, 3)]
            assert [_again(tx, item) for item in coming] == list(coming)
            assert len(tx.schedule.of(B)) == 1
            assert tx.schedule.of(CustomerId("nobody")) == ()

    def test_a_timer_is_no_effect(self, tenant: TenantStore) -> None:
        """Each is found under its own id alone."""
        case, wanted = timer(tenant.tenant, case="case_1"), intent(tenant.tenant, "try 1")
        _plan(tenant, case)
        _intend(tenant, wanted)
        with tenant.transaction() as tx:
            assert tx.schedule.timer(wanted.id) is None
            assert tx.schedule.intent(EffectId(case.id)) is None
            assert tx.schedule.timer("nothing") is None

    def test_a_case_without_a_next_step_is_an_orphan(self, tenant: TenantStore) -> None:
        """An open case with neither a timer nor an effect under way is found, and nothing else."""
        _put(
            tenant,
            record("planned", key="1"),
            record("acting", key="2"),
            record("acted", key="3"),
            record("lost", key="4"),
            record("closed", key="5", is_open=False),
            record("elsewhere", key="6"),
            record("other", feature="onboarding"),
        )
        _plan(tenant, timer(tenant.tenant, case="planned"))
        _plan(tenant, timer(tenant.tenant, case="elsewhere", feature="onboarding"))
        _wake(tenant, timer(tenant.tenant))
        acted = intent(tenant.tenant, "try 1", case="acted")
        _intend(tenant, intent(tenant.tenant, "try 1", case="acting"), acted)
        with tenant.transaction() as tx:
            tx.schedule.settle(evolve(acted, state=EffectState.DONE), lease=None)
        with tenant.transaction() as tx:
            orphans = tx.schedule.orphans(FEATURE)
            assert [kept.id for kept in orphans] == ["acted", "elsewhere", "lost"]
            assert tx.schedule.orphans(FEATURE, limit=2) == orphans[:2]
            assert tx.schedule.orphans("onboarding") == (record("other", feature="onboarding"),)

    def test_an_effect_that_nobody_will_wake_is_a_stray(
        self, store: Store, tenant: TenantStore
    ) -> None:
        """One that is neither done nor with a person, and has no time, is found."""
        wanted = [intent(tenant.tenant, f"try {n}") for n in range(4)]
        _intend(tenant, *wanted)
        _plan(tenant, timer(tenant.tenant, case="case_1"))
        states = (EffectState.UNKNOWN, EffectState.SENT, EffectState.DONE, EffectState.UNCLEAR)
        with tenant.transaction() as tx:
            for one, state in zip(wanted, states, strict=True):
                tx.schedule.settle(evolve(one, state=state), lease=None)
        with tenant.transaction() as tx:
            strays = tx.schedule.strays()
            assert {item.id for item in strays} == {one.id for one in wanted[:2]}
            assert tx.schedule.strays(limit=1) == strays[:1]
        assert [item.case for item in store.claim(LEASE, now=START, limit=9)] == ["case_1"]

    # ------------------------------------------------------------------------ transactions

    def test_a_transaction_sees_what_it_wrote(self, tenant: TenantStore) -> None:
        """Past, now and future, before it is committed."""
        with tenant.transaction() as tx:
            tx.timeline.append([event("evt_1")], recorded_at=START)
            tx.records.put(record("case_1"))
            tx.schedule.plan(timer(tenant.tenant, case="case_1"))
            assert len(tx.timeline.of(A)) == 1
            assert len(tx.records.open(FEATURE)) == 1
            assert len(tx.schedule.of(A)) == 1

    def test_an_error_leaves_nothing_behind(self, store: Store, tenant: TenantStore) -> None:
        """Not a row of anything, and the store goes on."""
        with pytest.raises(ZeroDivisionError), tenant.transaction() as tx:
            _write_everything(tx, tenant.tenant)
            raise ZeroDivisionError
        _assert_untouched(tenant)
        assert list(store.tenants()) == []
        assert store.claim(LEASE, now=START + 100 * HOUR, limit=9) == ()
        with tenant.transaction() as tx:
            _write_everything(tx, tenant.tenant)
        assert len(_history(tenant)) == 2

    def test_an_error_restores_what_was_there(self, store: Store, tenant: TenantStore) -> None:
        """Each change of what exists is taken back: moved, released, closed, settled, counted."""
        with tenant.transaction() as tx:
            _write_everything(tx, tenant.tenant)
        taken = store.claim(LEASE, now=START, limit=9)
        claimed = {type(item): item for item in taken}
        before = _everything(tenant)
        with pytest.raises(ZeroDivisionError), tenant.transaction() as tx:
            tx.timeline.append([event("evt_9"), event("evt_1", B)], recorded_at=START)
            tx.timeline.release(EventId("parked"), A, recorded_at=START)
            tx.records.put(record("case_1", version=2, is_open=False))
            tx.records.put(record("case_9"))
            for item in claimed.values():
                if isinstance(item, Timer):
                    assert tx.schedule.finish(item) is True
                else:
                    assert tx.schedule.begin(item, LEASE, now=START) is True
                    assert tx.schedule.settle(evolve(item, tries=9), lease=LEASE.id) is True
            tx.schedule.drop(FEATURE, CaseId("case_1"))
            tx.schedule.plan(timer(tenant.tenant, due=START, case="case_1"))
            tx.projections.add([bucket("logins", STANDING, value=9), bucket("logins", 8, "cus_b")])
            tx.projections.replace(A, [bucket("logins", 7)], since=7)
            tx.projections.move([evolve(_big(), customer=B)], [("segment:big", A)])
            raise ZeroDivisionError
        assert _everything(tenant) == before
        with pytest.raises(Conflict):
            _put(tenant, record("case_9"))
        with tenant.transaction() as tx:
            assert isinstance(timed := claimed[Timer], Timer)
            assert tx.schedule.finish(timed) is True

    def test_a_claim_is_not_taken_back(self, store: Store, tenant: TenantStore) -> None:
        """It stood before the transaction that failed."""
        _wake(tenant, timer(tenant.tenant))
        held = _claim_timers(store)[A]
        with pytest.raises(ZeroDivisionError), tenant.transaction() as tx:
            tx.timeline.append([event("evt_1")], recorded_at=START)
            raise ZeroDivisionError
        assert store.claim(Lease(id="lease 2", length=HOUR), now=START, limit=9) == ()
        with tenant.transaction() as tx:
            assert tx.schedule.finish(held) is True

    def test_migrating_again_changes_nothing(self, store: Store, tenant: TenantStore) -> None:
        """With data in it, as often as one likes."""
        with tenant.transaction() as tx:
            _write_everything(tx, tenant.tenant)
        before = _everything(tenant)
        store.migrate()
        store.migrate()
        assert _everything(tenant) == before

    def test_what_cannot_be_joined_is_refused(self, tenant: TenantStore) -> None:
        """With an error that names what was passed."""
        with pytest.raises(ConfigurationError) as caught, tenant.joined(object()):
            raise AssertionError
        _assert_error(caught.value, code="join.unsupported", field="connection", value="object")

    @pytest.mark.parametrize("commits", [True, False])
    def test_the_host_decides_what_is_kept(
        self, request: pytest.FixtureRequest, tenant: TenantStore, *, commits: bool
    ) -> None:
        """In its transaction all of ours is there after its commit, nothing after its rollback."""
        opened = self._host(request)
        with opened(commits) as connection, tenant.joined(connection) as tx:
            _write_everything(tx, tenant.tenant)
        if commits:
            assert len(_history(tenant)) == 2
        else:
            _assert_untouched(tenant)

    def test_our_error_leaves_the_hosts_transaction_usable(
        self, request: pytest.FixtureRequest, tenant: TenantStore
    ) -> None:
        """What failed is gone, what the host did before and after is kept."""
        opened = self._host(request)
        with opened(True) as connection:  # noqa: FBT003 - the fixture's one argument
            with tenant.joined(connection) as tx:
                tx.timeline.append([event("before")], recorded_at=START)
            with pytest.raises(ZeroDivisionError), tenant.joined(connection) as tx:
                _write_everything(tx, tenant.tenant)
                raise ZeroDivisionError
            with pytest.raises(Conflict), tenant.joined(connection) as tx:
                tx.records.put(record("case_1", version=7))
            with tenant.joined(connection) as tx:
                tx.timeline.append([event("after")], recorded_at=START)
                tx.projections.add([bucket("logins", 9)])
        assert [kept.event.id for kept in _history(tenant)] == ["before", "after"]
        with tenant.transaction() as tx:
            assert tx.projections.page(_LOGINS) == (bucket("logins", 9),)
            assert tx.projections.groups(A) == ()

    # ----------------------------------------------------------------------------- tenants

    def test_tenants_are_those_with_anything(self, store: Store) -> None:
        """An event is enough, even a parked one; so is a case, or a timer; asking is not."""
        named = {id_: store.for_tenant(TenantId(id_)) for id_ in ("a", "b", "c", "d", "nobody")}
        _append(named["a"], event("evt_1"))
        _append(named["b"], event("evt_1", ""), state=EventState.PARKED)
        _put(named["c"], record("case_1"))
        _wake(named["d"], timer(TenantId("d")))
        assert _history(named["nobody"]) == ()
        assert sorted(store.tenants()) == ["a", "b", "c", "d"]

    def test_a_foreign_item_reaches_nobody(self, store: Store, tenant: TenantStore) -> None:
        """A timer or an effect of another tenant is refused, or kept as one's own."""
        other = store.for_tenant(TenantId("other"))
        with suppress(InvalidInput), tenant.transaction() as tx:
            tx.schedule.wake([timer(other.tenant)])
        with suppress(InvalidInput), tenant.transaction() as tx:
            tx.schedule.plan(timer(other.tenant, case="case_1"))
        with suppress(InvalidInput), tenant.transaction() as tx:
            tx.schedule.intend([intent(other.tenant, "try 1")], None, now=START)
        _assert_untouched(other)
        assert {item.tenant for item in store.claim(LEASE, now=START, limit=9)} <= {"main"}

    def test_tenants_with_the_same_ids_never_meet(self, store: Store) -> None:
        """Whatever one writes, the other neither sees nor hinders; ids are any text."""
        fresh = count()
        ids = st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
            min_size=1,
            max_size=8,
        )

        @_property(examples=25)
        @given(id_=ids, customer=ids, number=st.integers(-(2**40), 2**40))
        def never_meet(id_: str, customer: str, number: int) -> None:
            one, two = (
                store.for_tenant(TenantId(f"{side}{next(fresh)}")) for side in ("one ", "two ")
            )
            for tenant, body in ((one, {"n": number}), (two, {"n": -number - 1})):
                _assert_untouched(tenant, customer)
                with tenant.transaction() as tx:
                    tx.timeline.append([event(id_, customer, data=body)], recorded_at=START)
                    tx.records.put(record(id_, customer, key=id_, body=body))
                    tx.records.define(id_, body)
                    tx.schedule.plan(timer(tenant.tenant, customer, case=id_))
                    wanted = intent(tenant.tenant, id_, customer, case=id_, data=body)
                    tx.schedule.intend([wanted], LEASE, now=START)
                    tx.projections.add([bucket("logins", 7, customer, part=id_, value=body)])
                    tx.projections.replace(B, [], since=STANDING)
                    group = Member(group=id_, customer=CustomerId(customer), since=START)
                    tx.projections.move([group], [(id_, B)] if customer != B else [])
            for tenant, body in ((one, {"n": number}), (two, {"n": -number - 1})):
                with tenant.transaction() as tx:
                    assert [kept.event.data for kept in tx.timeline.of(CustomerId(customer))] == [
                        body
                    ]
                    assert [kept.body for kept in tx.records.all(FEATURE)] == [body]
                    assert tx.records.definition(id_) == body
                    wanted = intent(tenant.tenant, id_, customer, case=id_)
                    assert _effect(tx, wanted.id).effect.data == body
                    assert {item.tenant for item in tx.schedule.of(CustomerId(customer))} == {
                        tenant.tenant
                    }
                    (counted,) = tx.projections.page(_LOGINS)
                    assert (counted.part, counted.count, counted.value) == (id_, 1, body)
                    assert [one.count for one in tx.projections.parts("logins", since=1)] == [1]
                    assert [one.customer for one in tx.projections.members(id_)] == [customer]

        never_meet()

    # ----------------------------------------------------------------------------- threads

    def test_each_item_is_claimed_once(self, store: Store, tenant: TenantStore) -> None:
        """Eight workers at once take all of the work, and nothing of it twice."""
        self._needs_threads()
        with tenant.transaction() as tx:
            tx.schedule.wake([timer(tenant.tenant, f"cus_{n}") for n in range(150)])
            wanted = [intent(tenant.tenant, f"try {n}") for n in range(50)]
            tx.schedule.intend(wanted, None, now=START)

        def work(worker: int) -> list[Item]:
            taken: list[Item] = []
            for turn in count():
                lease = Lease(id=f"{worker}/{turn}", length=HOUR)
                items = store.claim(lease, now=START, limit=7)
                if not items:
                    return taken
                taken.extend(items)
            raise AssertionError

        taken = [item for items in _at_once(work) for item in items]
        assert len(taken) == 200
        assert len({item.id for item in taken}) == 200
        with tenant.transaction() as tx:
            for item in taken:
                kept = _again(tx, item)
                assert kept is not None
                assert kept.lease == item.lease

    def test_one_of_many_writers_wins(self, tenant: TenantStore) -> None:
        """Eight who read the same version: one writes, seven are told of the conflict."""
        self._needs_threads()
        read = record("case_1")
        _put(tenant, read)

        def write(worker: int) -> bool:
            try:
                _put(tenant, evolve(read, version=2, body={"by": worker}))
            except Conflict:
                return False
            return True

        won = _at_once(write)
        assert won.count(True) == 1
        (kept,) = _all(tenant)
        assert kept.body == {"by": won.index(True)}

    def test_one_of_many_openers_wins(self, tenant: TenantStore) -> None:
        """Eight who open a case of one key at once: one case is open."""
        self._needs_threads()

        def opened(worker: int) -> bool:
            try:
                _put(tenant, record(f"case_{worker}"))
            except Conflict:
                return False
            return True

        assert _at_once(opened).count(True) == 1
        assert len(_all(tenant)) == 1

    def test_one_of_many_effects_is_kept(self, tenant: TenantStore) -> None:
        """Eight who decide on the same attempt: one may perform it."""
        self._needs_threads()

        def intended(worker: int) -> bool:
            lease = Lease(id=f"lease {worker}", length=HOUR)
            try:
                _intend(tenant, intent(tenant.tenant, "try 1"), lease=lease)
            except Conflict:
                return False
            return True

        won = _at_once(intended)
        assert won.count(True) == 1
        with tenant.transaction() as tx:
            kept = _effect(tx, intent(tenant.tenant, "try 1").id)
        assert kept.lease == f"lease {won.index(True)}"

    def test_events_from_everywhere_get_their_own_numbers(self, tenant: TenantStore) -> None:
        """Eight doors report on two customers at once, some of it twice: all in, none doubled."""
        self._needs_threads()

        def report(worker: int) -> int:
            new = 0
            for number in range(5):
                batch = [event(f"{worker}/{number}", A), event(f"shared/{number}", B)]
                new += len(_append(tenant, *batch[:: 1 if worker % 2 else -1]).new)
            return new

        assert sum(_at_once(report)) == 45
        for customer in (A, B):
            history = _history(tenant, customer)
            numbers = [kept.sequence for kept in history]
            assert len(set(numbers)) == len(numbers)
            assert numbers == sorted(numbers)
        assert (len(_history(tenant)), len(_history(tenant, B))) == (40, 5)

    def test_decisions_of_one_customer_never_overlap(self, tenant: TenantStore) -> None:
        """Whoever holds the customer's lock reads what the one before has written."""
        self._needs_threads()
        _append(tenant, event("evt_0"))

        def decide(worker: int) -> None:
            for number in range(4):
                with tenant.transaction() as tx:
                    tx.records.lock(A)
                    seen = len(tx.timeline.of(A))
                    said = event(f"{worker}/{number}", data={"seen": seen})
                    tx.timeline.append([said], recorded_at=START)

        _at_once(decide)
        seen = [kept.event.data.get("seen", 0) for kept in _history(tenant)]
        assert seen == list(range(33))

    def test_what_many_count_at_once_adds_up(self, tenant: TenantStore) -> None:
        """Eight who add to the same buckets, in any order, lose nothing and wait for each other."""
        self._needs_threads()

        def counted(worker: int) -> None:
            told = [bucket("logins", day, whose) for day in range(1, 9) for whose in (A, B)]
            for turn in range(4):
                with tenant.transaction() as tx:
                    tx.projections.add(told[:: 1 if (worker + turn) % 2 else -1])
                    tx.projections.move([_big()], [("segment:small", A)])

        _at_once(counted)
        with tenant.transaction() as tx:
            found = tx.projections.page(_LOGINS)
            assert tx.projections.members("segment:big") == (_big(),)
        assert [(kept.customer, kept.day, kept.count) for kept in found] == [
            (whose, day, 32) for whose in (A, B) for day in range(1, 9)
        ]

    # --------------------------------------------------------------------------- the model

    def test_it_does_as_the_model_does(self, store: Store) -> None:
        """Any script of two tenants, played here and on two stores in memory, one for each."""
        fresh = count()

        @_property(examples=40)
        @given(st.lists(_steps(), min_size=30, max_size=60))
        def same(script: list[Action | Claim | None]) -> None:
            example = next(fresh)
            tenants = {name: TenantId(f"{name} {example}") for name in TENANTS}
            real = World(store, tenants)
            models = [World(MemoryStore(), {name: id_}) for name, id_ in tenants.items()]
            for number, taken in enumerate(script):
                if taken is None:
                    continue
                made = _numbered(taken, f"lease {example}.{number}")
                note(repr(made))
                assert real.perform(made) == _merged(model.perform(made) for model in models)
            assert real.shown() == _merged(model.shown() for model in models)

        same()

    @pytest.mark.parametrize("seed", [1, 2, 3, 4])
    def test_its_transcript_is_the_models(self, store: Store, seed: int) -> None:
        """A long seeded script, line by line: what a property test rarely gets as far as."""
        expected = store_transcript(MemoryStore(), seed=seed)
        for line, wanted in zip(store_transcript(store, seed=seed), expected, strict=True):
            assert line == wanted

    # ----------------------------------------------------------------------------- helpers

    def _needs_threads(self) -> None:
        if not self.supports_threads:
            pytest.skip("this store is for one thread")

    def _host(
        self, request: pytest.FixtureRequest
    ) -> Callable[[bool], AbstractContextManager[object]]:
        if not self.joins_transactions:
            pytest.skip("this store joins no host transactions")
        opened: Callable[[bool], AbstractContextManager[object]] = request.getfixturevalue("host")
        return opened


def _silences(name: str, test: object) -> bool:
    """Whether an attribute of a subclass hides a test without saying why."""
    if not name.startswith("test_") or not hasattr(StoreContract, name):
        return False
    marks: Sequence[pytest.Mark] = getattr(test, "pytestmark", ())
    return not any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)


# ---- the words of the stories


def _append(
    tenant: TenantStore,
    *events: Event,
    at: datetime = START,
    state: EventState = EventState.ACCEPTED,
) -> Appended:
    with tenant.transaction() as tx:
        return tx.timeline.append(events, recorded_at=at, state=state)


def _history(tenant: TenantStore, customer: CustomerId = A) -> tuple[RecordedEvent, ...]:
    with tenant.transaction() as tx:
        return tx.timeline.of(customer)


class _Lost(Exception):
    """What a worker raises that has lost its claim, so that nothing is committed."""


def _put(tenant: TenantStore, *records: Record) -> None:
    with tenant.transaction() as tx:
        for written in records:
            tx.records.put(written)


def _all(tenant: TenantStore) -> tuple[Record, ...]:
    with tenant.transaction() as tx:
        return tx.records.all(FEATURE)


def _wake(tenant: TenantStore, *timers: Timer) -> None:
    with tenant.transaction() as tx:
        tx.schedule.wake(timers)


def _plan(tenant: TenantStore, planned: Timer) -> None:
    with tenant.transaction() as tx:
        tx.schedule.plan(planned)


def _foreign(tenant: TenantId, case: str, *, due: datetime = START) -> Timer:
    """A step of a feature that the claims of these stories do not cover."""
    return timer(tenant, due=due, case=case, feature="onboarding")


def _intend(
    tenant: TenantStore, *intents: Intent, lease: Lease | None = None, now: datetime = START
) -> None:
    with tenant.transaction() as tx:
        tx.schedule.intend(intents, lease, now=now)


def _claim_timers(store: Store) -> dict[CustomerId, Timer]:
    items = store.claim(LEASE, now=START, limit=9)
    return {item.customer: item for item in items if isinstance(item, Timer)}


def _claim_effects(store: Store, lease: Lease) -> list[Intent]:
    items = store.claim(lease, now=START, limit=9)
    return [item for item in items if isinstance(item, Intent)]


def _record(tx: Transaction, case: str) -> Record:
    kept = tx.records.get(FEATURE, CaseId(case))
    assert kept is not None
    return kept


def _effect(tx: Transaction, effect: EffectId) -> Intent:
    kept = tx.schedule.intent(effect)
    assert kept is not None
    return kept


def _again(tx: Transaction, item: Item) -> Item | None:
    """The item as it is now."""
    if isinstance(item, Timer):
        return tx.schedule.timer(item.id)
    return tx.schedule.intent(item.id)


def _due(item: Item) -> datetime | None:
    return item.due if isinstance(item, Timer) else item.wake_at


def _write_everything(tx: Transaction, tenant: TenantId) -> None:
    """Something in every table: two events of the customer, one parked, one in conflict."""
    first = event("evt_1", data={"cents": 1})
    tx.timeline.append([first, event("evt_2"), event("evt_1")], recorded_at=START)
    tx.timeline.append([event("parked", "")], recorded_at=START, state=EventState.PARKED)
    tx.records.put(record("case_1"))
    tx.records.define("sha-1", {"tries": 3})
    tx.schedule.wake([timer(tenant, since=1)])
    tx.schedule.plan(timer(tenant, due=START + 10 * HOUR, case="case_1"))
    tx.schedule.intend([intent(tenant, "try 1")], None, now=START)
    tx.projections.add([bucket("logins", STANDING), bucket("logins", 7, part="user_1")])
    tx.projections.move([_big()], [])


def _big() -> Member:
    return Member(group="segment:big", customer=A, since=START)


def _everything(tenant: TenantStore, customer: CustomerId = A) -> tuple[object, ...]:
    """All that the tenant's store shows."""
    with tenant.transaction() as tx:
        return (
            tx.timeline.get(EventId("evt_1")),
            tx.timeline.get(EventId("parked")),
            tx.timeline.of(customer),
            tx.timeline.of(B),
            tx.timeline.listed(EventState.PARKED),
            tx.timeline.listed(EventState.CONFLICT),
            tx.records.get(FEATURE, CaseId("case_1")),
            tx.records.all(FEATURE),
            tx.records.open(FEATURE),
            tx.records.open(FEATURE, customer=customer),
            tx.records.definition("sha-1"),
            tx.schedule.timer(f"{FEATURE}:{A}"),
            tx.schedule.timer(f"{FEATURE}:case_1"),
            tx.schedule.intent(intent(tenant.tenant, "try 1").id),
            tx.schedule.of(customer),
            tx.schedule.unclear(),
            tx.schedule.strays(),
            tx.schedule.orphans(FEATURE),
            tx.timeline.customers(),
            tx.projections.buckets(customer, _LOGINS),
            tx.projections.page(_LOGINS),
            tx.projections.latest("logins", [customer, B]),
            tx.projections.parts("logins", since=1),
            tx.projections.members("segment:big"),
            tx.projections.groups(customer),
        )


def _assert_untouched(tenant: TenantStore, customer: str = "cus_a") -> None:
    assert not any(_everything(tenant, CustomerId(customer)))


def _assert_error(error: RetainkitError, *, code: str, field: str, value: object) -> None:
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy


def _assert_utc(*instants: datetime | None) -> None:
    for at in instants:
        assert at is not None
        assert at.utcoffset() == timedelta(0)
        assert at.tzname() == "UTC"


def _vandalise(data: dict[str, JsonValue]) -> None:
    cast("dict[str, JsonValue]", data["object"])["a"] = "changed"
    cast("list[JsonValue]", data["list"]).append("changed")
    data["changed"] = True


def _at_once(work: Callable[[int], T]) -> list[T]:
    """What each of eight threads gives that begin together."""
    ready = Barrier(8)

    def begin(worker: int) -> T:
        ready.wait(timeout=30)
        return work(worker)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(begin, range(8)))


def _property(*, examples: int) -> settings:
    # Databases take their time, and their first example most of all.
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow)


@frozen
class _DrawnDice:
    """Chooses as the property test does, which shrinks what fails."""

    draw: st.DrawFn

    def one(self, pool: Sequence[T]) -> T:
        return self.draw(st.sampled_from(pool))


@st.composite
def _steps(draw: st.DrawFn) -> Action | Claim | None:
    # Now and then nothing happens: what a failing script does not need becomes that.
    return step(_DrawnDice(draw), 0) if draw(st.integers(0, 15)) else None


def _numbered(taken: Action | Claim, lease: str) -> Action | Claim:
    """The step with a lease of its own: no two claims share an id."""
    if isinstance(taken, (Claim, Intend)) and taken.lease is not None:
        return evolve(taken, lease=evolve(taken.lease, id=lease))
    return taken


def _merged(answers: Iterable[dict[str, JsonValue]]) -> dict[str, JsonValue]:
    return {name: answer for part in answers for name, answer in part.items()}
