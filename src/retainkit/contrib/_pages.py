"""The page behind a link of a message, in English and German; what leads to which is elsewhere."""

from __future__ import annotations

from base64 import b64encode
from enum import Enum
from hashlib import sha256
from html import escape
from string import Template
from types import MappingProxyType
from typing import Final

from attrs import frozen

from retainkit.messages import Branding


class Face(Enum):
    """What a page says."""

    INVITE = "invite"
    EXPIRED = "expired"
    USED = "used"
    UNKNOWN = "unknown"
    LATER = "later"


@frozen(kw_only=True)
class Page:
    """
    A page, and the policy that lets its one style through.

    Args:
        html: The document.

        policy: Its Content-Security-Policy.
    """

    html: str
    policy: str


@frozen
class _Words:
    title: str
    text: str


# Nobody is addressed in German, so that it serves for de_formal too.
_WORDS: Final = MappingProxyType(
    {
        "en": {
            Face.INVITE: _Words(
                "Update your payment method",
                "The button leads to the secure page of our payment provider. There you can"
                " choose a payment method or enter a new one.\n"
                "Card details are entered there and nowhere else.",
            ),
            Face.EXPIRED: _Words(
                "This link has expired",
                "For your safety, links work for a short time only.\n"
                "Please use the link in our newest message, or change the payment method"
                " after signing in.",
            ),
            Face.USED: _Words(
                "This link was used already",
                "Each link works once. If the payment method was changed, all is done.\n"
                "If not, please use the link in our newest message, or change the payment"
                " method after signing in.",
            ),
            Face.UNKNOWN: _Words(
                "This link does not work",
                "Perhaps a part of it is missing. Please open it from the message again.",
            ),
            Face.LATER: _Words(
                "Please try again in a few minutes",
                "The payment page can't be reached right now.\n"
                "Nothing was changed, and the link still works.",
            ),
        },
        "de": {
            Face.INVITE: _Words(
                "Zahlungsart aktualisieren",
                "Der Knopf führt zur gesicherten Seite unseres Zahlungsdienstes. Dort lässt"
                " sich eine Zahlungsart wählen oder neu angeben.\n"
                "Kartendaten werden dort eingegeben und nirgends sonst.",
            ),
            Face.EXPIRED: _Words(
                "Dieser Link ist abgelaufen",
                "Zur Sicherheit gelten Links nur kurze Zeit.\n"
                "Bitte den Link aus unserer neuesten Nachricht nehmen oder die Zahlungsart"
                " nach der Anmeldung ändern.",
            ),
            Face.USED: _Words(
                "Dieser Link wurde schon benutzt",
                "Jeder Link gilt einmal. Wurde die Zahlungsart geändert, ist alles getan.\n"
                "Sonst bitte den Link aus unserer neuesten Nachricht nehmen oder die"
                " Zahlungsart nach der Anmeldung ändern.",
            ),
            Face.UNKNOWN: _Words(
                "Dieser Link funktioniert nicht",
                "Vielleicht fehlt ein Teil. Bitte noch einmal aus der Nachricht öffnen.",
            ),
            Face.LATER: _Words(
                "Bitte in ein paar Minuten noch einmal versuchen",
                "Die Zahlungsseite ist gerade nicht erreichbar.\n"
                "Es wurde nichts geändert, und der Link gilt weiter.",
            ),
        },
    }
)
_BUTTON: Final = MappingProxyType(
    {
        "en": MappingProxyType(
            {Face.INVITE: "Continue to the payment page", Face.LATER: "Try again"}
        ),
        "de": MappingProxyType(
            {Face.INVITE: "Weiter zur Zahlungsseite", Face.LATER: "Noch einmal versuchen"}
        ),
    }
)
_HELP: Final = MappingProxyType({"en": "Help", "de": "Hilfe"})

_STYLE: Final = Template("""
:root { color-scheme: light dark; --page: #f3f4f6; --card: #ffffff; --text: #1c2128;
  --quiet: #57606a; --line: #dfe3e8; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1318; --card: #181d24; --text: #e8ebef;
  --quiet: #a9b3bf; --line: #2d353f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 1rem;
  background: var(--page); color: var(--text); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.page { width: min(30rem, 100vw - 2rem); }
main { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: clamp(1.25rem, 6vw, 2rem); }
.product { margin: 0 0 1.25rem; font-weight: 600; color: var(--quiet); }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0 0 1rem; }
button { display: block; width: 100%; margin: 1.5rem 0 .25rem; padding: .85rem 1rem; font: inherit;
  font-weight: 600; color: $ink; background: $colour; border: 1px solid transparent;
  border-radius: .5rem; cursor: pointer; }
button:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid currentColor; outline-offset: 3px; }
button:focus-visible { outline-color: var(--text); }
footer { padding: 1rem clamp(1.25rem, 6vw, 2rem); font-size: .9rem; color: var(--quiet); }
footer a { color: inherit; }
""")

_PAGE: Final = Template("""<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
</head>
<body>
<div class="page">
<main>
$product<h1>$heading</h1>
$body</main>
$footer</div>
</body>
</html>
""")


def page(face: Face, *, language: str, branding: Branding) -> Page:
    """One page; ``language`` is a key that :func:`spoken` gave."""
    words = _WORDS[language][face]
    style = _STYLE.substitute(colour=branding.colour, ink=branding.text_colour)
    product = escape(branding.product)
    html = _PAGE.substitute(
        language=language,
        title=" · ".join(filter(None, (escape(words.title), product))),
        style=style,
        product=f'<p class="product">{product}</p>\n' if product else "",
        heading=escape(words.title),
        body="".join(f"<p>{escape(text)}</p>\n" for text in words.text.splitlines())
        + _form(face, language),
        footer=_footer(branding, language),
    )
    digest = b64encode(sha256(style.encode()).digest()).decode()
    # No form-action: browsers apply it to the redirect as well, and the provider's address is
    # known only once its page was made.
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    )
    return Page(html=html, policy=policy)


def _form(face: Face, language: str) -> str:
    """One button and no field: there is nothing to type on this page."""
    label = _BUTTON[language].get(face)
    if label is None:
        return ""
    return f'<form method="post"><button type="submit">{escape(label)}</button></form>\n'


def _footer(branding: Branding, language: str) -> str:
    mail, url = escape(branding.support_email), escape(branding.support_url)
    link = f'<a href="{url}">{url}</a>' if url else f'<a href="mailto:{mail}">{mail}</a>'
    return f"<footer>{_HELP[language]}: {link}</footer>\n" if url or mail else ""


def spoken(wanted: str) -> str:
    """
    The language of ours that comes first in a locale or an Accept-Language; English if none.

    Weights are read; a language without one comes first.
    """
    best, found = 0.0, "en"
    for part in wanted.split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().replace("_", "-").partition("-")[0]
        liked = _weight(weight)
        if language in _WORDS and liked > best:
            best, found = liked, language
    return found


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
