"""What fails together rests together: the breaker, its state in the store, its test call."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.world import NOW, World, run

from retainkit.core import EffectState, NotSent, Outcome, Unknown
from retainkit.ids import CustomerId


MINUTE = timedelta(minutes=1)


def _down(world: World, failures: int, name: str = "down") -> None:
    """As many customers order while the outside refuses."""
    world.post.script = [NotSent(reason="503")] * failures
    for number in range(failures):
        world.order(f"{name}{number}", f"{name}_{number}")
        run(world.kit())


def _of(world: World, customer: str) -> tuple[EffectState, Outcome | None]:
    (intent,) = world.intents(CustomerId(customer))
    return intent.state, intent.outcome


def test_five_failures_in_a_row_open_it(world: World) -> None:
    """The sixth effect is not even tried; four would not have been enough."""
    _down(world, 4)
    world.post.script = []
    world.order("a", "ada")
    run(world.kit())
    assert _of(world, "ada")[0] is EffectState.DONE

    world.clock.advance(10 * MINUTE)
    run(world.kit())
    calls = len(world.post.calls)
    _down(world, 5, "again")
    world.order("b", "bob")
    run(world.kit())
    assert len(world.post.calls) == calls + 5
    assert _of(world, "bob") == (EffectState.READY, NotSent(reason="circuit_open"))


def test_one_batch_is_enough_to_open_it(world: World) -> None:
    """A worker that holds ten effects stops calling after the fifth failure."""
    for number in range(10):
        world.order(str(number), f"cus_{number}")
    world.post.script = [Unknown(reason="timeout")] * 10
    run(world.kit())
    assert len(world.post.calls) == 5


def test_another_kit_sees_it_open(world: World) -> None:
    """Its state is in the store, so a new process does not hammer what is down."""
    _down(world, 5)
    calls = len(world.post.calls)
    world.order("a", "ada")
    run(world.kit())
    assert len(world.post.calls) == calls
    (waiting,) = world.intents(CustomerId("ada"))
    assert waiting.wake_at is not None
    assert waiting.wake_at >= NOW + MINUTE
    assert waiting.sent_at is None


def test_a_test_call_that_fails_opens_it_for_longer(world: World) -> None:
    """One call after the rest; while it fails, nobody else is let through."""
    _down(world, 5)
    world.clock.advance(MINUTE)
    calls = len(world.post.calls)
    world.post.script = [NotSent(reason="503")]
    world.order("a", "ada")
    world.order("b", "bob")
    run(world.kit())
    assert len(world.post.calls) == calls + 1
    world.clock.advance(MINUTE)
    world.order("c", "carl")
    run(world.kit())
    assert len(world.post.calls) == calls + 1
    assert _of(world, "carl") == (EffectState.READY, NotSent(reason="circuit_open"))


def test_a_test_call_that_succeeds_closes_it(world: World) -> None:
    """From then on it takes five failures again."""
    _down(world, 5)
    world.post.script = []
    world.clock.advance(10 * MINUTE)
    run(world.kit())
    assert {_of(world, f"down_{n}")[0] for n in range(5)} == {EffectState.DONE}
    _down(world, 4, "again")
    world.order("a", "ada")
    run(world.kit())
    assert _of(world, "ada")[0] is EffectState.DONE


def test_it_rests_a_quarter_of_an_hour_at_most(world: World) -> None:
    """However long the outage: 1, 2, 4, 8, then 15 minutes between two test calls."""
    _down(world, 5)
    world.post.script = [NotSent(reason="503")] * 99
    rests = []
    for number in range(6):
        before = world.clock.now()
        while True:
            world.clock.advance(MINUTE)
            calls = len(world.post.calls)
            world.order(f"{number}/{world.clock.now()}", f"probe_{number}_{world.clock.now()}")
            run(world.kit())
            if len(world.post.calls) > calls:
                break
        rests.append((world.clock.now() - before) // MINUTE)
    assert rests == [1, 2, 4, 8, 15, 15]


def test_an_open_breaker_is_no_answer(world: World) -> None:
    """The effect keeps its key, its case keeps its ladder."""
    _down(world, 5)
    case = world.order("a", "ada")
    run(world.kit())
    key = world.intents(CustomerId("ada"))[0].key
    world.post.script = []
    world.clock.advance(10 * MINUTE)
    run(world.kit())
    assert world.post.sent[key] == "a"
    assert world.case(case).body["tries"] == 1
