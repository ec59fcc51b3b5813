"""What FastAPI and Django answer alike: webhooks, the pages of links, and no card number ever."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contrib.cards import card_numbers
from tests.contrib.conftest import Shop, Web, build_shop, in_django, in_fastapi

from retainkit import RetainKit
from retainkit.errors import Refused
from retainkit.money import money


CARD = "4242 4242 4242 4242"
HOOK = "/webhooks/stripe"


def a_webhook(shop: Shop) -> tuple[bytes, dict[str, str]]:
    """The first webhook of an invoice that was not paid."""
    shop.payments.open_invoice(reference="cus_ada", amount=money("19.90", "EUR"))
    return shop.webhooks()[0]


def rows(shop: Shop) -> dict[str, list[object]]:
    """Everything in every table."""
    with closing(sqlite3.connect(shop.file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()
            for (name,) in tables.fetchall()
        }


def test_a_verified_webhook_is_kept_and_the_same_again_is_fine(web: Web, shop: Shop) -> None:
    """200 each time; the answer says what became of it."""
    body, headers = a_webhook(shop)

    first, again = web("POST", HOOK, body, headers), web("POST", HOOK, body, headers)

    assert (first.status, json.loads(first.text)) == (200, {"state": "accepted"})
    assert (again.status, json.loads(again.text)) == (200, {"state": "duplicate"})
    assert shop.names() == ["webhook.received"]


def test_a_webhook_of_nobody_we_know_is_parked_and_accepted(web: Web, shop: Shop) -> None:
    """What is verified is never refused."""
    shop.payments.add_method(reference="cus_stranger")
    shop.payments.open_invoice(reference="cus_stranger", amount=money("5.00", "EUR"))
    ((body, headers), *_) = shop.webhooks()

    answer = web("POST", HOOK, body, headers)

    assert (answer.status, json.loads(answer.text)) == (200, {"state": "parked"})


def test_a_wrong_signature_is_refused_with_a_remedy(web: Web, shop: Shop) -> None:
    """400, a small JSON error, and every table as it was."""
    body, _ = a_webhook(shop)
    headers = shop.payments.sign(body, at=shop.clock.now(), secret="another secret")
    before = rows(shop)

    answer = web("POST", HOOK, body, headers)

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text) == {
        "code": "webhook.signature",
        "remedy": "pass the raw request body and the webhook's own secret",
    }
    assert rows(shop) == before


def test_a_webhook_that_was_signed_long_ago_is_refused(web: Web, shop: Shop) -> None:
    """A recorded webhook can't be played back."""
    body, headers = a_webhook(shop)
    shop.clock.advance(timedelta(minutes=6))

    answer = web("POST", HOOK, body, headers)

    assert (answer.status, json.loads(answer.text)["code"]) == (400, "webhook.too_old")


def test_a_body_that_is_too_large_is_refused_before_its_signature_is_looked_at(
    web: Web, shop: Shop
) -> None:
    """413; a body of exactly the limit is read."""
    before = rows(shop)

    answer = web("POST", HOOK, b"x" * ((1 << 20) + 1))
    at_the_limit = web("POST", HOOK, b"x" * (1 << 20))

    assert answer.status == 413
    assert json.loads(answer.text) == {
        "code": "webhook.too_large",
        "remedy": "send at most 1048576 bytes",
    }
    assert json.loads(at_the_limit.text)["code"] == "webhook.signature"
    assert rows(shop) == before


def test_a_locked_store_asks_the_provider_to_come_again(web: Web, shop: Shop) -> None:
    """503 with Retry-After; later the same webhook is kept."""
    body, headers = a_webhook(shop)
    with closing(sqlite3.connect(shop.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = web("POST", HOOK, body, headers)
        other.execute("ROLLBACK")

    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert json.loads(answer.text)["code"] == "store.locked"
    assert web("POST", HOOK, body, headers).status == 200


def test_only_posts_are_webhooks(web: Web) -> None:
    """Looking at the address shows nothing."""
    assert web("GET", HOOK).status == 405


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_a_link_changes_nothing(web: Web, shop: Shop, method: str) -> None:
    """Mail scanners may look as often as they like."""
    path = shop.link()
    before = rows(shop)

    answers = [web(method, path) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert rows(shop) == before


def test_the_page_is_private_and_loads_nothing(web: Web, shop: Shop) -> None:
    """The address is a key: no cache, no referrer, no index, no frame, no foreign asset."""
    answer = web("GET", shop.link(), headers={"accept-language": "en"})

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; base-uri 'none'; frame-ancestors 'none'")
    assert "set-cookie" not in answer.headers
    for foreign in ("http://", "https://", "<script", "<img", "<input", "@import", "url("):
        assert foreign not in answer.text


def test_the_page_speaks_the_customers_language(web: Web, shop: Shop) -> None:
    """The customer's locale comes before the browser's; the product's name is escaped."""
    answer = web("GET", shop.link(), headers={"accept-language": "en"})

    assert answer.headers["content-language"] == "de"
    assert '<html lang="de">' in answer.text
    assert "Weiter zur Zahlungsseite" in answer.text
    assert "Notes &amp; &lt;Co&gt;" in answer.text
    assert "<Co>" not in answer.text
    assert 'href="mailto:help@notely.example"' in answer.text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de-AT,en;q=0.5", "de"),
        ("en;q=0.3, de;q=0.9", "de"),
        ("fr, *;q=0.1", "en"),
        ("de;q=none", "en"),
    ],
)
def test_a_stranger_is_answered_in_the_browsers_language(
    web: Web, accepted: str, language: str
) -> None:
    """Where no link says who it is, Accept-Language counts."""
    answer = web("GET", "/pay/no-link", headers={"accept-language": accepted})

    assert answer.headers["content-language"] == language


def test_the_button_leads_to_the_providers_page_once(web: Web, shop: Shop) -> None:
    """303, and then a friendly 410, for looking and for posting."""
    path = shop.link()

    led, again, looked = web("POST", path), web("POST", path), web("GET", path)

    assert led.status == 303
    assert led.headers["location"].startswith("https://pay.example.test/simulated/cus_ada?")
    assert led.headers["cache-control"] == "no-store"
    assert (again.status, looked.status) == (410, 410)
    assert "This link was used already" in again.text
    assert shop.names().count("link.used") == 1


def test_an_old_link_says_so(web: Web, shop: Shop) -> None:
    """410 and a way out, in the browser's language."""
    path = shop.link()
    shop.clock.advance(timedelta(days=4))

    answer = web("POST", path, headers={"accept-language": "de"})

    assert answer.status == 410
    assert "Dieser Link ist abgelaufen" in answer.text
    assert "<button" not in answer.text


def test_a_link_that_is_none_of_ours_is_not_found(web: Web, shop: Shop) -> None:
    """Cut, forged or signed elsewhere: 404, without saying which."""
    path = shop.link()

    for wrong in ("/pay/x", path[:-3], f"{path[:-6]}AAAAAA", f"/pay/{'a' * 3000}"):
        answer = web("GET", wrong)
        assert answer.status == 404
        assert "This link does not work" in answer.text
        assert web("POST", wrong).status == 404


def test_an_unreachable_provider_does_not_cost_the_link(web: Web, shop: Shop) -> None:
    """503 in the customer's language; the same button works later."""
    path = shop.link()
    shop.payments.reachable = False

    answer = web("POST", path)

    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert "Bitte in ein paar Minuten noch einmal versuchen" in answer.text
    assert "link.used" not in shop.names()
    shop.payments.reachable = True
    assert web("POST", path).status == 303


@pytest.mark.parametrize("mounted", [in_fastapi, in_django])
def test_in_shadow_mode_nobody_is_led_to_the_provider(
    mounted: Callable[[RetainKit], AbstractContextManager[Web]], shop: Shop
) -> None:
    """The page asks to come again, the provider is not asked, and the link still works."""
    path = shop.link()
    shadow = RetainKit(
        store=shop.kit.store,
        payments=shop.payments,
        customers=shop.kit.directory,
        links=shop.kit.links,
        clock=shop.clock,
        shadow=True,
    )
    before = rows(shop)
    shop.payments.reachable = False
    with pytest.raises(Refused) as caught:
        shadow.follow_link(path.rpartition("/")[2])
    assert (caught.value.code, caught.value.field) == ("link.shadow", "shadow")
    assert caught.value.remedy
    with mounted(shadow) as web:
        assert web("GET", path).status == 200
        assert web("POST", path).status == 503
    assert rows(shop) == before
    shop.payments.reachable = True
    assert shop.kit.follow_link(path.rpartition("/")[2]).url


@pytest.mark.parametrize("mounted", [in_fastapi, in_django])
def test_a_kit_without_links_has_no_link_page(
    tmp_path: Path, mounted: Callable[[RetainKit], AbstractContextManager[Web]]
) -> None:
    """Webhooks alone can be mounted."""
    with mounted(build_shop(tmp_path, links=False).kit) as web:
        assert web("GET", "/pay/x").status == 404


def test_no_card_number_is_taken_kept_or_logged(
    web: Web, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """In bodies, queries, paths, headers and signed webhooks: rows, logs and answers have none."""
    assert card_numbers(f"paid with {CARD}") == ["4242424242424242"]
    caplog.set_level(logging.WARNING, "httpx2")  # the client's own log of what it asks
    caplog.set_level(logging.CRITICAL, "django")  # the framework's own log of paths
    caplog.set_level(logging.DEBUG)  # the last one counts for what is caught
    path, bare = shop.link(), CARD.replace(" ", "")
    form = f"card={bare}&number={CARD}".encode()
    body, _ = a_webhook(shop)
    laden = json.dumps({**json.loads(body), "note": CARD, "customer_note": bare}).encode()
    told = shop.payments.sign(laden, at=shop.clock.now())
    forged = shop.payments.sign(laden, at=shop.clock.now(), secret=CARD)

    answers = [
        web("GET", f"{path}?card={bare}", headers={"accept-language": CARD}),
        web("GET", f"/pay/{bare}"),
        web("POST", f"/pay/{bare}?number={bare}", form),
        web("POST", HOOK, form, {"stripe-signature": f"t={bare},v1={bare}"}),
        web("POST", HOOK, laden, forged),
        web("POST", HOOK, laden, told),
        web("POST", f"{path}?card={bare}", form),
    ]
    shop.kit.run_due()
    shop.kit.sweep()

    assert [answer.status for answer in answers] == [200, 404, 404, 400, 400, 200, 303]
    assert "link.used" in shop.names()
    for answer in answers:
        assert card_numbers(answer.text + str(dict(answer.headers))) == []
    assert card_numbers(repr(rows(shop))) == []
    assert card_numbers(shop.mail.getvalue()) == []
    logged = [record.getMessage() for record in caplog.records]
    logged += [
        text for record in caplog.records for text in vars(record).values() if type(text) is str
    ]
    assert logged
    assert card_numbers("\n".join(logged)) == []
