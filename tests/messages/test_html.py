"""Laws of the HTML and of privacy: nothing from elsewhere, readable by anyone, no card data."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.messages.conftest import LINK, Write, invoices

from retainkit.customers import Customer
from retainkit.messages import Branding, Message


VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page, checked to be nested well."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.texts.setdefault(self._open[-1], []).append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def everything(write: Write, jorg: Customer) -> list[Message]:
    """Each message in each tone and language, with all it can say."""
    return [
        write(
            customer=evolve(jorg, locale=locale),
            message=message,
            tone=tone,
            invoices=invoices("10.00", "5.50"),
            total={"amount": "15.50", "currency": "EUR"},
            next_try="2026-11-24T09:00:00+00:00",
            access={"level": "blocked", "at": "2026-11-29T09:00:00+00:00"},
            end={"action": "cancel", "at": "2026-12-12T09:00:00+00:00"},
        )
        for message, tone, locale in product(
            ("payment_failed", "last_notice", "card_needs_action", "payment_recovered"),
            ("friendly", "neutral", "firm"),
            ("en", "de", "de_formal"),
        )
    ]


def test_a_letter_loads_nothing_and_tracks_nobody(write: Write, jorg: Customer) -> None:
    """No image, font, script or style sheet: the one address in it is the button's."""
    for message in everything(write, jorg):
        page = Page(message.html)

        assert {tag for tag, _ in page.elements} & {
            "img", "script", "link", "iframe", "object", "embed", "form", "video", "audio", "svg"
        } == set()  # fmt: skip
        assert not re.search(r"url\(|@import|src=|background=", message.html)
        assert set(re.findall(r"https?://[^\s\"'<]+", message.html)) <= {LINK}


def test_a_letter_can_be_read_by_anyone(write: Write, jorg: Customer) -> None:
    """Language, title, one heading, one main part; tables only for looks; light and dark."""
    for message in everything(write, jorg):
        page = Page(message.html)

        assert page.all("html") == [{"lang": message.locale, "dir": "ltr"}]
        assert page.texts["title"] == page.texts["h1"] == [message.subject]
        assert len(page.all("main")) == len(page.all("footer")) == len(page.all("h1")) == 1
        assert all(table["role"] == "presentation" for table in page.all("table"))
        assert "prefers-color-scheme: dark" in message.html
        assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")
        (labelled,) = [item["aria-labelledby"] for item in page.all("ul")]
        assert [True for _, attrs in page.elements if attrs.get("id") == labelled] == [True]


def test_there_is_one_clear_button(write: Write, jorg: Customer) -> None:
    """One thing to do; and after the money has arrived nothing, even if a link is at hand."""
    for message in everything(write, jorg):
        done = re.search("arrived|settled|angekommen|eingegangen|erledigt", message.subject)

        links = [link["href"] for link in Page(message.html).all("a")]

        assert links == ([] if done else [LINK])


def test_right_to_left_readers_get_their_direction(
    write: Write, jorg: Customer, tmp_path: Path
) -> None:
    """A host that adds Hebrew gets a page that runs from right to left."""
    folder = tmp_path / "locale" / "he" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "mail.po").write_text('msgid "Hello,"\nmsgstr "X,"\n')

    message = write(
        customer=evolve(jorg, locale="he_IL"),
        branding=Branding(product="Acme", directories=(tmp_path,)),
    )

    assert '<html lang="he-IL" dir="rtl">' in message.html


# ----------------------------------------------------------------------- law 11: no card data


def card_numbers(text: str) -> list[str]:
    """Runs of 13 to 19 digits, spaced or hyphenated or not, that pass the Luhn check."""
    found = []
    for run in re.findall(r"(?<!\d)\d(?:[ -]?\d){12,}(?!\d)", text):
        digits = re.sub(r"[ -]", "", run)
        found += [
            digits[start : start + size]
            for size in range(13, 20)
            for start in range(len(digits) - size + 1)
            if _luhn(digits[start : start + size])
        ]
    return found


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


@pytest.mark.parametrize(
    "text",
    ["4242424242424242", "4242 4242 4242 4242", "x3782-822463-10005y", "n=6011000990139424;"],
)
def test_the_scanner_sees_a_card_number(text: str) -> None:
    """The guard itself can fail: Stripe's test cards, spaced and bare."""
    assert card_numbers(text)


@given(st.text(alphabet="0123456789", min_size=12, max_size=18))
def test_the_scanner_knows_the_check_digit(digits: str) -> None:
    """Of the ten numbers that differ in the last digit, exactly one is a card's."""
    assert sum(_luhn(digits + last) for last in "0123456789") == 1


def test_no_letter_bears_a_card_number(write: Write, jorg: Customer) -> None:
    """Neither the text nor the HTML nor the subject of any message."""
    for message in everything(write, jorg):
        said = f"{message.subject}\n{message.text}\n{message.html}"

        assert card_numbers(said) == []
        assert "4242" not in said
