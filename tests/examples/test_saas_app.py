"""The example product from a failed invoice to recovered money, over real HTTP and SMTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Event
from time import monotonic

import httpx2
import pytest
from examples.saas_app.inbox import body
from examples.saas_app.tables import customers
from examples.saas_app.world import World, running

import retainkit
from retainkit.ids import CustomerId, EventId


ANNA = CustomerId("anna")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything running; webhooks wait until a test delivers them."""
    with running(database=f"sqlite:///{tmp_path / 'app.db'}", deliver=False) as started:
        yield started


@pytest.fixture
def browser(world: World) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=world.url, timeout=20) as client:
        yield client


def until(found: Callable[[], object], within: float = 20) -> None:
    """Wait for what the worker and the servers do in threads of their own."""
    pause, ends = Event(), monotonic() + within
    while not found():
        assert monotonic() < ends, "it did not happen"
        pause.wait(0.02)


def names(world: World) -> list[str]:
    """What happened to Anna, oldest first."""
    return [recorded.event.name for recorded in world.shop.kit.timeline(ANNA)]


def seen(page: httpx2.Response) -> str:
    """The text of a page."""
    assert page.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text.split("</style>")[1])).split())


def test_a_failed_payment_becomes_recovered_money(world: World, browser: httpx2.Client) -> None:
    """Webhooks twice and late, a German mail, the hosted page, one charge, a closed case."""
    kit, server = world.shop.kit, world.server
    reference = kit.directory.get(ANNA, tenant=kit.tenant)
    assert reference is not None
    paid_before = [charge.id for charge in server.charges()]

    # The invoice fails; its webhooks come six hours late, each twice, in any order.
    server.advance(timedelta(days=1))
    server.advance(timedelta(hours=6))
    told = server.deliver(delay=timedelta(hours=6), duplicate=1.0, shuffle=3)
    failures = [sent for sent in told if sent.type == "invoice.payment_failed"]
    assert len(failures) == 2
    assert {sent.status for sent in told} == {200}

    # Anna gets one mail, in her language and with her amount.
    until(lambda: world.inbox.mails)
    world.settle()
    (mail,) = world.inbox.mails
    text = body(mail, "plain")
    assert mail["To"] == "anna@customer.example"
    assert mail["Subject"] == "Deine Zahlung an Notely hat nicht geklappt"
    assert "29,90 €" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert names(world).count("dunning.case_opened") == 1
    browser.post("/sign-in/anna")
    assert "Die letzte Zahlung hat nicht geklappt." in seen(browser.get("/"))

    # The link shows a page in German; looking at it changes nothing.
    (link,) = re.findall(rf"{world.url}/pay/\S+", text)
    for _ in range(2):
        assert "Weiter zur Zahlungsseite" in seen(browser.get(link))
    assert "link.used" not in names(world)

    # Its button leads to Stripe's page, where Anna chooses a good card.
    led = browser.post(link)
    assert led.status_code == 303
    hosted = led.headers["location"]
    assert hosted.startswith(f"{server.url}/portal/")
    back = httpx2.post(hosted, data={"card": "visa"})
    assert (back.status_code, back.headers["location"]) == (303, f"{world.url}/thanks")
    assert browser.get(link).status_code == 410

    # The payment is tried at once, with the clock standing still, and succeeds once.
    assert {sent.status for sent in server.deliver(duplicate=1.0, shuffle=5)} == {200}
    until(lambda: not kit.dunning.open_cases())
    server.deliver(duplicate=1.0)
    world.settle()
    new = [charge for charge in server.charges() if charge.id not in paid_before]
    anna = [charge for charge in new if charge.customer == reference.reference]
    assert [(charge.amount, charge.currency) for charge in anna] == [(2990, "eur")]
    assert anna[0].at == server.now
    assert kit.upcoming(ANNA) == ()
    assert kit.attention() == ()
    assert "hat nicht geklappt" not in seen(browser.get("/"))

    # She is thanked, and the timeline explains each step in German.
    until(lambda: len(world.inbox.mails) == 2)
    assert world.inbox.mails[1]["Content-Language"] == "de"
    shown = seen(browser.get("/customers/anna", params={"language": "de"}))
    for sentence in (
        "fehlgeschlagen: fehlende Deckung (try_again_later).",
        "Versuch 1 von 3 ist für den 2. Dezember 2026, 11:00 geplant.",
        "Der Mailserver hat die Nachricht angenommen.",
        "Der Kunde hat eine neue Zahlungsart angegeben; jede offene Rechnung wird jetzt",
        "hat die Rechnung eingezogen.",
        "Alles Offene wurde bezahlt.",
        "Das Geld ist da; die Regeln sehen einen Dank vor.",
    ):
        assert sentence in shown
    decided = [recorded.event for recorded in kit.timeline(ANNA) if recorded.event.because]
    assert {event.name for event in decided} >= {"dunning.case_opened", "dunning.case_closed"}
    unexplained = [why.key for event in decided for why in event.because if why.key in shown]
    assert unexplained == []


def test_the_products_rows_and_retainkits_are_kept_together_or_not_at_all(world: World) -> None:
    """What undoes our row undoes retainkit's event with it."""
    shop, cora = world.shop, CustomerId("cora")
    row = {"id": cora, "name": "Cora", "email": "c@customer.example", "locale": "de", "zone": "UTC"}
    signed_up = retainkit.Event(
        id=EventId("signed_up:cora"),
        name="customer.signed_up",
        customer=cora,
        occurred_at=world.server.now,
    )

    def sign_up_and_fail() -> None:
        with shop.engine.begin() as connection:
            connection.execute(customers.insert().values(**row, stripe_customer="cus_cora"))
            with shop.kit.join(connection) as k:
                k.record(signed_up)
                assert k.timeline(cora) != ()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sign_up_and_fail()

    assert shop.kit.directory.get(cora, tenant=shop.kit.tenant) is None
    assert shop.kit.timeline(cora) == ()
    shop.sign_up(**row)
    assert [recorded.event.name for recorded in shop.kit.timeline(cora)] == ["customer.signed_up"]


def test_who_falls_silent_is_seen_and_a_note_ends_it(world: World, browser: httpx2.Client) -> None:
    """Signals, a rule and a score in the product: what support reads, and what changes it."""
    kit, ben = world.shop.kit, CustomerId("ben")
    world.settle()
    assert [member.customer for member in kit.rules.members("rule:fell-silent")] == [ben]
    shown = seen(browser.get("/customers/ben"))
    assert "Fell silent: true" in shown
    assert "Is last_note_at at least so long ago: 10 days?" in shown
    assert "Fell silent: false" in seen(browser.get("/customers/anna"))
    bands = {who: kit.health.why(CustomerId(who)).band for who in ("anna", "ben")}
    assert bands == {"anna": "green", "ben": "yellow"}
    report = seen(browser.get("/health"))
    assert "2 customers as of 2026-11-30" in report

    browser.post("/sign-in/ben")
    assert browser.post("/notes").headers["location"] == "/"
    world.settle()
    assert "Fell silent: false" in seen(browser.get("/customers/ben"))
    assert [member.customer for member in kit.rules.members("rule:fell-silent")] == [ben]

    # It holds three days more, so that one note makes no two episodes of one silence.
    world.turn(timedelta(days=3))
    assert kit.rules.members("rule:fell-silent") == ()


def test_who_is_not_signed_in_or_has_left_writes_no_note(
    world: World, browser: httpx2.Client
) -> None:
    """The button's answer is the same; nothing is written."""
    kit, ben = world.shop.kit, CustomerId("ben")
    written = len(kit.timeline(ben))
    assert browser.post("/notes").status_code == 303
    kit.record(
        retainkit.Event(
            id=EventId("gone:ben"),
            name="subscription.cancelled",
            customer=ben,
            occurred_at=world.server.now,
        )
    )
    browser.post("/sign-in/ben")
    assert browser.post("/notes").status_code == 303
    world.settle()
    told = [recorded.event.name for recorded in kit.timeline(ben)]
    assert told[written:].count("note.written") == 0


def test_a_clock_turned_in_the_browser_tells_the_story(tmp_path: Path) -> None:
    """With webhooks delivered at once, one press of the button brings the mail."""
    database = f"sqlite:///{tmp_path / 'app.db'}"
    with (
        running(database=database) as world,
        httpx2.Client(base_url=world.url, follow_redirects=True, timeout=20) as browser,
    ):
        assert "None yet" in seen(browser.get("/inbox"))
        browser.post("/clock")
        until(lambda: world.inbox.mails)
        assert "Deine Zahlung an Notely hat nicht geklappt" in seen(browser.get("/inbox"))
        assert "29,90" in browser.get("/inbox/0").text
        assert browser.get("/inbox/7").status_code == 404
        shown = seen(browser.get("/customers/anna"))
        assert "What comes next" in shown
        assert "retry" in shown
        assert browser.get("/customers/nobody").status_code == 404
