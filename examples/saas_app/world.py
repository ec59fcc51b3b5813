"""What surrounds the product in production, made on this machine: Stripe, mail, time, a worker."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from time import monotonic

import sqlalchemy as sa
import stripe
import uvicorn
from attrs import frozen

from retainkit import CustomerId, RetainkitError
from retainkit.testing.stripe_server import SignedAt, StripeServer

from .app import create_app
from .inbox import Inbox
from .kit import Settings, build_kit
from .shop import Shop
from .stage import controls
from .tables import metadata


START = datetime(2026, 11, 1, 9, tzinfo=UTC)
SILENT_AFTER = 15
WEBHOOK_SECRET = "whsec_example"
WEBHOOKS = (
    "customer.updated",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.voided",
)


@frozen
class StripeClock:
    """The clock of the pretend Stripe: one time for both sides, turned by a button."""

    server: StripeServer

    def now(self) -> datetime:
        """What Stripe's clock shows."""
        return self.server.now


@frozen(kw_only=True)
class World:
    """The product and its surroundings, running."""

    url: str
    shop: Shop
    server: StripeServer
    inbox: Inbox
    working: Lock
    """Held while the worker works: no step may see the clock jump, or its lease would run out."""

    def turn(self, span: timedelta) -> None:
        """Let time pass, and wait until all that it brings has happened."""
        with self.working:
            self.server.advance(span)
        self.settle()

    def settle(self, *, within: float = 5.0) -> None:
        """Wait until no webhook is under way and nothing is due."""
        pause, ends = Event(), monotonic() + within
        while monotonic() < ends:
            quiet = self.server.undelivered == 0
            with self.working:
                quiet &= self.shop.kit.run_due().items == 0
            if quiet:
                return
            pause.wait(0.05)


@contextmanager
def running(*, database: str, port: int = 0, deliver: bool = True) -> Iterator[World]:
    """
    Start everything; stop it in the end.

    Args:
        database: An empty one, as SQLAlchemy writes it.

        port: Of the product; 0 takes a free one.

        deliver: Whether Stripe sends its webhooks at once, or when a test says so.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = stack.enter_context(
            StripeServer(
                seed=7, now=START, signed_at=SignedAt.SERVER, deliver_automatically=deliver
            )
        )
        inbox = stack.enter_context(Inbox())
        settings = Settings(
            database=database,
            url=url,
            stripe_key=server.api_key,
            stripe_url=server.url,
            webhook_secret=WEBHOOK_SECRET,
            link_secret="an example's secret, of no use anywhere else",
            smtp_host="127.0.0.1",
            smtp_port=inbox.port,
        )
        shop = stack.enter_context(_opened(settings, server))
        tell_the_story(shop, server)
        server.webhook(f"{url}/webhooks/stripe", secret=WEBHOOK_SECRET, events=WEBHOOKS)
        world = World(url=url, shop=shop, server=server, inbox=inbox, working=Lock())
        stack.enter_context(_worker(world))
        stack.enter_context(_serving(world, listening))
        yield world


@contextmanager
def _opened(settings: Settings, server: StripeServer) -> Iterator[Shop]:
    engine = sa.create_engine(settings.database)
    kit = build_kit(settings, engine, StripeClock(server))
    kit.store.migrate()
    metadata.create_all(engine)
    http = stripe.RequestsClient()
    client = stripe.StripeClient(
        settings.stripe_key, base_addresses={"api": server.url}, http_client=http
    )
    with closing(http):
        yield Shop(engine=engine, kit=kit, stripe=client)
    engine.dispose()


def tell_the_story(shop: Shop, server: StripeServer) -> None:
    """
    Two customers paid their first month; tomorrow the next is due, and one card has no funds.

    Anna writes a note every other day. Ben did, too, and fell silent.
    """
    people = (
        ("anna", "Anna Beispiel", "de", "Europe/Berlin", "eur", 2990),
        ("ben", "Ben Sample", "en_US", "America/New_York", "usd", 3200),
    )
    for person, name, locale, zone, currency, cents in people:
        known_as = shop.sign_up(
            id=person, name=name, email=f"{person}@customer.example", locale=locale, zone=zone
        )
        card = server.payment_method(known_as, "visa")
        shop.subscribe(person, plan="Team", cents=cents, currency=currency)
        if person == "anna":
            server.behave(card, "insufficient_funds")
    server.advance(timedelta(days=29, hours=3))
    for day in range(0, 29, 2):
        shop.write_note(CustomerId("anna"), at=START + timedelta(days=day))
        if day < SILENT_AFTER:
            shop.write_note(CustomerId("ben"), at=START + timedelta(days=day))


@contextmanager
def _worker(world: World) -> Iterator[None]:
    """A worker; in production ``retainkit worker`` in a process of its own, or cron."""
    stopped = Event()

    def work() -> None:
        while not stopped.wait(0.05):
            try:
                with world.working:
                    world.shop.kit.run_due(stop=stopped.is_set)
            except RetainkitError:
                logging.getLogger("saas_app").exception("the worker goes on")

    thread = Thread(target=work, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(timeout=10)


@contextmanager
def _serving(world: World, listening: socket.socket) -> Iterator[None]:
    app = create_app(world.shop)
    app.include_router(controls(world.inbox.mails, turn=world.turn, settle=world.settle))
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="app", daemon=True)
    thread.start()
    pause = Event()
    while not server.started and thread.is_alive():
        pause.wait(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)
