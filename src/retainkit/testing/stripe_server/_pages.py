"""The hosted pages: plain HTML forms without a card field; what a post does is in `_sessions`."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.testing.stripe_server._call import Settings
from retainkit.testing.stripe_server._cards import LISTED
from retainkit.testing.stripe_server._errors import ApiError
from retainkit.testing.stripe_server._invoice_life import authenticate
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._payments import intent_of
from retainkit.testing.stripe_server._sessions import (
    back_to,
    complete_checkout,
    complete_portal,
    pay_hosted,
)
from retainkit.testing.stripe_server._state import State


@frozen(kw_only=True)
class HtmlAnswer:
    """A page, or a redirect when there is a location."""

    status: int
    html: str = ""
    location: str | None = None


_KINDS = {"checkout": "checkout.session", "portal": "billing_portal.session", "invoice": "invoice"}

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1rem; }
main { max-width: 28rem; margin: 2rem auto; }
button, select { font: inherit; padding: .6rem 1rem; width: 100%; box-sizing: border-box; }
button { cursor: pointer; border: 0; border-radius: .4rem; background: #4338ca; color: #fff; }
button.plain { background: #374151; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
.error { border-left: .3rem solid #b91c1c; padding: .5rem 1rem; }
"""


def visit(state: State, kind: str, ref: str) -> HtmlAnswer:
    """GET of a hosted page; changes nothing."""
    found = state.find(_KINDS[kind], ref)
    if found is None:
        return _gone()
    return HtmlAnswer(status=200, html=_page(state, found))


def submit(state: State, settings: Settings, kind: str, ref: str, body: str) -> HtmlAnswer:
    """POST of a hosted page: the card is taken, and the customer sent back."""
    found = state.find(_KINDS[kind], ref)
    if found is None:
        return _gone()
    fields = parse_qs(body)
    card = fields.get("card", ["visa"])[0]
    try:
        refused = _take(state, settings, found, fields.get("do", ["card"])[0], card)
    except InvalidInput as error:
        return HtmlAnswer(status=400, html=_page(state, found, error=error.message))
    except ApiError as error:
        return HtmlAnswer(
            status=error.status, html=_page(state, found, error=error.error["message"])
        )
    if refused is not None:
        return HtmlAnswer(status=402, html=_page(state, found, error=refused))
    target = back_to(found) if kind != "invoice" else None
    if target is not None:
        return HtmlAnswer(status=303, location=target)
    return HtmlAnswer(status=200, html=_page(state, found, done=True))


def _take(state: State, settings: Settings, found: JsonObject, what: str, card: str) -> str | None:
    if found["object"] == "checkout.session":
        complete_checkout(state, found, card)
        return None
    if found["object"] == "billing_portal.session":
        complete_portal(state, found, card)
        return None
    if what == "authenticate":
        tried = authenticate(state, settings, found)
    else:
        tried = pay_hosted(state, settings, found, card)
    if tried is None or tried.approved:
        return None
    return str((tried.error or {}).get("message", "Your card was declined."))


def _page(state: State, found: JsonObject, *, error: str | None = None, done: bool = False) -> str:
    title, intro, button = _words(found)
    if done or found.get("status") in {"paid", "complete"}:
        return _html(title, "<p role='status'>Thank you, this is done.</p>")
    alert = f"<p class='error' role='alert'>{escape(error)}</p>" if error else ""
    options = "".join(
        f"<option value='{name}'>{escape(name.replace('_', ' '))}</option>" for name in LISTED
    )
    forms = (
        f"<p>{escape(intro)}</p>{alert}"
        f"<form method='post'><input type='hidden' name='card' value='visa'>"
        f"<button>{escape(button)} ending 4242</button></form>"
        f"<form method='post'><label for='card'>Another test card</label>"
        f"<select id='card' name='card'>{options}</select>"
        f"<button class='plain'>Use this test card</button></form>"
    )
    intent = intent_of(state, found) if found["object"] == "invoice" else None
    if intent is not None and intent["status"] == "requires_action":
        forms += (
            "<form method='post'><input type='hidden' name='do' value='authenticate'>"
            "<button class='plain'>Confirm the waiting payment at the bank</button></form>"
        )
    return _html(title, forms)


def _words(found: JsonObject) -> tuple[str, str, str]:
    if found["object"] == "invoice":
        due = f"{found['amount_remaining']} {found['currency'].upper()} (minor units)"
        return f"Invoice {found['number']}", f"Amount due: {due}.", "Pay with the card"
    return (
        "Change your payment method",
        "This is a test page: no card number is asked for or kept.",
        "Use the card",
    )


def _gone() -> HtmlAnswer:
    return HtmlAnswer(status=404, html=_html("Not found", "<p>There is no such page.</p>"))


def _html(title: str, body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
