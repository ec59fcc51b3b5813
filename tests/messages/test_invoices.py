"""Invoices as customers read them: complete, in their language, and each amount explained."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from babel.messages.pofile import read_po
from tests.messages.test_html import Page

import retainkit.messages
from retainkit.billing.invoicing import (
    Address,
    Adjustment,
    AdjustmentKind,
    CreditNote,
    Difference,
    DifferenceKind,
    DocumentKind,
    InvoiceDocument,
    InvoiceLine,
    InvoiceReference,
    Party,
    draft_credit_note,
    draft_invoice,
)
from retainkit.billing.prices import PartKind, PerUnit, Price
from retainkit.billing.proration import (
    CreditBasis,
    Denominator,
    Granularity,
    Line,
    LineKind,
    TrailStep,
)
from retainkit.billing.tax import TaxCategory
from retainkit.errors import InvalidInput
from retainkit.messages.invoices import (
    exemptions,
    explain_difference,
    explain_line,
    line_text,
    render_html,
    render_text,
)
from retainkit.money import Rounding, money, to_json
from retainkit.timing import Interval, Period, Unit


LOCALES = ("en", "de", "de_formal", "fr", "es")
CATALOGUES = Path(retainkit.messages.__file__).parent / "locale"
NOVEMBER = Period(
    start=datetime(2026, 10, 31, 23, tzinfo=UTC), end=datetime(2026, 11, 30, 23, tzinfo=UTC)
)
PRICE = Price(
    id="price_1",
    currency="EUR",
    scheme=PerUnit(amount=money("10", "EUR")),
    interval=Interval(count=1, unit=Unit.MONTH),
)
TRAIL = (
    TrailStep(
        "proration.period",
        {"start": "2026-11-10T23:00:01+00:00", "end": "2026-11-30T23:00:00+00:00"},
    ),
    TrailStep(
        "proration.share",
        {
            "policy": "recommended",
            "rule": "actual_period",
            "unit": "second",
            "part": "1727999",
            "whole": "2592000",
            "exact": "1727999/2592000",
            "share": "1727999/2592000",
        },
    ),
    TrailStep(
        "proration.part",
        {"part": "units", "tier": 0, "quantity": "3", "unit": "20.00", "amount": "6000"},
    ),
    TrailStep("proration.discount", {"coupon": "WELCOME", "amount": "600"}),
    TrailStep(
        "proration.rounding",
        {"exact": "86399950/24000", "rounding": "half_up", "amount": 3600},
    ),
)


def euros(amount: str) -> Any:
    return money(amount, "EUR")


def changed(kind: LineKind = LineKind.CHARGE, **more: Any) -> Line:
    """A line of a preview."""
    facts: dict[str, Any] = {
        "id": "sub_1/si_1",
        "item": "si_1",
        "kind": kind,
        "net": euros("36.00"),
        "exact": Fraction(3600),
        "quantity": 3,
        "period": NOVEMBER,
        "price": PRICE,
        "trail": TRAIL,
        **more,
    }
    return Line(**facts)


def invoice(**changes: Any) -> InvoiceDocument:
    """An invoice with all that can be shown."""
    category, rate = TaxCategory.STANDARD, Fraction(19, 100)
    facts: dict[str, Any] = {
        "currency": "EUR",
        "lines": (
            InvoiceLine(
                id="1",
                text="Pro <3 seats>",
                quantity=3,
                unit_price=euros("40.00"),
                base_quantity=3,
                adjustments=(
                    Adjustment(
                        kind=AdjustmentKind.ALLOWANCE, amount=euros("4.00"), reason="WELCOME"
                    ),
                ),
                rate=rate,
                trail=TRAIL,
            ),
            InvoiceLine(
                id="2",
                text="Workshop",
                net=euros("100.00"),
                category=TaxCategory.REVERSE_CHARGE,
                rate=Fraction(0),
            ),
        ),
        "adjustments": (
            Adjustment(
                kind=AdjustmentKind.CHARGE, amount=euros("1.00"), category=category, rate=rate
            ),
        ),
        "exemptions": exemptions("en"),
        "seller": Party(
            name="Acme GmbH",
            address=Address(
                lines=("Hauptstraße 1",), city="Berlin", postal_code="10115", country="DE"
            ),
            vat_id="DE136695976",
            tax_number="37/123/45678",
        ),
        "buyer": Party(name="Nord & Söhne", address=Address(city="Wien", country="AT")),
        "number": "2026-0042",
        "issued": date(2026, 11, 11),
        "supplied": NOVEMBER,
        "zone": "Europe/Berlin",
        "due": date(2026, 11, 25),
        "prepaid": euros("10.00"),
        "rounding": euros("0.01"),
        "terms": "Net 14",
        "notes": ("Thank you",),
        "tax_in_national_currency": money("7.03", "CHF"),
        "representative": Party(name="Fiskal AG", vat_id="DE811569869"),
        "cash_accounting": True,
        **changes,
    }
    return draft_invoice(**facts)


def credit() -> CreditNote:
    return draft_credit_note(
        invoice(), number="2026-0043", issued=date(2026, 11, 12), explanation="Wrong plan"
    )


# ------------------------------------------------------------------------------------ documents


def test_an_invoice_in_german() -> None:
    """Figures, days and words as a German reader expects them; nothing optional that is zero."""
    text = render_text(invoice(), "de").replace("\u00a0", " ")
    for said in (
        "Rechnung 2026-0042\n",
        "Rechnungsdatum: 11. November 2026",
        "Leistungszeitraum: 1.–30. Nov. 2026",  # noqa: RUF001
        (
            "Acme GmbH\nHauptstraße 1\n10115 Berlin\nDE\nUSt-IdNr.: DE136695976\n"
            "Steuernummer: 37/123/45678"
        ),
        "Pro <3 seats>; Nachlass: WELCOME -4,00 €",
        "40,00 € für 3",
        "Zuschlag",
        "19 %",
        "Bereits gezahlt",
        "Umsatzsteuer in CHF",
        "Bitte bezahle 134,04 € bis zum 25. November 2026.",
        "Fiskalvertreter\nFiskal AG\nUSt-IdNr.: DE811569869",
        "Versteuerung nach vereinnahmten Entgelten\n\nNet 14\n\nThank you",
    ):
        assert said in text, said
    assert "Bitte bezahlen Sie 134,04" in render_text(invoice(), "de_formal").replace("\u00a0", " ")


def test_a_german_credit_note_is_a_rechnungskorrektur() -> None:
    """It names the invoice, asks for no money, and nobody calls it a Gutschrift of the seller."""
    text = render_text(credit(), "de")
    assert text.startswith("Rechnungskorrektur 2026-0043\n\nKorrigiert Rechnung: 2026-0042 vom 11.")
    assert "Grund: Wrong plan" in text
    assert "keine Gutschrift im Sinne von § 14 Abs. 2 UStG" in text
    assert "Bitte bezahle" not in text
    assert "Korrekturbetrag" in text


def test_a_rate_without_an_end_in_decimals_is_shown_whole() -> None:
    """Nothing is rounded away, and a correction need not say why."""
    odd = draft_invoice(
        currency="EUR",
        lines=(InvoiceLine(id="1", text="Pro", net=euros("7.00"), rate=Fraction(1, 7)),),
        number="7",
    )
    assert "100/7 %" in render_text(odd, "en")
    assert "Reason" not in render_text(draft_credit_note(odd), "en")


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (DocumentKind.SELF_BILLED, "Gutschrift"),
        (DocumentKind.PREPAYMENT, "Anzahlungsrechnung"),
        (DocumentKind.CORRECTED, "Berichtigte Rechnung"),
    ],
)
def test_each_kind_has_its_name(kind: DocumentKind, title: str) -> None:
    """The words that the law wants: Gutschrift where the buyer bills (section 14 (4) no. 10)."""
    document = invoice(kind=kind, number="", supplied=date(2026, 11, 3), due=None)
    text = render_text(document, "de")
    assert text.startswith(f"{title} (Entwurf)")
    assert "Leistungsdatum: 3. November 2026" in text
    replacing = evolve(document, replaces=InvoiceReference(number="2026-0001"))
    assert "Ersetzt Rechnung: 2026-0001" in render_text(replacing, "de")


def test_what_is_zero_and_optional_is_left_out() -> None:
    """A plain invoice has net, VAT, gross, and what is to pay."""
    plain = draft_invoice(
        currency="EUR",
        lines=(InvoiceLine(id="1", text="Pro", net=euros("10.00"), rate=Fraction(7, 100)),),
    )
    text = render_text(plain, "en")
    assert re.findall(
        r"^(?:Net|VAT|Gross|Amount|Already|Rounding|Allow).*\d$", text, re.MULTILINE
    ) == [
        "Net total      €10.00",
        "VAT             €0.70",
        "Gross total    €10.70",
        "Amount to pay  €10.70",
    ]


@pytest.mark.parametrize(("locale", "document"), list(product(LOCALES, (invoice(), credit()))))
def test_a_page_can_be_read_by_anyone(locale: str, document: InvoiceDocument | CreditNote) -> None:
    """Its language, captions and headers are named; it loads nothing, and every text is escaped."""
    html = render_html(document, locale)
    page = Page(html)

    assert page.all("html") == [{"lang": "de" if locale == "de_formal" else locale}]
    assert len(page.all("table")) == len(page.all("caption")) == 3
    scopes = [head.get("scope") for head in page.all("th")]
    assert set(scopes) == {"col", "row"}
    assert next(level for level, _ in page.elements if level in {"h1", "h2", "h3"}) == "h1"
    assert {tag for tag, _ in page.elements} & {"img", "script", "link", "iframe", "form"} == set()
    assert not re.search(r"url\(|@import|https?:", html)
    for query in ("prefers-color-scheme: dark", "@media print", 'name="color-scheme"'):
        assert query in html
    assert "Pro &lt;3 seats&gt;" in html
    assert "Nord &amp; Söhne" in html


@pytest.mark.parametrize("locale", LOCALES)
def test_text_and_page_say_the_same(locale: str) -> None:
    """Every caption, figure and sentence of the text stands in the page."""
    html = re.sub(r"\s+", " ", render_html(invoice(), locale))
    for line in render_text(invoice(), locale).splitlines():
        for part in re.split(r" {2,}|: ", line.removeprefix("- ")):
            said = part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            if set(said) - {"-"}:
                assert re.sub(r"\s+", " ", said).strip() in html, said


# -------------------------------------------------------------------------------- lines, trails


@pytest.mark.parametrize(
    ("kind", "locale", "text"),
    [
        (LineKind.CREDIT, "en", "Unused time on 3 × Pro, Nov 1 – 30, 2026"),  # noqa: RUF001
        (LineKind.CHARGE, "de", "Restliche Zeit: 3 × Pro, 1.–30. Nov. 2026"),  # noqa: RUF001
        (LineKind.DIFFERENCE, "fr", "Différence : 3 × Pro, 1–30 nov. 2026"),  # noqa: RUF001
        (LineKind.PERIOD, "es", "3 × Pro, 1–30 nov 2026"),  # noqa: RUF001
    ],
)
def test_a_line_says_what_it_bills(kind: LineKind, locale: str, text: str) -> None:
    """With the days in the customer's zone, the last one included."""
    said = line_text(changed(kind), "Pro", locale, zone="Europe/Berlin")
    assert re.sub(r"[\u00a0\u2009\u202f]", " ", said) == text


def test_a_line_without_a_period_or_of_one_day() -> None:
    """A fee is billed once; a single day is one day."""
    fee = changed(LineKind.ONE_OFF, quantity=1, period=None)
    assert line_text(fee, "Set-up", "en") == "Set-up, once"
    day = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 11, 2, tzinfo=UTC))
    assert line_text(changed(period=day, quantity=1), "Pro", "en") == (
        "Remaining time on Pro, November 1, 2026"
    )
    with pytest.raises(InvalidInput) as caught:
        line_text(fee, "Set-up", "en", zone="Mars/Base")
    assert caught.value.code == "time.unknown_zone"


def test_an_amount_is_explained_step_by_step() -> None:
    """Period, share, price, discount, and the one rounding."""
    steps = explain_line(changed(), "en", zone="Europe/Berlin")
    assert [re.sub(r"[\u00a0\u202f]", " ", step) for step in steps] == [
        "Billed is the time from November 11, 2026, 12:00:01 AM up to December 1, 2026, 12:00 AM.",
        (
            "That is 1,727,999 of 2,592,000 seconds, as a share 1727999/2592000"
            " (counted by: the period as it is; policy recommended)."
        ),
        "3 units at €20.00 each are €60.00.",
        "Discount WELCOME takes off €6.00.",
        "Exactly that is 35.99997916… EUR; rounded once (half away from zero) it is €36.00.",
    ]


def test_explaining_never_fails() -> None:
    """A step of a newer version is shown as it is; a missing value is unknown."""
    odd = changed(
        trail=(
            TrailStep("proration.moon", {"phase": "full", "start": "not a time"}),
            TrailStep("odd", {"amount": "1/0", "start": "0001-01-01T00:00:00+14:00"}),
            TrailStep("proration.cap", {}),
            TrailStep("proration.rounding", {"exact": "?", "rounding": "odd", "amount": "x/0"}),
        )
    )
    assert explain_line(odd, "en") == (
        "proration.moon phase=full start=not a time",
        "odd amount=1/0 start=0001-01-01T00:00:00+14:00",
        "No more is credited than was billed: unknown was left.",
        "Exactly that is ?; rounded once (odd) it is x/0.",
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_of_a_trail_is_translated(locale: str) -> None:
    """Whatever proration counts in, rounds by, or charges for."""
    words: list[tuple[str, str, list[str]]] = [
        ("proration.share", "unit", [each.value for each in Granularity]),
        ("proration.share", "rule", [each.value for each in Denominator]),
        ("proration.share", "rule", ["whole_period", "months", "calendar_months"]),
        ("proration.basis", "basis", [each.value for each in CreditBasis]),
        ("proration.rounding", "rounding", [each.value for each in Rounding]),
        ("proration.part", "part", [each.value for each in PartKind]),
    ]
    for key, name, values in words:
        for value in values:
            (said,) = explain_line(changed(trail=(TrailStep(key, {name: value}),)), locale)
            assert f"{name}={value}" not in said
            assert "_" not in said, (locale, said)
            assert not said.startswith("proration."), (locale, said)


AMOUNTS = {"ours": to_json(euros("1.00")), "theirs": to_json(euros("2.00"))}
TIMES = {
    f"{whose}_{edge}": "2026-11-01T00:00:00+00:00"
    for whose in ("our", "their")
    for edge in ("start", "end")
}


@pytest.mark.parametrize(("locale", "kind"), list(product(LOCALES, DifferenceKind)))
def test_each_difference_is_a_sentence(locale: str, kind: DifferenceKind) -> None:
    """In each language, with the figures of both sides."""
    values: dict[str, Any] = {**AMOUNTS, "by": to_json(euros("1.00")), **TIMES}
    if kind in {DifferenceKind.CURRENCY, DifferenceKind.QUANTITY}:
        values |= {"ours": "EUR", "theirs": "USD"}
    difference = Difference(
        kind=kind,
        line="L1",
        their_line="il_1",
        net=euros("1.00"),
        tax=euros("0"),
        values=values,
    )
    said = explain_difference(difference, locale)
    assert said.endswith(".")
    assert not said.startswith("difference.")
    unknown = {"en": "unknown", "fr": "inconnu", "es": "desconocido"}.get(locale, "unbekannt")
    assert unknown not in said


def test_reasons_for_no_vat_are_those_of_the_law() -> None:
    """Art. 226 (11a) and section 14a (5) UStG word the reverse charge; VATEX has the codes."""
    said = {locale: exemptions(locale)[TaxCategory.REVERSE_CHARGE].text for locale in LOCALES}
    assert said == {
        "en": "Reverse charge",
        "de": "Steuerschuldnerschaft des Leistungsempfängers",
        "de_formal": "Steuerschuldnerschaft des Leistungsempfängers",
        "fr": "Autoliquidation",
        "es": "Inversión del sujeto pasivo",
    }
    assert exemptions("en")[TaxCategory.REVERSE_CHARGE].code == "VATEX-EU-AE"
    assert exemptions("en")[TaxCategory.EXEMPT].code is None


@pytest.mark.parametrize(
    ("locale", "phrase"),
    [
        ("en", "Reverse charge: Art. 196"),
        ("de", "Steuerschuldnerschaft des Leistungsempfängers: Art. 196"),
        ("de_formal", "Steuerschuldnerschaft des Leistungsempfängers: Art. 196"),
        ("fr", "Autoliquidation : Art. 196"),
        ("es", "Inversión del sujeto pasivo: Art. 196"),
    ],
)
def test_the_words_of_the_law_stand_beside_the_provision(locale: str, phrase: str) -> None:
    """A calculation gives provisions alone; the words of Art. 226 (11a) are never left out."""
    category = TaxCategory.REVERSE_CHARGE
    (row,) = (InvoiceLine(id="1", text="Pro", net=euros("1.00"), category=category),)
    bare = draft_invoice(currency="EUR", lines=(row,))
    subtotal = evolve(bare.subtotals[0], reason="Art. 196")
    shown = render_text(evolve(bare, subtotals=(subtotal,)), locale).replace("\u00a0", " ")
    assert phrase in shown
    assert phrase.partition(" :" if locale == "fr" else ":")[0] in render_text(bare, locale)
    worded = evolve(subtotal, reason=exemptions(locale)[category].text + " (Art. 196)")
    shown = render_text(evolve(bare, subtotals=(worded,)), locale)
    assert shown.count(exemptions(locale)[category].text) == 1


def test_the_time_of_supply_is_shown_once() -> None:
    """With the document, or with each line whose text does not say it: Art. 226 (7)."""
    days = "Nov 1\u2009\u2013\u200930, 2026"
    line = InvoiceLine(id="1", text="Pro", net=euros("1.00"), period=NOVEMBER)
    told = evolve(line, text=f"Pro, {days}")
    facts: dict[str, Any] = {"currency": "EUR", "zone": "Europe/Berlin"}
    for row, supplied in ((line, None), (told, None), (line, NOVEMBER)):
        page = render_html(draft_invoice(lines=(row,), supplied=supplied, **facts), "en")
        assert page.count(days) == 1
    assert f"Pro; {days}" in render_html(draft_invoice(lines=(line,), **facts), "en")


# ---------------------------------------------------------------------------------- the catalogues


def entries(locale: str) -> dict[str, str]:
    with (CATALOGUES / locale / "LC_MESSAGES" / "billing.po").open("rb") as source:
        return {str(each.id): str(each.string) for each in read_po(source) if each.id}


def test_every_language_says_everything() -> None:
    """A new sentence is missing here until it is translated."""
    english = entries("en")
    for locale in ("de", "fr", "es"):
        assert entries(locale).keys() == english.keys(), f"correct {locale}/.../billing.po"
    assert all(text.strip() for locale in LOCALES for text in entries(locale).values())


def test_formal_german_replaces_whatever_says_du() -> None:
    """A sentence that addresses the reader exists in both forms; the others in ``de`` alone."""
    du = re.compile(r"\b(du|dich|dir|dein\w*|bezahle|prüfe|schreib)\b", re.IGNORECASE)
    informal, formal = entries("de"), entries("de_formal")
    addressed = {key for key, said in informal.items() if du.search(said)}
    assert addressed == set(formal)
    assert [said for said in formal.values() if du.search(said)] == []


def test_words_of_your_own_come_first(tmp_path: Path) -> None:
    """A folder with ``locale/en/LC_MESSAGES/billing.po`` replaces sentences, or adds a language."""
    folder = tmp_path / "locale" / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "billing.po").write_text('msgid "title.invoice"\nmsgstr "Tax invoice"\n')
    text = render_text(invoice(), "en", directories=(tmp_path,))
    assert text.startswith("Tax invoice 2026-0042\n")
    assert "Date of issue" in text
