"""The server as a test holds it: clock, cards, faults, webhooks and the judge of charges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from attrs import frozen

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.testing.stripe_server import _faults, _webhooks
from retainkit.testing.stripe_server._api import Api, Request, RequestRecord
from retainkit.testing.stripe_server._billing import due, run
from retainkit.testing.stripe_server._call import SMART_RETRIES, AfterRetries, Settings
from retainkit.testing.stripe_server._cards import behaviour, by_name
from retainkit.testing.stripe_server._control import control
from retainkit.testing.stripe_server._customers import set_default
from retainkit.testing.stripe_server._faults import Fault
from retainkit.testing.stripe_server._http import Listener
from retainkit.testing.stripe_server._invoice_life import authenticate
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject
from retainkit.testing.stripe_server._pages import HtmlAnswer, submit, visit
from retainkit.testing.stripe_server._payment_methods import attach, new_method
from retainkit.testing.stripe_server._state import State, instant, seconds, unix
from retainkit.testing.stripe_server._versions import LATEST
from retainkit.testing.stripe_server._webhooks import Delivery, SignedAt


API_KEY = "sk_test_retainkit"
"""The key the server lets in unless it is told another."""

_LOOK_EVERY = 0.02
_GIVE_UP_AFTER = 10


@frozen(kw_only=True)
class EffectiveCharge:
    """
    Money that moved.

    Args:
        amount: In the currency's minor units.

        at: The server's time.

        idempotency_key: The key of the request that moved it; `None` for the server's own
            collection and for the hosted page.
    """

    id: str
    invoice: str
    customer: str
    payment_method: str
    amount: int
    currency: str
    at: datetime
    idempotency_key: str | None


class StripeServer:
    """
    A stateful Stripe on the loopback interface, for tests through the real SDK.

    ::

        with StripeServer(seed=7, now=datetime(2026, 11, 1, tzinfo=UTC)) as server:
            client = stripe.StripeClient(server.api_key, base_addresses={"api": server.url})

    Args:
        seed: Ids derive from it; the same seed and calls give the same ids.

        now: Where the clock stands until `advance`; `None` follows the machine's clock.

        port: 0 takes a free one.

        db: A SQLite file the state is kept in, so that it outlives the process; its view
            ``effective_charge`` shows the charges to another process.

        api_key: The only key that is let in.

        api_version: The account's API version; before ``2025-03-31`` webhooks have the
            pre-basil shapes. A request's ``Stripe-Version`` header wins.

        smart_retries: Whether the server itself tries failed automatic payments again; if not,
            ``next_payment_attempt`` is null after a failure.

        retry_after: When it tries again, counted from the first failure.

        after_retries: What becomes of the subscription when the tries are used up.

        finalize_after: How long an automatic invoice stays a draft.

        refuses_paid: Whether a paid invoice refuses to be paid again, as Stripe's does; `False`
            lets a second payment take effect, so that a test for double charges can fail.

        signed_at: Whose time webhook signatures bear: ``machine`` or ``server``.

        deliver_automatically: Whether a thread delivers webhooks as they arise; otherwise they
            wait for `deliver`.

    Raises:
        ConfigurationError: The port is taken.
        InvalidInput: `now` has no time zone.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        now: datetime | None = None,
        port: int = 0,
        db: str | Path | None = None,
        api_key: str = API_KEY,
        api_version: str = LATEST,
        smart_retries: bool = False,
        retry_after: tuple[timedelta, ...] = SMART_RETRIES,
        after_retries: AfterRetries = AfterRetries.PAST_DUE,
        finalize_after: timedelta = timedelta(hours=1),
        refuses_paid: bool = True,
        signed_at: SignedAt = SignedAt.MACHINE,
        deliver_automatically: bool = False,
    ) -> None:
        self._settings = Settings(
            api_key=api_key,
            api_version=api_version,
            smart_retries=smart_retries,
            retry_after=retry_after,
            after_retries=after_retries,
            finalize_after=finalize_after,
            refuses_paid=refuses_paid,
        )
        self._signed_at = SignedAt(signed_at)
        self._automatic = deliver_automatically
        self._delivering = Lock()
        self._closing = Event()
        self._threads: list[Thread] = []
        try:
            self._listener = Listener(
                port, page=self._page, control=lambda request: control(self, request)
            )
        except OSError as error:
            raise ConfigurationError(
                "The Stripe server can't listen on this port",
                code="stripe_server.port",
                field="port",
                value=port,
                remedy="pass port=0 for a free port",
            ) from error
        try:
            clock = None if now is None else _aware(now)
            self._state = State(seed=seed, now=clock, db=None if db is None else Path(db), due=due)
        except BaseException:
            self._listener.server_close()
            raise
        self._api = Api(self._state, self._settings, self.url)
        self._listener.api = self._api

    # Life

    def start(self) -> Self:
        """Serve from a thread; returns the server."""
        self._spawn(lambda: self._listener.serve_forever(0.01), "stripe-server")
        if self._automatic:
            self._spawn(self._keep_delivering, "stripe-webhooks")
        return self

    def stop(self) -> None:
        """Stop serving and close the SQLite file; requests that hang are let go."""
        self._closing.set()
        self._listener.closing.set()
        self._api.close()
        if self._threads:
            self._listener.shutdown()
        self._listener.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        with self._state.lock:
            self._state.commit()
            self._state.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address, for ``base_addresses={"api": server.url}``."""
        return self._listener.url

    @property
    def api_key(self) -> str:
        """The key the server lets in."""
        return self._settings.api_key

    # The clock

    @property
    def now(self) -> datetime:
        """The server's time, in UTC."""
        with self._state.lock:
            return instant(self._state.now)

    def advance(self, span: timedelta) -> datetime:
        """
        Turn the clock forward, letting renewals and retries happen on their way.

        Raises:
            InvalidInput: The span is negative.
        """
        if span < timedelta(0):
            raise InvalidInput(
                "The clock only goes forward",
                code="stripe_server.clock",
                field="span",
                value=span,
                remedy="pass a timedelta of zero or more",
            )
        with self._state.lock:
            run(self._state, self._settings, self._state.now + seconds(span))
            self._state.commit()
            return instant(self._state.now)

    # Cards

    def payment_method(
        self,
        customer: str,
        card: str = "visa",
        *,
        brand: str | None = None,
        default: bool = True,
        advice_code: str | None = None,
        network_decline_code: str | None = None,
        network_advice_code: str | None = None,
        declines: int | None = None,
        until: datetime | None = None,
        expires: tuple[int, int] | None = None,
    ) -> str:
        """
        Attach a card to a customer and return its id.

        Args:
            customer: Whose it is.

            card: A name of `CARDS`, one of Stripe's test tokens, or a decline code.

            brand: ``visa``, ``mastercard`` or another network; the card's own when left out.

            default: Whether it becomes the default for invoices.

            advice_code: What the error says instead of the code's usual advice; empty for none.

            network_decline_code: Likewise for the network's code.

            network_advice_code: Likewise for the network's advice.

            declines: After so many declines the card works; `None` for never.

            until: From then on the card works, as with funds that come on payday.

            expires: Month and year; the card declines as expired afterwards.

        Raises:
            InvalidInput: There is no such card.
        """
        found = by_name(card)
        network = brand or found.brand
        how = behaviour(
            found,
            brand=network,
            advice_code=advice_code,
            network_decline_code=network_decline_code,
            network_advice_code=network_advice_code,
        )
        how |= {"left": declines, "until": None if until is None else unix(_aware(until))}
        with self._state.lock:
            owner = self._known("customer", customer)
            method = new_method(self._state, found, brand=network, expires=expires, how=how)
            how["attachable"] = True
            attach(self._state, method, customer)
            if default:
                set_default(self._state, owner, method["id"])
            self._state.commit()
            return str(method["id"])

    def behave(
        self,
        payment_method: str,
        card: str,
        *,
        declines: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Let an attached card behave like another from now on, keeping its id and its face."""
        with self._state.lock:
            method = self._known("payment_method", payment_method)
            how = behaviour(by_name(card), brand=method["card"]["brand"])
            how |= {"left": declines, "until": None if until is None else unix(_aware(until))}
            method[HIDDEN]["behaviour"] = how
            self._state.save(method)
            self._state.commit()

    def authenticate(self, invoice: str) -> bool:
        """The customer confirms the invoice's waiting payment; whether it went through."""
        with self._state.lock:
            tried = authenticate(self._state, self._settings, self._known("invoice", invoice))
            self._state.commit()
            return tried is not None and tried.approved

    # Faults

    def fail_next(
        self, path: str, fault: Fault, *, times: int = 1, method: str | None = None
    ) -> None:
        """
        Let the next requests to a path fail.

        Args:
            path: Such as ``/v1/invoices/{id}/pay``; a part in braces matches any id.

            fault: What goes wrong.

            times: How many requests.

            method: ``GET``, ``POST`` or ``DELETE``; any when left out.
        """
        with self._state.lock:
            _faults.order(self._state, path, Fault(fault), times=times, method=method)
            self._state.commit()

    @property
    def faults(self) -> list[tuple[str, Fault, int]]:
        """The faults that still wait: path, fault, how often."""
        with self._state.lock:
            return [
                (ordered["path"], Fault(ordered["fault"]), ordered["left"])
                for ordered in _faults.pending(self._state)
            ]

    def release(self) -> None:
        """Let the requests go on that `Fault.SLOW` holds."""
        self._api.release()

    @property
    def held(self) -> int:
        """How many requests `Fault.SLOW` holds now."""
        return self._api.held

    # The judge

    def charges(self) -> list[EffectiveCharge]:
        """Every charge that moved money, oldest first: the only judge of double charges."""
        with self._state.lock:
            return [
                EffectiveCharge(
                    id=charge["id"],
                    invoice=charge[HIDDEN]["invoice"],
                    customer=charge["customer"],
                    payment_method=charge["payment_method"],
                    amount=charge["amount"],
                    currency=charge["currency"],
                    at=instant(charge["created"]),
                    idempotency_key=charge[HIDDEN]["idempotency_key"],
                )
                for charge in self._state.all("charge")
                if charge["status"] == "succeeded"
            ]

    def requests(self) -> list[RequestRecord]:
        """Every request to the API since the server started, oldest first."""
        with self._state.lock:
            return list(self._api.seen)

    # Webhooks

    def webhook(
        self,
        url: str,
        *,
        secret: str,
        events: Iterable[str] = ("*",),
        api_version: str | None = None,
    ) -> str:
        """
        Register an endpoint for the events from now on; returns its id.

        Args:
            url: Where the events are posted to.

            secret: What its signatures are made with, such as ``whsec_...``.

            events: Names of events, or ``*``.

            api_version: The shapes it gets; the account's version when left out.
        """
        with self._state.lock:
            ref = _webhooks.register(
                self._state,
                url,
                secret=secret,
                events=events,
                api_version=api_version or self._settings.api_version,
            )
            self._state.commit()
            return ref

    def deliver(
        self,
        *,
        delay: timedelta = timedelta(0),
        duplicate: float = 0.0,
        shuffle: int | None = None,
    ) -> list[Delivery]:
        """
        Send what waits, each event once, in order; returns the tries.

        An event the receiver doesn't accept stays and is sent again by the next call.

        Args:
            delay: Send only events that have waited so long on the server's clock.

            duplicate: The share of events that is sent twice, 0 to 1.

            shuffle: A seed; the events, duplicates included, go out in its order.
        """
        with self._delivering:
            with self._state.lock:
                parcels = _webhooks.waiting(
                    self._state,
                    older_than=seconds(delay),
                    duplicate=duplicate,
                    shuffle=shuffle,
                )
            return [self._send(parcel) for parcel in parcels]

    def resend(self, event: str) -> None:
        """Queue an event once more, however late: a duplicate with the same id."""
        with self._state.lock:
            self._state.enqueue(self._known("event", event))
            self._state.commit()

    def deliveries(self) -> list[Delivery]:
        """Every try to deliver so far, with the receivers' answers."""
        with self._state.lock:
            return _webhooks.sent(self._state)

    @property
    def undelivered(self) -> int:
        """How many deliveries wait."""
        with self._state.lock:
            return self._state.count("_delivery")

    def reset(self) -> None:
        """Forget everything: objects, keys, faults, endpoints and the clock's turns."""
        with self._state.lock:
            self._state.clear()
            self._api.seen.clear()

    # Inside

    def _page(self, request: Request) -> HtmlAnswer:
        _, kind, ref, *_ = request.path.split("/")
        with self._state.lock:
            run(self._state, self._settings, self._state.now)
            answer = (
                submit(self._state, self._settings, kind, ref, request.body)
                if request.method == "POST"
                else visit(self._state, kind, ref)
            )
            self._state.commit()
            return answer

    def _send(self, parcel: _webhooks.Parcel) -> Delivery:
        with self._state.lock:
            signed = _webhooks.timestamp(self._state, self._signed_at)
        sent = _webhooks.send(parcel, signed)
        with self._state.lock:
            _webhooks.note(self._state, parcel, sent)
            self._state.commit()
        return sent

    def _keep_delivering(self) -> None:
        tries: dict[str, int] = {}
        again_at: dict[str, float] = {}
        while not self._closing.wait(_LOOK_EVERY):
            with self._delivering:
                with self._state.lock:
                    parcels = _webhooks.waiting(self._state)
                for parcel in parcels:
                    ref = parcel.delivery
                    if self._closing.is_set() or again_at.get(ref, 0.0) > time.monotonic():
                        continue
                    if self._send(parcel).accepted:
                        continue
                    tries[ref] = tries.get(ref, 0) + 1
                    again_at[ref] = time.monotonic() + 0.1 * 2.0 ** tries[ref]
                    if tries[ref] >= _GIVE_UP_AFTER:
                        with self._state.lock:
                            self._state.forget("_delivery", ref)
                            self._state.commit()

    def _spawn(self, target: Callable[[], None], name: str) -> None:
        thread = Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _known(self, kind: str, ref: str) -> JsonObject:
        found = self._state.find(kind, ref)
        if found is None:
            raise InvalidInput(
                f"The Stripe server has no such {kind.replace('_', ' ')}",
                code="stripe_server.unknown",
                field=kind,
                value=ref,
                remedy="pass an id the server gave out",
            )
        return found


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None or at.utcoffset() is None:
        raise InvalidInput(
            "A datetime without a time zone is no instant",
            code="time.naive",
            field="now",
            value=at,
            remedy="pass an aware datetime, for example datetime.now(UTC)",
        )
    return at
