"""The promises of a store's projections, as tests: a part of the contract of stores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retainkit.core import STANDING, Bucket, JsonValue, Member, Part, Wanted
from retainkit.errors import InvalidInput, StoreError
from retainkit.ids import CustomerId, TenantId
from retainkit.stores import Store, TenantStore
from retainkit.testing._store_play import START, bucket, event


A = CustomerId("cus_a")
B = CustomerId("cus_b")
LOGINS = "logins"
TICKETS = "tickets"
ALL = Wanted(metrics=frozenset({LOGINS, TICKETS}))
MOST = (1 << 63) - 2


class ProjectionContract:
    """Stories of day buckets and of members; `StoreContract` has them among its own."""

    # ------------------------------------------------------------------------- day buckets

    def test_buckets_of_one_key_add_up(self, tenant: TenantStore) -> None:
        """Counts and totals are summed; the earliest and the latest are kept, and what it said."""
        _add(tenant, bucket(LOGINS, 5, at=20, id="evt_2", total=700, value="second"))
        _add(
            tenant,
            bucket(LOGINS, 5, at=30, id="evt_3", number=4, total=-200, value={"n": [3]}),
            bucket(LOGINS, 5, at=10, id="evt_1", value="first"),
            bucket(LOGINS, 6, at=90, id="evt_9"),
            bucket(LOGINS, 5, at=90, id="evt_9", part="user_1"),
            bucket(LOGINS, 5, "cus_b", at=90, id="evt_9"),
        )
        added = bucket(LOGINS, 5, at=30, id="evt_3", number=6, total=500, value={"n": [3]})
        assert _of(tenant)[0] == added._replace(first=10)
        assert [(kept.day, kept.part, kept.count) for kept in _of(tenant)] == [
            (5, "", 6),
            (5, "user_1", 1),
            (6, "", 1),
        ]

    def test_of_two_at_one_instant_the_greater_id_counts(self, tenant: TenantStore) -> None:
        """By the codes of its characters, which is no language's order, in whatever order."""
        for part, ids in {"up": ("Zoë", "anna", "Ärger"), "down": ("Ärger", "anna", "Zoë")}.items():
            for id_ in ids:
                _add(tenant, bucket(LOGINS, 5, part=part, id=id_, value=id_))
        assert [(kept.part, kept.last_id, kept.value) for kept in _of(tenant)] == [
            ("down", "Ärger", "Ärger"),
            ("up", "Ärger", "Ärger"),
        ]

    def test_the_order_of_adding_changes_nothing(self, store: Store) -> None:
        """Any buckets, in any order, in batches of any size: the same, as a plain sum has it."""
        fresh = count()

        @settings(
            max_examples=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(st.lists(_buckets(), max_size=30), st.data())
        def same(told: list[Bucket], data: st.DataObject) -> None:
            expected = _summed(told)
            for _ in range(2):
                tenant = store.for_tenant(TenantId(f"tenant {next(fresh)}"))
                left = data.draw(st.permutations(told))
                while left:
                    size = data.draw(st.integers(1, len(left)))
                    _add(tenant, *left[:size])
                    left = left[size:]
                with tenant.transaction() as tx:
                    assert list(tx.projections.page(ALL)) == expected

        same()

    def test_no_bucket_is_no_bucket(self, tenant: TenantStore) -> None:
        """An empty batch writes nothing, and nobody has anything."""
        _add(tenant)
        with tenant.transaction() as tx:
            assert tx.projections.buckets(A, ALL) == ()
            assert tx.projections.page(ALL) == ()
            assert tx.projections.parts(TICKETS, since=1) == ()
            assert tx.projections.latest("zone", [A]) == {}
            assert tx.projections.latest("zone", []) == {}

    @pytest.mark.parametrize(
        "value",
        [None, True, 0, -7, 2**70, "", "null", "Käse 😀", [], [None, "a"], {}, {"b": {"a": [1]}}],
    )
    def test_what_was_said_comes_back(self, tenant: TenantStore, value: JsonValue) -> None:
        """Every kind of JSON; numbers as large as they come."""
        told = bucket("Käse & 'x'", 5, total=MOST, number=2**62, part="a/b\n", value=value)
        _add(tenant, told)
        with tenant.transaction() as tx:
            wanted = Wanted(metrics=frozenset({told.metric}))
            (kept,) = tx.projections.buckets(A, wanted)
        assert kept == told
        assert type(kept.value) is type(value) or isinstance(value, (list, dict))

    @pytest.mark.parametrize("step", [1, -1])
    def test_a_sum_is_never_rounded(self, tenant: TenantStore, step: int) -> None:
        """What no longer fits is refused, and the batch with it; what was there stays."""
        _add(tenant, bucket(LOGINS, 5, total=step * (MOST - 1)))
        before = _of(tenant)
        for total in (step * 5, step * 2**70):
            with pytest.raises(StoreError) as caught:
                _add(tenant, bucket(LOGINS, 4), bucket(LOGINS, 5, total=total))
            assert caught.value.code == "store.refused"
            assert caught.value.remedy
            assert _of(tenant) == before
        _add(tenant, bucket(LOGINS, 5, total=step))
        assert [kept.total for kept in _of(tenant)] == [step * MOST]

    def test_only_what_is_wanted_is_read(self, tenant: TenantStore) -> None:
        """Those metrics, from that day on, and what stands; by metric, day and part."""
        told = [
            bucket(TICKETS, STANDING, part="t_2"),
            bucket(TICKETS, STANDING, part="T_1"),
            bucket(TICKETS, 8),
            bucket(TICKETS, 7),
            bucket(TICKETS, 6),
            bucket(LOGINS, 9),
            bucket("other", 8),
            bucket(TICKETS, 8, "cus_b"),
        ]
        _add(tenant, *told)
        assert _of(tenant, TICKETS, since=7) == (told[1], told[0], told[3], told[2])
        assert _of(tenant, TICKETS, LOGINS, since=8) == (told[5], told[1], told[0], told[2])
        assert _of(tenant, TICKETS, since=9) == (told[1], told[0])
        assert _of(tenant, since=1) == ()
        assert _of(tenant, LOGINS, "unheard of") == (told[5],)

    def test_what_is_counted_is_nobodys_to_change(self, tenant: TenantStore) -> None:
        """Neither through what was told, nor through what was read."""
        said: dict[str, JsonValue] = {"list": [1]}
        _add(tenant, bucket(LOGINS, 5, value=said))
        said["list"] = []
        (kept,) = _of(tenant)
        assert kept.value == {"list": [1]}
        assert isinstance(kept.value, dict)
        with suppress(TypeError):
            kept.value["list"].append(2)
        assert [again.value for again in _of(tenant)] == [{"list": [1]}]

    def test_customers_are_read_page_by_page(self, tenant: TenantStore) -> None:
        """Whole customers, in the order of their ids; those without a wanted bucket are none."""
        _add(tenant, *(bucket(LOGINS, day, f"cus_{n}") for n in range(9, -1, -1) for day in (7, 6)))
        _add(tenant, bucket(LOGINS, 3, "cus_old"), bucket(LOGINS, STANDING, "cus_standing"))
        _add(tenant, bucket("other", 7, "cus_1"), bucket("other", 7, "cus_10"))
        wanted = Wanted(metrics=frozenset({LOGINS}), since=6)
        seen: list[list[tuple[str, int]]] = []
        after: CustomerId | None = None
        with tenant.transaction() as tx:
            while page := tx.projections.page(wanted, after=after, limit=4):
                seen.append([(kept.customer, kept.day) for kept in page])
                after = page[-1].customer
            everybody = tx.projections.page(wanted)
            assert tx.projections.page(wanted, limit=0) == ()
            assert tx.projections.page(Wanted(metrics=frozenset()), limit=4) == ()
        assert [len({customer for customer, _ in page}) for page in seen] == [4, 4, 3]
        flat = [row for page in seen for row in page]
        days = [(f"cus_{n}", day) for n in range(10) for day in (6, 7)]
        assert flat == [*days, ("cus_standing", STANDING)]
        assert flat == [(kept.customer, kept.day) for kept in everybody]

    def test_a_day_and_all_after_it_are_replaced(self, tenant: TenantStore) -> None:
        """With what stands, whatever the metric; what lies before stays, and others' too."""
        before, others = bucket(LOGINS, 5, number=3), bucket(LOGINS, 6, "cus_b")
        gone = [bucket(LOGINS, 6), bucket(TICKETS, 7, part="t_1"), bucket(TICKETS, STANDING)]
        _add(tenant, before, others, *gone)
        now = [bucket(LOGINS, 6, number=2), bucket("zone", STANDING, value="Europe/Berlin")]
        with tenant.transaction() as tx:
            tx.projections.replace(A, [*now, bucket(LOGINS, 6, at=2, id="evt_2")], since=6)
        told_twice = now[0]._replace(count=3, last=2, last_id="evt_2")
        assert _of(tenant, LOGINS, TICKETS, "zone") == (before, told_twice, now[1])
        assert _of(tenant, LOGINS, customer=B) == (others,)
        with tenant.transaction() as tx:
            tx.projections.replace(A, [], since=STANDING)
        assert _of(tenant, LOGINS, TICKETS, "zone") == ()

    @pytest.mark.parametrize("wrong", [bucket(LOGINS, 5), bucket(LOGINS, 7, "cus_b")])
    def test_nothing_else_is_replaced(self, tenant: TenantStore, wrong: Bucket) -> None:
        """A bucket of an earlier day, or of another, would be added: it is refused."""
        _add(tenant, bucket(LOGINS, 5), bucket(LOGINS, 6))
        before = _of(tenant)
        with pytest.raises(InvalidInput) as caught, tenant.transaction() as tx:
            tx.projections.replace(A, [bucket(LOGINS, 7), wrong], since=6)
        assert (caught.value.code, caught.value.field) == ("bucket.not_replaced", "buckets")
        assert caught.value.value == (wrong.customer, LOGINS, wrong.day)
        assert caught.value.remedy
        assert _of(tenant) == before

    def test_what_stands_is_read_of_many(self, tenant: TenantStore) -> None:
        """The value of each who has one; of the whole, and of no day."""
        _add(
            tenant,
            bucket("zone", STANDING, value="Europe/Berlin"),
            bucket("zone", STANDING, at=9, id="evt_9", value="Asia/Tokyo"),
            bucket("zone", STANDING, "cus_b", value=None),
            bucket("zone", STANDING, "cus_c", part="split", value="UTC"),
            bucket("zone", 5, "cus_d", value="UTC"),
            bucket("other", STANDING, "cus_e", value="UTC"),
            bucket("zone", STANDING, "cus_f", value="UTC"),
        )
        asked = [CustomerId(f"cus_{letter}") for letter in "edcbax"]
        with tenant.transaction() as tx:
            found = tx.projections.latest("zone", frozenset([*asked, A]))
        assert found == {A: "Asia/Tokyo", B: None}

    def test_the_parts_that_most_customers_have(self, tenant: TenantStore) -> None:
        """Most customers first, then most events, then by name; the whole is no part."""
        told = {"login": "abc", "price": "abd", "bug": "ab", "api": "ab", "rare": "a", "": "abcd"}
        for part, letters in told.items():
            for letter in letters:
                _add(tenant, bucket(TICKETS, 7, f"cus_{letter}", part=part))
        _add(
            tenant,
            bucket(TICKETS, 8, part="price", number=4),
            bucket(TICKETS, 6, "cus_c", part="bug"),
            bucket(TICKETS, STANDING, "cus_d", part="bug"),
            bucket(LOGINS, 7, "cus_c", part="api"),
        )
        with tenant.transaction() as tx:
            found = tx.projections.parts(TICKETS, since=7)
            assert tx.projections.parts(TICKETS, since=7, limit=2) == found[:2]
            assert tx.projections.parts(TICKETS, since=9) == ()
        assert found == (
            Part(part="price", customers=3, count=7),
            Part(part="login", customers=3, count=3),
            Part(part="api", customers=2, count=2),
            Part(part="bug", customers=2, count=2),
            Part(part="rare", customers=1, count=1),
        )

    # ----------------------------------------------------------------------------- members

    def test_who_is_in_stays_since_then(self, tenant: TenantStore) -> None:
        """To enter again changes nothing, not even within a batch; to leave twice neither."""
        later = START + timedelta(hours=1)
        _move(tenant, [_member("segment:big"), _member("segment:big", at=later)])
        _move(tenant, [_member("segment:big", at=later), _member("rule:r1", at=later)])
        with tenant.transaction() as tx:
            assert tx.projections.members("segment:big") == (_member("segment:big"),)
        _move(tenant, [], [("segment:big", A), ("segment:big", A), ("segment:big", B)])
        with tenant.transaction() as tx:
            assert tx.projections.members("segment:big") == ()
            assert tx.projections.members("rule:r1") == (_member("rule:r1", at=later),)

    def test_who_leaves_and_enters_is_in_anew(self, tenant: TenantStore) -> None:
        """In one move, too: it leaves first."""
        later = START + timedelta(hours=1)
        _move(tenant, [_member("segment:big"), _member("segment:big", "cus_b")])
        _move(tenant, [_member("segment:big", at=later)], [("segment:big", A)])
        _move(tenant, [])
        with tenant.transaction() as tx:
            assert tx.projections.members("segment:big") == (
                _member("segment:big", at=later),
                _member("segment:big", "cus_b"),
            )

    def test_members_are_read_page_by_page(self, tenant: TenantStore) -> None:
        """In the order of their ids, of one group."""
        _move(tenant, [_member("segment:big", f"cus_{n}") for n in range(9, -1, -1)])
        _move(tenant, [_member("segment:bigger", f"cus_{n}") for n in range(20)])
        seen: list[str] = []
        after: CustomerId | None = None
        with tenant.transaction() as tx:
            while page := tx.projections.members("segment:big", after=after, limit=4):
                seen += [member.customer for member in page]
                after = page[-1].customer
            assert tx.projections.members("segment:none") == ()
        assert seen == [f"cus_{n}" for n in range(10)]

    def test_the_groups_of_a_customer(self, tenant: TenantStore) -> None:
        """By their names, in the order of the characters' codes."""
        names = ["rule:r1", "segment:Big", "segment:big", "segment:Ärger"]
        _move(tenant, [*(_member(name) for name in reversed(names)), _member("rule:r2", "cus_b")])
        with tenant.transaction() as tx:
            groups = tx.projections.groups(A)
            assert tx.projections.groups(CustomerId("nobody")) == ()
        assert groups == tuple(_member(name) for name in sorted(names))
        assert all(member.since.tzname() == "UTC" for member in groups)

    def test_customers_with_a_past_are_read_page_by_page(self, tenant: TenantStore) -> None:
        """A lock, a bucket or a group alone is no past."""
        with tenant.transaction() as tx:
            told = [event(f"evt_{n}", f"cus_{n % 5}") for n in range(9, -1, -1)]
            tx.timeline.append(told, recorded_at=START)
            tx.records.lock(CustomerId("cus_locked"))
        _add(tenant, bucket(LOGINS, 5, "cus_counted"))
        _move(tenant, [_member("segment:big", "cus_grouped")])
        with tenant.transaction() as tx:
            first = tx.timeline.customers(limit=3)
            rest = tx.timeline.customers(after=first[-1])
            assert tx.timeline.customers(after=rest[-1]) == ()
        assert (first, rest) == (("cus_0", "cus_1", "cus_2"), ("cus_3", "cus_4"))


# ---- the words of the stories


def _add(tenant: TenantStore, *buckets: Bucket) -> None:
    with tenant.transaction() as tx:
        tx.projections.add(buckets)


def _of(
    tenant: TenantStore, *metrics: str, customer: CustomerId = A, since: int | None = None
) -> tuple[Bucket, ...]:
    """The customer's buckets of these metrics; of logins, where neither is told."""
    named = metrics or ((LOGINS,) if since is None else ())
    with tenant.transaction() as tx:
        wanted = Wanted(metrics=frozenset(named), since=since or STANDING)
        return tx.projections.buckets(customer, wanted)


def _member(group: str, customer: str = "cus_a", *, at: datetime = START) -> Member:
    return Member(group=group, customer=CustomerId(customer), since=at)


def _move(
    tenant: TenantStore, entered: Sequence[Member], left: Sequence[tuple[str, CustomerId]] = ()
) -> None:
    with tenant.transaction() as tx:
        tx.projections.move(entered, left)


@st.composite
def _buckets(draw: st.DrawFn) -> Bucket:
    """What one event says; events at one instant and with one id say the same."""
    at, id_ = draw(st.integers(-2, 2)), draw(st.sampled_from(["evt_1", "Evt_2", "é"]))
    return bucket(
        draw(st.sampled_from([LOGINS, TICKETS])),
        draw(st.sampled_from([STANDING, 5, 6])),
        draw(st.sampled_from([A, B])),
        part=draw(st.sampled_from(["", "p"])),
        at=at,
        id=id_,
        number=draw(st.integers(1, 3)),
        total=draw(st.integers(-(2**40), 2**40)),
        value=[at, id_],
    )


def _summed(told: Sequence[Bucket]) -> list[Bucket]:
    """The same, one a key, in its order, as a reader of the promise would sum it up."""
    found: dict[tuple[str, str, int, str], list[Bucket]] = {}
    for each in told:
        key = each.customer, each.metric, each.day, each.part
        found.setdefault(key, []).append(each)
    return [
        max(same, key=lambda each: (each.last, each.last_id))._replace(
            count=sum(each.count for each in same),
            total=sum(each.total for each in same),
            first=min(each.first for each in same),
        )
        for _, same in sorted(found.items())
    ]
