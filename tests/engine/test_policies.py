"""A running case keeps the policy it began under, until somebody moves it."""

from __future__ import annotations

import pytest
from tests.engine.toy import ParcelPolicy
from tests.engine.world import DAY, World, run

from retainkit.core import NotSent, Unknown
from retainkit.errors import ConfigurationError


STRICT = ParcelPolicy(tries=1)


def _waiting(world: World, policy: ParcelPolicy | None = None) -> None:
    """A case whose first try came to nothing; its next step is due."""
    world.post.script = [Unknown(reason="reset")]
    kit = world.kit(policy=policy)
    run(kit)
    world.clock.advance(DAY / 2)
    run(kit)
    world.clock.advance(DAY)


def test_a_running_case_keeps_its_policy(world: World) -> None:
    """The deploy of another one concerns new cases only, also in a fresh process."""
    old = world.order("old")
    _waiting(world)
    kept = world.case(old).definition
    new = world.order("new", "bob")
    run(world.kit(policy=STRICT))
    assert world.names()[-1] == "parcels.delivered"
    assert world.case(old).definition == kept
    assert world.case(new).definition != kept


def test_a_rehearsal_moves_nothing(world: World) -> None:
    """It only says which cases would move."""
    case = world.order()
    _waiting(world)
    before = world.tables()
    assert world.kit(policy=STRICT).migrate_cases() == (case,)
    assert world.tables() == before


def test_moved_cases_go_on_under_the_new_policy(world: World) -> None:
    """And a second move finds nothing to do; closed cases stay what they were."""
    closed = world.order("closed", "bob")
    run(world.kit())
    case = world.order()
    _waiting(world)
    kit = world.kit(policy=STRICT)
    assert kit.migrate_cases(dry_run=False) == (case,)
    assert kit.migrate_cases(dry_run=False) == ()
    assert world.case(closed).definition != world.case(case).definition
    run(kit)
    assert world.names()[-1] == "parcels.given_up"


def test_the_same_policy_has_the_same_hash_in_every_process(world: World) -> None:
    """An equal policy is no new one."""
    case = world.order()
    world.post.script = [NotSent(reason="busy")]
    run(world.kit())
    assert world.kit(policy=ParcelPolicy()).migrate_cases() == ()
    assert world.case(case).open


def test_a_lost_policy_is_named(sql_world: World) -> None:
    """The case waits; nothing is decided by a policy it did not begin under."""
    case = sql_world.order()
    _waiting(sql_world)
    sql_world.sql("DELETE FROM rk_definition")
    before = sql_world.case(case)
    run(sql_world.kit(policy=STRICT))
    assert sql_world.case(case) == before
    _, error = sql_world.told.failures[-1]
    assert isinstance(error, ConfigurationError)
    assert (error.code, error.field, error.value) == (
        "definition.missing", "definition", before.definition,
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match="migrate_cases"):
        raise error
    sql_world.kit(policy=STRICT).migrate_cases(dry_run=False)
    sql_world.leases_run_out()
    run(sql_world.kit(policy=STRICT))
    assert not sql_world.case(case).open
