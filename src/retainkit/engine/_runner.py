"""Working off the schedule: claim, decide, perform, decide the outcome. Two commits a step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from time import monotonic, perf_counter

from attrs import evolve, frozen

from retainkit.core import (
    Answer,
    EffectState,
    Intent,
    Item,
    Lease,
    NoEffect,
    NotSent,
    Outcome,
    Settled,
    Skills,
    Timer,
    Unknown,
)
from retainkit.engine._attention import list_refused, list_undecidable
from retainkit.engine._circuit import Circuit, circuit, note
from retainkit.engine._features import Features, NewerSchema
from retainkit.engine._instrumentation import Instrumentation
from retainkit.engine._performers import Guarantee, Performer
from retainkit.engine._step import Fenced, Step
from retainkit.errors import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    ProviderError,
    Refused,
    StoreError,
)
from retainkit.ids import TenantId
from retainkit.stores import Store, TenantStore
from retainkit.timing import Clock


_SAFE_SHARE = 0.8
_LOOK_UPS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_UNDECIDABLE = 10
_LISTED = 10
_BATCH = 50


@frozen(kw_only=True)
class Ran:
    """
    What one call of ``run_due`` did.

    Args:
        items: Timers decided and effects advanced.

        finished: Whether nothing was due any more.
    """

    items: int
    finished: bool


class Runner:
    """Works off what is due; as many as you like, in threads and processes, over one store."""

    def __init__(
        self,
        *,
        store: Store,
        features: Features,
        performers: Mapping[str, Performer],
        skills: Skills,
        clock: Clock,
        instrumentation: Instrumentation,
        lease: timedelta,
        worker: str,
    ) -> None:
        self._store = store
        self._features = features
        self._performers = performers
        self._skills = skills
        self._clock = clock
        self._tell = instrumentation
        self._length = lease
        self._worker = worker
        self._claims = count(1)
        self._circuits: dict[tuple[TenantId, str], Circuit] = {}
        self._defined: set[TenantId] = set()

    # ---- the loop

    def run_due(self, *, limit: int | None, until: Callable[[], bool]) -> Ran:
        """Work until nothing is due, ``limit`` items are done, or ``until`` says so."""
        done = 0
        while not until() and (limit is None or done < limit):
            items = self.claim(_BATCH if limit is None else min(_BATCH, limit - done))
            if not items:
                return Ran(items=done, finished=True)
            done += self._batch(items, until)
        return Ran(items=done, finished=False)

    def claim(self, limit: int) -> tuple[Item, ...]:
        """Claim up to ``limit`` due items that this kit can work on, under a lease of its own."""
        now = self._clock.now()
        lease = Lease(id=f"{self._worker}:{next(self._claims)}", length=self._length)
        items = self._store.claim(lease, now=now, limit=limit, skills=self._skills)
        if items:
            self._circuits.clear()
            items = tuple(sorted(items, key=lambda item: (_turn(item), _due(item) or now)))
            lags = [now - (_due(item) or now) for item in items]
            self._tell.claimed(len(items), lag=max(timedelta(0), *lags))
        return items

    def _batch(self, items: tuple[Item, ...], until: Callable[[], bool]) -> int:
        """Work through a claimed batch, and give back what would outlive half the lease."""
        started = monotonic()
        for done, item in enumerate(items):
            if until() or timedelta(seconds=monotonic() - started) > self._length / 2:
                for left in items[done:]:
                    self.give_back(left)
                return done
            self.run(item)
        return len(items)

    def give_back(self, item: Item) -> None:
        """End a claim without having worked on the item."""
        with self._store.for_tenant(item.tenant).transaction() as tx:
            if isinstance(item, Timer):
                tx.schedule.finish(item, next_due=item.due)
            else:
                tx.schedule.settle(evolve(item, wake_at=self._clock.now()), lease=item.lease)

    def run(self, item: Item) -> None:
        """
        Work on one claimed item until nothing of it is under way.

        An error is told to the instrumentation; the item comes back when its lease has run out.
        """
        try:
            following = self._timer(item) if isinstance(item, Timer) else self._intent(item)
            while following is not None:
                following = self._perform(following)
        except Fenced as exc:
            self._tell.fenced(str(exc.value))
        except NewerSchema as exc:
            self._tell.failed(
                f"a case of {exc.value} is newer than this worker; left to a newer one", exc
            )
        except Exception as exc:  # noqa: BLE001 - one bad item must not stop the others
            self._tell.failed(f"{item.feature} of customer {item.customer}", exc)

    def _define(self, store: TenantStore) -> None:
        """Keep the present policies in the store, once a tenant, in a commit of their own."""
        if store.tenant not in self._defined:
            with store.transaction() as tx:
                for bound in self._features:
                    tx.records.define(bound.current, bound.feature.definition)
            self._defined.add(store.tenant)

    # ---- the first commit: decide a timer

    def _timer(self, timer: Timer) -> Intent | None:
        store = self._store.for_tenant(timer.tenant)
        self._define(store)
        try:
            step = self._decided_timer(store, timer)
        except (Conflict, Fenced, NewerSchema, StoreError):
            raise
        except Exception as exc:
            with store.transaction() as tx:
                list_undecidable(tx, timer, exc)
            raise
        self._tell.decided(timer.feature, "timer", events=step.events, effects=step.effects)
        return step.under_way

    def _decided_timer(self, store: TenantStore, timer: Timer) -> Step:
        with store.transaction() as tx:
            step = Step(
                self._features,
                timer.tenant,
                tx,
                now=self._clock.now(),
                lease=self._lease(timer.lease),
                defined=True,
            )
            step.timer(timer)
        return step

    def _lease(self, id: str | None) -> Lease | None:
        return None if id is None else Lease(id=id, length=self._length)

    # ---- effects: what their state allows

    def _intent(self, intent: Intent) -> Intent | None:
        if self._features.get(intent.feature) is None:
            # Nobody here could decide the answer: it is left to a worker that has the feature.
            raise NewerSchema(intent.feature)
        match intent.state:
            case EffectState.READY:
                return self._send(intent)
            case EffectState.SENT:
                return self._recover(intent)
            case EffectState.UNKNOWN:
                return self._look_up(intent)
            case EffectState.ANSWERED:
                return self._decide_stored(intent)
            case EffectState.DONE | EffectState.UNCLEAR:
                return None

    def _send(self, intent: Intent) -> Intent:
        """
        Mark it as sent before it is: a crash in between counts as sent.

        What waits to be told about its customer is decided first, as it may take the effect back:
        a payment tells dunning, which tells contact. Another feature that fails holds nothing up.
        """
        lease = Lease(id=intent.lease or "", length=self._length)
        features = set(self._skills.features)
        while True:
            now = self._clock.now()
            with self._store.for_tenant(intent.tenant).transaction() as tx:
                news = _news(tx.schedule.of(intent.customer), features, now)
                if news is None and not tx.schedule.begin(intent, lease, now=now):
                    raise Fenced(intent.effect.kind)
            if news is None:
                return evolve(intent, state=EffectState.SENT, sent_at=now)
            try:
                self._timer(news)
            except Fenced:
                continue  # somebody else was quicker
            except Exception as exc:
                if news.feature == intent.feature:
                    raise
                self._tell.failed(news.id, exc)
                features.remove(news.feature)

    def _recover(self, intent: Intent) -> Intent | None:
        """Its worker is gone, and nobody knows how far it came."""
        performer = self._performer(intent)
        lost = Unknown(reason="worker_lost")
        once = performer.guarantee is Guarantee.EXACTLY_ONCE
        if once and self._key_is_fresh(intent, performer):
            return evolve(intent, outcome=lost)
        # Nobody knows when it was sent last: a look-up waits until that can't matter any more.
        return self._conclude(intent, lost)

    def _key_is_fresh(self, intent: Intent, performer: Performer) -> bool:
        age = self._clock.now() - (intent.sent_at or self._clock.now())
        return age < performer.window * _SAFE_SHARE

    def _look_up(self, intent: Intent) -> Intent | None:
        performer = self._performer(intent)
        outcome = self._call(intent, performer.look_up)
        if isinstance(outcome, NotSent):
            # The look-up itself was refused; that says nothing about the effect.
            outcome = Unknown(reason=outcome.reason)
        return self._conclude(intent, outcome)

    def _decide_stored(self, intent: Intent) -> Intent | None:
        outcome = intent.outcome
        if not isinstance(outcome, Answer | NoEffect | Unknown):
            raise Refused(
                "An answered effect has no answer",
                code="effect.no_answer",
                field="outcome",
                value=intent.id,
                remedy="restore the outcome of its row in the schedule",
            )
        return self._decide(intent, outcome)

    # ---- the call

    def _perform(self, intent: Intent) -> Intent | None:
        try:
            performer = self._performer(intent)
        except Refused as exc:
            # It was never sent, and another worker may be able to.
            self._tell.failed(intent.effect.kind, exc)
            return self._postpone(intent, NotSent(reason=exc.code), None)
        once = performer.guarantee is Guarantee.EXACTLY_ONCE
        if once and not self._key_is_fresh(intent, performer):
            # This worker itself was asleep for so long that the key may be forgotten.
            return self._conclude(intent, Unknown(reason="key_too_old"))
        breaker = self._breaker(intent, performer)
        if breaker.rests(self._clock.now()):
            return self._postpone(intent, NotSent(reason="circuit_open"), breaker.open_until)
        outcome = self._call(intent, performer.perform)
        self._note(intent, performer, breaker, outcome)
        return self._conclude(intent, outcome)

    def _call(self, intent: Intent, call: Callable[[Intent, datetime], Outcome]) -> Outcome:
        started = perf_counter()
        try:
            outcome = call(intent, self._clock.now())
        except (ConfigurationError, InvalidInput, ProviderError) as exc:
            # Raised before anything was sent, as every port promises: a broken template, a bad key.
            self._tell.failed(intent.effect.kind, exc)
            outcome = NotSent(reason=exc.code)
        except Exception as exc:  # noqa: BLE001 - whatever an adapter raises, the effect may have happened
            self._tell.failed(intent.effect.kind, exc)
            outcome = Unknown(reason=type(exc).__name__)
        self._tell.performed(
            intent.effect.kind, outcome, took=timedelta(seconds=perf_counter() - started)
        )
        return outcome

    def _performer(self, intent: Intent) -> Performer:
        performer = self._performers.get(intent.effect.kind)
        if performer is None:
            raise Refused(
                "This kit can't perform this kind of effect",
                code="effect.no_performer",
                field="kind",
                value=intent.effect.kind,
                remedy="give the kit the provider or messenger it needs",
            )
        return performer

    def _breaker(self, intent: Intent, performer: Performer) -> Circuit:
        key = (intent.tenant, performer.group)
        if key not in self._circuits:
            with self._store.for_tenant(intent.tenant).transaction() as tx:
                self._circuits[key] = circuit(tx, performer.group)
        return self._circuits[key]

    def _note(
        self, intent: Intent, performer: Performer, breaker: Circuit, outcome: Outcome
    ) -> None:
        succeeded = isinstance(outcome, Answer | NoEffect)
        self._circuits[intent.tenant, performer.group] = note(
            self._store.for_tenant(intent.tenant),
            performer.group,
            breaker,
            succeeded=succeeded,
            now=self._clock.now(),
        )

    # ---- the second commit: decide the outcome

    def _conclude(self, intent: Intent, outcome: Outcome) -> Intent | None:
        match outcome:
            case Answer() | NoEffect():
                return self._decide(intent, outcome)
            case NotSent():
                return self._postpone(intent, outcome, None)
            case Unknown():
                return self._unknown(intent, outcome)

    def _unknown(self, intent: Intent, outcome: Unknown) -> Intent | None:
        performer = self._performer(intent)
        if performer.guarantee is Guarantee.AT_MOST_ONCE:
            return self._decide(intent, outcome)
        # Look-ups are counted from the first lost answer on, not from the pauses before it.
        looked_up = intent.tries if intent.state is EffectState.UNKNOWN else 0
        if looked_up >= len(_LOOK_UPS):
            self._settle(
                evolve(intent, state=EffectState.UNCLEAR, outcome=outcome, wake_at=None), intent
            )
            return None
        pause = max(_LOOK_UPS[looked_up], performer.lag)
        self._settle(
            evolve(
                intent,
                state=EffectState.UNKNOWN,
                tries=looked_up + 1,
                outcome=outcome,
                wake_at=self._clock.now() + pause,
            ),
            intent,
        )
        return None

    def _postpone(self, intent: Intent, outcome: NotSent, until: datetime | None) -> Intent | None:
        """The same key and the same bytes again, after a pause; no ladder moves."""
        pause = max(_pause(intent), outcome.retry_after or timedelta(0))
        # A refusal says nothing about what a lost worker sent: its key ages on.
        lost = isinstance(intent.outcome, Unknown)
        self._settle(
            evolve(
                intent,
                state=EffectState.SENT if lost else EffectState.READY,
                tries=intent.tries + 1,
                sent_at=intent.sent_at if lost else None,
                outcome=outcome,
                wake_at=max(self._clock.now() + pause, until or self._clock.now()),
            ),
            intent,
        )
        return None

    def _settle(self, after: Intent, before: Intent) -> None:
        with self._store.for_tenant(before.tenant).transaction() as tx:
            if not tx.schedule.settle(after, lease=before.lease):
                raise Fenced(before.effect.kind)
            if isinstance(after.outcome, NotSent) and after.tries == _LISTED:
                list_refused(tx, after)

    def _decide(self, intent: Intent, outcome: Settled) -> Intent | None:
        """Decide an outcome; if that fails, keep the answer first and decide it again."""
        store = self._store.for_tenant(intent.tenant)
        self._define(store)
        try:
            return self._decided(store, intent, outcome)
        except Fenced:
            raise
        except NewerSchema:
            # A newer worker decides it, however long that one takes to come: no try is counted.
            self._keep_answer(store, evolve(intent, tries=0), outcome, pause=self._length)
            raise
        except Conflict:
            self._keep_answer(store, intent, outcome, pause=timedelta(0))
            return None
        except Exception:
            self._keep_answer(store, intent, outcome, pause=_pause(intent))
            raise

    def _decided(self, store: TenantStore, intent: Intent, outcome: Settled) -> Intent | None:
        with store.transaction() as tx:
            step = Step(
                self._features,
                intent.tenant,
                tx,
                now=self._clock.now(),
                lease=self._lease(intent.lease),
                defined=True,
            )
            step.outcome(intent, outcome)
        self._tell.decided(
            intent.feature, intent.effect.kind, events=step.events, effects=step.effects
        )
        return step.under_way

    def _keep_answer(
        self, store: TenantStore, intent: Intent, outcome: Settled, *, pause: timedelta
    ) -> None:
        """The provider has answered: that is never lost, whatever happens to the decision."""
        tries = intent.tries + 1 if intent.state is EffectState.ANSWERED else 1
        stuck = tries > _UNDECIDABLE
        with store.transaction() as tx:
            kept = evolve(
                intent,
                state=EffectState.UNCLEAR if stuck else EffectState.ANSWERED,
                tries=tries,
                outcome=outcome,
                wake_at=None if stuck else self._clock.now() + pause,
            )
            if not tx.schedule.settle(kept, lease=intent.lease):
                raise Fenced(intent.effect.kind)


def _pause(intent: Intent) -> timedelta:
    """Exponential back-off with a jitter that the key decides, so that it can be replayed."""
    base: timedelta = min(_FIRST_PAUSE * 2 ** min(intent.tries, 10), _LONGEST_PAUSE)
    digest = hashlib.sha256(f"{intent.key}:{intent.tries}".encode()).digest()
    return base + base * digest[0] // 512


def _news(ahead: Iterable[Item], features: Collection[str], now: datetime) -> Timer | None:
    """What waits to be told to one of these features, if nobody is at it."""
    waiting = (
        item
        for item in ahead
        if isinstance(item, Timer) and item.case is None and item.feature in features
        if item.lease is None and item.due <= now
    )
    return next(waiting, None)


def _turn(item: Item) -> bool:
    """False for news, which comes first: what it says may move a step, or take an effect back."""
    return not isinstance(item, Timer) or item.case is not None


def _due(item: Item) -> datetime | None:
    return item.due if isinstance(item, Timer) else item.wake_at
