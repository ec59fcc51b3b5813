"""Stories of messages written to a customer: language, amounts, dates, tones, bad requests."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.messages.conftest import LINK, NOW, Write, asked, invoices

from retainkit.customers import Customer
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId
from retainkit.messages import Branding, known_messages, render


MESSAGES = ("card_needs_action", "last_notice", "payment_failed", "payment_recovered")
TONES = ("friendly", "neutral", "firm")


def test_a_failed_payment_in_german(write: Write) -> None:
    """The letter Jörg gets: what happened, why, what next, what to do, whom to ask."""
    message = write(
        next_try="2026-11-24T09:00:00+00:00",
        access={"level": "limited", "at": "2026-11-29T09:00:00+00:00"},
    )

    assert (message.to, message.sender, message.locale) == (
        "joerg@kunde.example",
        "Acme <billing@acme.example>",
        "de",
    )
    assert message.subject == "Deine Zahlung an Acme hat nicht geklappt"
    assert (
        message.text
        == f"""\
Hallo Jörg,

deine Zahlung von 1.234,50\u00a0€ an Acme hat nicht geklappt. Das kommt vor
und ist meist in einer Minute behoben.

Deine Bank hat uns gesagt, dass das Konto in dem Moment nicht
ausreichend gedeckt war.

Am Dienstag, 24. November 2026 versuchen wir es noch einmal. Klappt die
Zahlung dann, musst du nichts weiter tun.

Ab Sonntag, 29. November 2026 ist dein Zugriff auf Acme eingeschränkt,
bis die Zahlung da ist.

Könntest du kurz nach deiner Zahlungsart sehen?

Zahlungsart aktualisieren:
{LINK}

Der Knopf öffnet die sichere Seite unseres Zahlungsdienstes. Bitte
schick niemals Kartendaten per E-Mail.

Falls du es inzwischen erledigt hast: vielen Dank, dann ist diese
Nachricht gegenstandslos.

Viele Grüße, dein Team von Acme

--\u0020
Fragen? Schreib an hilfe@acme.example.
Acme GmbH
Hauptstraße 1, Berlin
"""
    )


def test_the_same_in_english(write: Write, jorg: Customer) -> None:
    """An English reader gets English words, amounts and dates."""
    message = write(
        customer=evolve(jorg, locale="en"), next_try="2026-11-24T09:00:00+00:00", tone="neutral"
    )

    assert message.subject == "Your payment for Acme is still open"
    assert "Your payment of €1,234.50 for Acme is still open." in message.text
    assert "We will try again on Tuesday, November 24, 2026." in message.text.replace("\n", " ")
    assert f"Update payment method:\n{LINK}\n" in message.text


def test_a_formal_reader_is_addressed_with_sie(write: Write, jorg: Customer) -> None:
    """``de_formal`` says Sie everywhere, and takes from ``de`` what needs no address."""
    for message, tone in product(MESSAGES, TONES):
        formal = write(customer=evolve(jorg, locale="de_formal"), message=message, tone=tone)

        said = f"{formal.subject}\n{formal.text}"
        assert not re.search(r"\b(du|dich|dir|dein\w*|bestätige|schick)\b", said, re.IGNORECASE)
        assert "Ihr" in said
        assert formal.locale == "de"
    assert "Zahlung bestätigen:" in write(message="card_needs_action").text


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("de_AT", ("de-AT", "Hallo", "€\u00a01.234,50")),
        ("de-at", ("de-AT", "Hallo", "€\u00a01.234,50")),
        ("de_CH_formal", ("de-CH", "Guten Tag", "EUR\u00a01\u2019234.50")),
        ("de_DE.UTF-8", ("de-DE", "Hallo", "1.234,50\u00a0€")),
        ("en_GB", ("en-GB", "Hello", "€1,234.50")),
        ("en_XX", ("en", "Hello", "€1,234.50")),
        ("fr_FR", ("en", "Hello", "€1,234.50")),
        ("../../etc", ("en", "Hello", "€1,234.50")),
        ("", ("en", "Hello", "€1,234.50")),
    ],
)
def test_the_language_is_the_nearest_there_is(
    write: Write, jorg: Customer, locale: str, written: tuple[str, str, str]
) -> None:
    """Text, amounts and dates are always in one language; a missing one is answered in English."""
    tag, word, amount = written

    message = write(customer=evolve(jorg, locale=locale))

    assert message.locale == tag
    assert f'<html lang="{tag}" dir="ltr">' in message.html
    assert message.text.startswith(word)
    assert amount in message.text


def test_dates_are_those_of_the_readers_zone(write: Write, jorg: Customer) -> None:
    """23:30 UTC on Saturday is Sunday in Berlin and still Saturday in New York."""
    end = {"action": "cancel", "at": "2026-12-12T23:30:00+00:00"}

    berlin = write(end=end)
    new_york = write(customer=evolve(jorg, locale="en", zone="America/New_York"), end=end)

    assert "Sonntag, 13. Dezember 2026" in berlin.text
    assert "Saturday, December 12, 2026" in new_york.text


def test_several_invoices_are_one_message(write: Write, jorg: Customer) -> None:
    """The plural counts them, the total adds them up, the list names each with its own amount."""
    several = {
        "invoices": invoices("10.00", "5.50"),
        "total": {"amount": "15.50", "currency": "EUR"},
    }

    german = write(**several)
    english = write(customer=evolve(jorg, locale="en"), **several)

    assert "2 Zahlungen an Acme haben nicht geklappt, zusammen 15,50\u00a0€." in german.text
    assert "Offene Rechnungen:\n- in_1: 10,00\u00a0€\n- in_2: 5,50\u00a0€\n" in german.text
    assert "2 payments for Acme did not go through, €15.50 in total." in english.text
    assert german.html.count("<li ") == 2
    assert "<li " not in write().html


def test_yen_have_no_decimals(write: Write, jorg: Customer) -> None:
    """The currency decides the digits."""
    message = write(
        customer=evolve(jorg, locale="en"),
        invoices=invoices("4900", currency="JPY"),
        total={"amount": "4900", "currency": "JPY"},
    )

    assert "¥4,900 for" in message.text


@pytest.mark.parametrize("message", MESSAGES)
def test_each_tone_has_its_own_words(write: Write, jorg: Customer, message: str) -> None:
    """Three subjects and three openings a message, in each language."""
    for locale in ("en", "de", "de_formal"):
        written = [
            write(customer=evolve(jorg, locale=locale), message=message, tone=tone)
            for tone in TONES
        ]

        assert len({one.subject for one in written}) == 3
        assert len({one.text.split("\n\n")[1] for one in written}) == 3


REASONS = {
    "insufficient_funds": "not enough money",
    "expired_card": "has expired",
    "needs_authentication": "asks you to confirm",
    "card_problem": "could not be used",
    "bank_problem": "could not process",
    "generic": "did not carry out the payment",
}


@pytest.mark.parametrize("reason", [*REASONS, "stolen_card", "fraudulent", "lost_card", None])
def test_a_reason_says_what_a_customer_can_act_on(
    write: Write, jorg: Customer, reason: str | None
) -> None:
    """Six reasons; whatever else arrives is told in general words, never as theft or fraud."""
    message = write(customer=evolve(jorg, locale="en"), reason=reason)

    said = message.text.replace("\n", " ")
    assert REASONS.get(reason or "generic", REASONS["generic"]) in said
    assert not re.search(
        "stolen|lost|fraud|theft", f"{message.subject} {message.html}", re.IGNORECASE
    )


def test_a_bank_that_wants_a_confirmation_gets_a_button_for_it(write: Write) -> None:
    """The button and the request name the deed: confirming, not changing the card."""
    for message in (write(reason="needs_authentication"), write(message="card_needs_action")):
        assert f"Zahlung bestätigen:\n{LINK}" in message.text
        assert "aktualisieren" not in message.html


def test_an_expired_card_is_promised_nothing_from_the_next_try(write: Write) -> None:
    """Only where waiting may help does the letter say that waiting may do."""
    next_try = "2026-11-24T09:00:00+00:00"

    assert "musst du nichts" in write(next_try=next_try).text
    assert "musst du nichts" not in write(next_try=next_try, reason="expired_card").text
    assert "versuchen wir es noch einmal" not in write().text


ACCESS = {
    "limited": ("will be limited", "is limited at the moment"),
    "blocked": ("will be paused", "is paused at the moment"),
    "level_of_the_future": ("will be limited", "is limited at the moment"),
}


@pytest.mark.parametrize("level", ACCESS)
def test_access_that_changes_is_told_before_and_after(
    write: Write, jorg: Customer, level: str
) -> None:
    """A change to come has its date; one that began says how it ends; unknown levels read well."""
    later, already = ACCESS[level]
    english = evolve(jorg, locale="en")

    before = write(customer=english, access={"level": level, "at": "2026-11-29T09:00:00+00:00"})
    after = write(customer=english, access={"level": level, "at": NOW.isoformat()})

    assert later in before.text.replace("\n", " ")
    assert "From Sunday, November 29, 2026" in before.text
    assert already in after.text.replace("\n", " ")
    assert "comes back as soon as" in after.text.replace("\n", " ")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("cancel", "will end on Saturday, December 12, 2026"),
        ("pause", "will be paused on Saturday, December 12, 2026"),
        ("hand_over", "a person from our team will look at your subscription"),
    ],
)
def test_an_end_is_announced_with_its_day(
    write: Write, jorg: Customer, action: str, said: str
) -> None:
    """What will happen, when, and that the payment prevents it."""
    message = write(
        customer=evolve(jorg, locale="en"),
        message="last_notice",
        end={"action": action, "at": "2026-12-12T09:00:00+00:00"},
    )

    text = message.text.replace("\n", " ")
    assert said in text
    assert "Unless the payment arrives first" in text


def test_access_nobody_restricts_is_not_spoken_of(write: Write) -> None:
    """Full access, with a notice in the product or without, is no news."""
    for level in ("full", "notice"):
        message = write(access={"level": level, "at": "2026-11-29T09:00:00+00:00"})

        assert "Zugriff" not in message.text


@pytest.mark.parametrize(("action", "said"), [("cancel", "endet dein"), ("pause", "pausiert dein")])
def test_an_end_that_is_here_is_no_longer_a_condition(write: Write, action: str, said: str) -> None:
    """On the day itself the letter doesn't pretend that there is time left."""
    message = write(message="last_notice", end={"action": action, "at": NOW.isoformat()})

    text = message.text.replace("\n", " ")
    assert f"Weil die Zahlung nicht angekommen ist, {said} Abo von Acme" in text


def test_a_recovered_payment_is_thanked_for(write: Write) -> None:
    """No button, nothing to do, and the access that is back."""
    message = write(
        message="payment_recovered",
        link=None,
        access={"level": "full", "at": NOW.isoformat()},
    )

    assert message.subject == "Danke, deine Zahlung an Acme ist angekommen"
    assert "Du hast wieder vollen Zugriff auf Acme." in message.text
    assert "Du musst nichts weiter tun." in message.text
    assert 'class="button"' not in message.html


def test_without_a_link_the_letter_says_where_to_go(write: Write) -> None:
    """Neither a dead button nor a link nobody asked for."""
    for message in (
        write(link=None),
        render(
            asked(link=None),
            Customer(id=CustomerId("c1"), email="a@kunde.example", locale="de"),
            branding=Branding(product="Acme"),
            sender="billing@acme.example",
            reply_to=None,
            link=LINK,
            now=NOW,
        ),
    ):
        assert "Das geht in deinem Konto bei Acme." in message.text
        assert 'class="button"' not in message.html
        assert LINK not in message.text


@pytest.mark.parametrize(
    ("email", "url", "said"),
    [
        ("", "", "Just reply to this message."),
        ("help@acme.example", "", "Write to help@acme.example."),
        ("", "https://acme.example/help", "find help at https://acme.example/help."),
        (
            "help@acme.example",
            "https://acme.example/help",
            "Write to help@acme.example or look at https://acme.example/help.",
        ),
    ],
)
def test_a_letter_says_where_to_ask(
    write: Write, jorg: Customer, email: str, url: str, said: str
) -> None:
    """Whatever a product offers, there is a way to reach a person."""
    branding = Branding(product="Acme", support_email=email, support_url=url)

    message = write(customer=evolve(jorg, locale="en"), branding=branding)

    assert f"Any questions? {said}" in message.text.replace("\n", " ").replace("You will ", "")


@given(name=st.text(max_size=40), product=st.from_regex(r"[^\x00-\x1f\x7f\x85\u2028\u2029]+"))
def test_a_name_is_text_and_never_markup(name: str, product: str) -> None:
    """Whatever somebody is called, the HTML has the same elements and the subject is one line."""
    if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", product):
        return

    def elements(name: str, product: str) -> list[str]:
        message = render(
            asked(),
            Customer(id=CustomerId("c1"), email="a@kunde.example", name=name, locale="de"),
            branding=Branding(product=product, footer=name),
            sender="billing@acme.example",
            reply_to=None,
            link=LINK,
            now=NOW,
        )
        assert len(message.subject.splitlines()) == 1
        return re.findall(r"<[a-z/!][^>]*>", message.html)

    footed = elements("J", "P") if name else elements("", "P")
    assert elements(name, product) == footed


def test_a_template_in_a_name_is_not_run(write: Write, jorg: Customer) -> None:
    """Neither Jinja nor gettext placeholders in a value mean anything."""
    name = "{{ 7*7 }} %(amount)s <b>"

    message = write(customer=evolve(jorg, name=name))

    assert f"Hallo {name}," in message.text.replace("\n", " ")
    assert "Hallo {{ 7*7 }} %(amount)s &lt;b&gt;," in message.html


# ---------------------------------------------------------------------------------- bad input


def refusal(write: Write, **changes: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        write(**changes)
    return caught.value


def test_an_unknown_message_is_refused_with_the_known_ones(write: Write) -> None:
    """A typo in a policy is answered with the names there are."""
    error = refusal(write, message="payment_failled")

    assert (error.code, error.field, error.value) == (
        "message.unknown_template",
        "message",
        "payment_failled",
    )
    assert error.remedy.startswith(f"use one of: {', '.join(MESSAGES)}; or add templates/")


@pytest.mark.parametrize("message", ["../payment_failed", "_layout.txt", "_ask"])
def test_parts_and_paths_are_no_messages(write: Write, message: str) -> None:
    """Only whole messages can be asked for."""
    assert refusal(write, message=message).code == "message.unknown_template"


def test_an_unknown_tone_is_refused_with_the_known_ones(write: Write) -> None:
    """A tone without words of its own would be another tone in disguise."""
    error = refusal(write, tone="angry")

    assert (error.code, error.field, error.value, error.remedy) == (
        "message.unknown_tone",
        "tone",
        "angry",
        "use one of: friendly, neutral, firm",
    )


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"message": None}, "message", None),
        ({"message": ""}, "message", ""),
        ({"tone": 3}, "tone", 3),
        ({"reason": 3}, "reason", 3),
        ({"invoices": []}, "invoices", []),
        ({"invoices": ["in_1"]}, "invoices", ["in_1"]),
        ({"invoices": None}, "invoices", None),
        ({"next_try": "soon"}, "next_try", "soon"),
        ({"next_try": "2026-11-24T09:00:00"}, "next_try", "2026-11-24T09:00:00"),
        ({"access": "limited"}, "access", "limited"),
        ({"access": {"level": "limited"}}, "access.at", None),
        ({"end": {"at": "2026-12-12T09:00:00+00:00"}}, "end.action", None),
    ],
)
def test_a_request_that_says_nothing_certain_is_refused(
    write: Write, changes: dict[str, object], field: str, value: object
) -> None:
    """No letter with a hole in it goes out."""
    error = refusal(write, **changes)

    assert (error.code, error.field, error.value) == ("message.bad_request", field, value)
    assert error.remedy.startswith("pass ")


def test_an_amount_that_is_none_is_refused(write: Write) -> None:
    """A float, or no total, never becomes a text."""
    error = refusal(write, total=None)

    assert (error.code, error.value) == ("money.json", None)
    assert error.remedy == 'use {"amount": "12.34", "currency": "EUR"}, both strings'


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "/l/1", "https://", 'https://a.example/"x']
)
def test_a_button_leads_to_a_web_page(write: Write, acme: Branding, link: str) -> None:
    """Nothing else can stand behind it, nor behind the address of the help page."""
    for error in (
        refusal_of_link(write, link),
        refusal_of_help(acme, link),
    ):
        assert error.code == "message.bad_address"
        assert error.value == link.partition(":")[0]
        assert error.remedy == "use an absolute address that begins with https://"


def refusal_of_link(write: Write, link: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        write(link=link)
    assert caught.value.field == "link"
    return caught.value


def refusal_of_help(acme: Branding, page: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        evolve(acme, support_url=page)
    assert caught.value.field == "support_url"
    return caught.value


def test_a_naive_now_is_refused(write: Write) -> None:
    """Nobody guesses what has begun."""
    with pytest.raises(InvalidInput) as caught:
        write(now=datetime(2026, 11, 22))

    assert (caught.value.code, caught.value.field) == ("time.naive", "now")


@pytest.mark.parametrize("broken", ["Acme\n", "Acme\r\nBcc: x@y.example", "A\x00", "A\u2028B"])
def test_a_header_is_one_line(write: Write, acme: Branding, jorg: Customer, broken: str) -> None:
    """Product, address, reply-to: a line break is refused, and the text isn't shown."""
    with pytest.raises(InvalidInput) as product_error:
        evolve(acme, product=broken)
    with pytest.raises(InvalidInput) as address_error:
        write(customer=evolve(jorg, email=f"{broken}@kunde.example"))
    with pytest.raises(InvalidInput) as reply_error:
        write(reply_to=broken)

    for caught, field in (
        (product_error, "product"),
        (address_error, "to"),
        (reply_error, "reply_to"),
    ):
        error = caught.value
        assert (error.code, error.field) == ("message.header_injection", field)
        assert error.value in {"\n", "\r", "\x00", "\u2028"}
        assert error.remedy == "remove line breaks and control characters"
        assert "Acme" not in str(error)


# ------------------------------------------------------------------------------- own words


def words(root: Path, name: str, content: str) -> Branding:
    """Branding with one file of the product's own."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return Branding(product="Acme", directories=(root,))


def test_a_product_may_say_a_sentence_its_own_way(write: Write, tmp_path: Path) -> None:
    """One string replaced in one language; all others stay."""
    branding = words(
        tmp_path,
        "locale/de/LC_MESSAGES/mail.po",
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Hello %(customer)s,"\nmsgstr "Moin %(customer)s,"\n',
    )

    message = write(branding=branding)

    assert message.text.startswith("Moin Jörg,\n\ndeine Zahlung")


def test_a_product_may_speak_another_language(write: Write, jorg: Customer, tmp_path: Path) -> None:
    """A new catalogue makes a new language, with its dates; what it lacks is said in English."""
    branding = words(
        tmp_path,
        "locale/fr/LC_MESSAGES/mail.po",
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "We will try again on %(next_try)s."\n'
        'msgstr "Nous réessaierons le %(next_try)s."\n',
    )

    message = write(
        branding=branding,
        customer=evolve(jorg, locale="fr_CA"),
        reason="expired_card",
        next_try="2026-11-24T09:00:00+00:00",
    )

    assert message.locale == "fr-CA"
    assert "Nous réessaierons le mardi 24 novembre 2026." in message.text
    assert message.text.startswith("Hello Jörg,")


def test_a_product_may_bring_a_message_and_replace_one(
    write: Write, acme: Branding, tmp_path: Path
) -> None:
    """A file with a new name is a new message; one with a known name takes its place."""
    text = (
        '{% extends "_layout." ~ format ~ ".jinja" %}'
        "{% block subject %}Nur {{ amount }}{% endblock %}{% block body %}{% endblock %}"
    )
    words(tmp_path, "templates/gentle_hint.jinja", text)
    branding = words(tmp_path, "templates/payment_failed.jinja", text)

    assert known_messages(acme) == MESSAGES
    assert known_messages(branding) == tuple(sorted((*MESSAGES, "gentle_hint")))
    assert write(branding=branding, message="gentle_hint").subject == "Nur 1.234,50 €"
    assert write(branding=branding).subject == "Nur 1.234,50 €"


@pytest.mark.parametrize(
    "body",
    [
        "{{ nmae }}",
        "{% if %}",
        "{{ ''.__class__.__mro__ }}",
        '{{ _("Pay %(amuont)s") }}',
        "{{ 1/0 }}",
        "{% include '../x' %}",
        "{% include 'missing.jinja' %}",
    ],
)
def test_a_template_that_cannot_be_rendered_is_named(
    write: Write, tmp_path: Path, body: str
) -> None:
    """A typo, a loop, or a way out of the sandbox: the error names the message."""
    branding = words(
        tmp_path,
        "templates/own.jinja",
        '{% extends "_layout." ~ format ~ ".jinja" %}{% block subject %}x{% endblock %}'
        "{% block body %}" + body + "{% endblock %}",
    )

    with pytest.raises(ConfigurationError) as caught:
        write(branding=branding, message="own")

    error = caught.value
    assert (error.code, error.field, error.value) == ("message.broken_template", "message", "own")
    assert error.remedy.startswith("correct the template or catalogue: ")


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#12345g", "#123456;x", "1f5fbf"])
def test_a_colour_is_six_hexadecimal_digits(colour: str) -> None:
    """Nothing else gets into a style."""
    with pytest.raises(InvalidInput) as caught:
        Branding(product="Acme", colour=colour)

    error = caught.value
    assert (error.code, error.field, error.value, error.remedy) == (
        "message.bad_colour",
        "colour",
        colour,
        "write it like #1f5fbf",
    )


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio, from its own words."""

    def luminance(colour: str) -> float:
        values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_the_button_can_be_read_in_any_colour(colour: str) -> None:
    """WCAG AA, 4.5 to 1, whatever colour a brand has."""
    text = Branding(product="Acme", colour=colour).text_colour

    assert contrast(colour, text) >= 4.5


def test_the_future_is_what_is_after_now(write: Write, jorg: Customer) -> None:
    """An access that changes in a second has not changed yet."""
    at = (NOW + timedelta(seconds=1)).astimezone(UTC).isoformat()

    message = write(customer=evolve(jorg, locale="en"), access={"level": "limited", "at": at})

    assert "will be limited" in message.text.replace("\n", " ")
