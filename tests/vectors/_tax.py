"""Vectors of tax as calls of `billing.tax` and `money`; no rule and no arithmetic is here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.vectors._rows import (
    Answer,
    NotApplicable,
    Row,
    Translation,
    Verdict,
    differences,
    is_trap,
)

from retainkit.billing.tax import (
    UNVERIFIED,
    Buyer,
    CrossBorderSales,
    InclusiveRounding,
    QuoteState,
    Rate,
    RateTable,
    Seller,
    TaxableLine,
    TaxBehavior,
    TaxCategory,
    TaxLevel,
    TaxQuote,
    TaxRequest,
    TaxRounding,
    Territory,
    VatIdCheck,
    VatIdStatus,
    calculate,
    shipped_rates,
    territory_of,
    vat_id,
    within_small_business_limit,
)
from retainkit.errors import InvalidInput
from retainkit.money import (
    STRIPE,
    STRIPE_PAYOUTS,
    Money,
    Rounding,
    from_minor,
    money,
    rounded,
    share,
    to_minor,
)


DAY = date(2026, 11, 22)
FINE = "0.000000000001"


def _quote(seller: Seller, buyer: Buyer, on: date, net: Money) -> TaxQuote:
    line = TaxableLine(id="1", amount=net)
    request = TaxRequest(
        currency=net.currency.code, seller=seller, buyer=buyer, tax_point=on, lines=(line,)
    )
    return calculate(request, shipped_rates())


def _known(quote: TaxQuote) -> TaxQuote:
    if quote.state is not QuoteState.OK:
        keys = ", ".join(finding.key for finding in quote.findings)
        raise NotApplicable(f"the tax is unknown here: {keys}")
    return quote


def _percent(rate: Fraction | None) -> Fraction | None:
    return None if rate is None else rate * 100


def _amounts(quote: TaxQuote) -> dict[str, object]:
    return {
        "net": quote.total_net.amount,
        "tax": quote.total_tax.amount,
        "gross": quote.total_gross.amount,
    }


# ---------------------------------------------------------------------------- rates and places


def standard_rate(row: Row) -> Answer:
    """A domestic sale to a consumer on a day."""
    given = row["input"]
    place = {
        "country": given["country"],
        "postcode": given.get("postcode"),
        "region": _region(given.get("region") or given.get("territory")),
    }
    currency = given.get("currency", "EUR")
    quote = _known(
        _quote(
            Seller(**place),
            Buyer(**place),
            date.fromisoformat(given["supply_date"]),
            money(given["net"], currency),
        )
    )
    return Answer(got={"rate": _percent(quote.groups[0].rate), **_amounts(quote)})


_REGIONS = ("PT-20", "PT-30", "FR-GP", "FR-MQ", "FR-RE", "FR-GF", "FR-YT", "ES-CN", "FI-01")


def _region(said: str | None) -> str | None:
    """The code of a region that is given by its name."""
    names = {_letters(territory_of(code[:2], region=code).name): code for code in _REGIONS}
    return None if said is None else names.get(_letters(said), said)


def combined_rate(row: Row) -> Answer:
    """A Canadian sale; a part's name is enough, and Manitoba calls its PST RST."""
    given = row["input"]
    place = {"country": given["country"], "region": given["province"]}
    quote = _known(
        _quote(
            Seller(**place),
            Buyer(**place),
            date.fromisoformat(given["supply_date"]),
            money(given["net"], given.get("currency", "CAD")),
        )
    )
    treatment = quote.lines[0].treatment
    wanted = str(row["expected"].get("components", ""))
    parts = [
        f"{part.name} {_text(_percent(part.rate))}" if re.search(r"\d", wanted) else part.name
        for part in treatment.components
    ]
    return Answer(
        got={
            "rate": _percent(treatment.rate),
            "components": " + ".join(parts).replace("RST", "PST" if "PST" in wanted else "RST"),
            **_amounts(quote),
        }
    )


def _text(number: Fraction | None) -> str:
    return "" if number is None else f"{Decimal(number.numerator) / number.denominator:f}"


def special_territory(row: Row) -> Verdict:
    """Whose rules hold at a postcode; of a TRAP row, the tax that its note names."""
    given, wanted = row["input"], row["expected"]
    place = territory_of(given["customer_country"], given.get("postcode"), given.get("region"))
    if is_trap(row):
        return _overseas(row, place)
    wrong = []
    name = wanted.get("territory")
    if name is not None and not _same_place(name, place.name):
        wrong.append(f"expected {name}, got {place.name}")
    if name is None and "territory" in wanted and place.special:
        wrong.append(f"expected no territory, got {place.name}")
    found = _meaning(str(wanted.get("treatment", "")))
    if found is not None and not _means(_supplied(given), found, given):
        wrong.append(f"expected {wanted['treatment']}, got {_treatment_text(_supplied(given))}")
    if "is_exception" in wanted and wanted["is_exception"] is not place.special:
        wrong.append(f"expected is_exception {wanted['is_exception']}, got {place.special}")
    return ("failed", "; ".join(wrong)) if wrong else ("passed", "")


def _overseas(row: Row, place: Territory) -> Verdict:
    given, note = row["input"], row["note"]
    taxed, _, untaxed = note.partition("none in")
    ours = _known(
        _quote(
            Seller(country=given["seller_country"]),
            Buyer(country=given["customer_country"], postcode=given["postcode"]),
            DAY,
            money(100, "EUR"),
        )
    )
    named = re.search(r"([\d.]+) %", taxed)
    if named is None:
        raise NotApplicable(f"a note of another kind: {note}")
    name = _letters(place.name)
    right = Decimal(named[1]) if name in _letters(taxed) else Decimal(0)
    if name not in _letters(taxed) and name not in _letters(untaxed):
        raise NotApplicable(f"the note doesn't speak of {place.name}")
    beside = f"ours {place.name} {ours.total_tax.amount} %, theirs {row['expected']}"
    return ("passed" if ours.total_tax.amount == right else "failed"), beside


_OTHER_NAMES = {"helgoland": "heligoland", "frenchguiana": "guyane", "athos": "mountathos"}


def _letters(name: str) -> str:
    plain = re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", name.lower()))
    return _OTHER_NAMES.get(plain, plain)


def _same_place(said: str, ours: str) -> bool:
    """Whether two names mean the same: Åland and Åland Islands, Büsingen am Hochrhein."""
    first, second = _letters(said), _letters(ours)
    return first == second or (len(second) > len("XX") and first.startswith(second))


# ----------------------------------------------------------------------------- place of supply


def place_of_supply(row: Row) -> Verdict:
    """Who owes which tax. A row says nothing of registrations abroad: there are none."""
    given = row["input"]
    wanted = str(row["expected"]["treatment"])
    quote = _supplied(given)
    ours = _treatment_text(quote)
    if is_trap(row):
        return _trapped(row, quote, ours)
    found = _meaning(wanted)
    if found is None:
        raise NotApplicable(f"a treatment of another kind: {wanted}")
    if found[0] == "O" and "tax.provider_needed" in {each.key for each in quote.findings}:
        raise NotApplicable("we don't know the tax there: a provider has to say it")
    if not _means(quote, found, given):
        return "failed", f"expected {wanted}, got {ours}"
    otherwise = re.search(r"or ([A-Z]{2}) ([\d.]+)\s*% under the", wanted)
    if otherwise is not None:
        below = _supplied(given, CrossBorderSales(previous_year=Decimal(0), this_year=Decimal(1)))
        if not _means(below, ("S", otherwise[1], otherwise[2]), given):
            return "failed", f"expected {wanted}, got {_treatment_text(below)} below the threshold"
    return "passed", ""


def _supplied(given: Mapping[str, Any], sales: CrossBorderSales | None = None) -> TaxQuote:
    country = given["customer_country"]
    said = given.get("vat_id")
    business = {"B2B": True, "B2C": False}.get(str(given.get("customer")))
    status = None if said is None else _status(str(said))
    buyer = Buyer(
        country=country,
        postcode=given.get("postcode"),
        vat_id=None if said is None else _shape(str(said), country),
        vat_id_check=UNVERIFIED if status is None else VatIdCheck(status=status),
        business=business,
    )
    seller = Seller(
        country=given["seller_country"],
        vat_id="stated",
        registrations=frozenset(),
        cross_border=sales,
    )
    return _quote(seller, buyer, DAY, money(100, "EUR"))


def _status(said: str) -> VatIdStatus:
    """What the words of a row mean: 'valid in VIES', 'VIES down', 'IT123 (bad format)'."""
    words = said.lower()
    if re.search(r"down|unavailable|unverified|timeout", words):
        return VatIdStatus.UNVERIFIED
    if re.search(r"bad format|invalid|not valid|unknown", words):
        return VatIdStatus.INVALID
    if "valid" in words:
        return VatIdStatus.VALID
    try:
        vat_id(said)
    except InvalidInput:
        return VatIdStatus.INVALID
    return VatIdStatus.VALID


def _shape(said: str, country: str) -> str:
    """An id of the customer's country; the rules read no more of it than its prefix."""
    prefix = re.match(r"([A-Z]{2})[ 0-9A-Z]", said)
    known = prefix is not None and not said.startswith("VIES")
    return f"{prefix[1]}0" if known and prefix is not None else f"{country}0"


def _meaning(text: str) -> tuple[str, str, str] | None:
    """The treatment that a text names first: category, country, rate in percent."""
    patterns = {
        "S": r"\b([A-Z]{2}) (?:standard|([\d.]+)\s*%)",
        "AE": r"(?<!no )reverse charge()()",
        "O": r"(?:not taxed|outside|out of scope|not subject|third.country|goods only"
        r"|no (?:EU )?VAT)()()",
    }
    found = [
        (match.start(), category, match)
        for category, pattern in patterns.items()
        if (match := re.search(pattern, text, re.IGNORECASE if category != "S" else 0))
    ]
    if not found:
        return None
    _, category, match = min(found, key=lambda each: each[0])
    return category, match[1] or "", match[2] or ""


def _means(quote: TaxQuote, found: tuple[str, str, str], given: Mapping[str, Any]) -> bool:
    if quote.state is not QuoteState.OK:
        return False
    treatment = quote.lines[0].treatment
    category, country, rate = found
    if category == "S":
        right_rate = not rate or _percent(treatment.rate) == Fraction(rate)
        here = treatment.country == country and right_rate
        return treatment.category is TaxCategory.STANDARD and here
    # Outside the EU a reverse charge is the other country's: for EN 16931 it is out of scope.
    outside = treatment.country not in {"XI", given["seller_country"]} and category == "AE"
    codes = {category, "O"} if outside and not _in_the_eu(given) else {category}
    return treatment.category.value in codes


def _in_the_eu(given: Mapping[str, Any]) -> bool:
    return territory_of(given["customer_country"], given.get("postcode")).area.value == "eu"


def _treatment_text(quote: TaxQuote) -> str:
    if quote.state is not QuoteState.OK:
        return f"{quote.state.value}: {', '.join(finding.key for finding in quote.findings)}"
    treatment = quote.lines[0].treatment
    rate = "" if treatment.rate is None else f" {_text(_percent(treatment.rate))} %"
    return f"{treatment.country} {treatment.category.value}{rate} ({treatment.reason.value})"


def _trapped(row: Row, quote: TaxQuote, ours: str) -> Verdict:
    """What the note of a TRAP row says is right."""
    note = str(row["note"])
    if re.search(r"error value|unless a provider|never a silent|only a provider", note):
        right = quote.state is QuoteState.UNKNOWN
    elif re.search(r"domestic .*need not wait", note):
        right = _means(quote, ("S", row["input"]["seller_country"], ""), row["input"])
    else:
        raise NotApplicable(f"a note of another kind: {note}")
    return ("passed" if right else "failed"), f"ours {ours}, theirs {row['expected']}"


def threshold(row: Row) -> Verdict:
    """Up to the threshold the seller's tax, past it the customer's."""
    given = row["input"]
    if "customer_country" not in given:
        return _small_business(row)
    where = _established(given)
    seller = Seller(
        country=given["seller_country"],
        other_establishments=where - {given["seller_country"]},
        opted_out=any("opt" in key and bool(value) for key, value in given.items()),
        cross_border=CrossBorderSales(
            previous_year=Decimal(given.get("cross_border_b2c_previous_year_eur") or 0),
            this_year=Decimal(given.get("cross_border_b2c_this_year_including_this_eur") or 0),
        ),
    )
    ours = _known(_quote(seller, Buyer(country=given["customer_country"]), DAY, money(1, "EUR")))
    wanted = row["expected"]["place_of_supply"]
    side = re.match("(seller|customer)", wanted)
    if side is None:
        raise NotApplicable(f"a place of another kind: {wanted}")
    right = ours.lines[0].treatment.country == given[f"{side[1]}_country"]
    return ("passed" if right else "failed"), "" if right else _treatment_text(ours)


def _established(given: Mapping[str, Any]) -> frozenset[str]:
    """Where the seller is; not *only* in one state means in the customer's as well."""
    found: set[str] = set()
    for key, value in given.items():
        if "establish" in key:
            found |= set(
                re.findall("[A-Z]{2}", " ".join(value) if isinstance(value, list) else str(value))
            )
            if "only" in key and not value:
                found.add(given["customer_country"])
    return frozenset(found)


def _small_business(row: Row) -> Verdict:
    given = row["input"]
    years = {
        field: next((value for key, value in given.items() if re.search(words, key)), None)
        for field, words in (("previous_year", "previous"), ("this_year", "this_year|current"))
    }
    wanted = next((value for key, value in row["expected"].items() if "exempt" in key), None)
    country = given.get("country") or given.get("seller_country")
    if None in years.values() or not isinstance(wanted, bool) or country is None:
        raise NotApplicable(f"a threshold of another kind: {sorted(given)}")
    ours = within_small_business_limit(
        country,
        previous_year=Decimal(years["previous_year"] or 0),
        this_year=Decimal(years["this_year"] or 0),
    )
    return ("passed" if ours is wanted else "failed"), f"exempt: {ours}"


def saas_taxability(row: Row) -> Answer:
    """The United States: only a provider may answer, so ours is unknown."""
    given = row["input"]
    quote = _quote(
        Seller(country=given["country"], registrations=frozenset({given["country"]})),
        Buyer(country=given["country"], region=given["state"]),
        DAY,
        money(given["net"], "USD"),
    )
    instead = dict.fromkeys(row["expected"], QuoteState.UNKNOWN.value)
    return Answer(got=dict.fromkeys(row["expected"], quote.state.value), instead=instead)


def vat_number(row: Row) -> Answer:
    """Form and check digits."""
    given = row["input"]
    try:
        found = vat_id(given["number"], given["country"])
    except InvalidInput:
        return Answer(got={"valid_format_and_checksum": False})
    return Answer(got={"valid_format_and_checksum": True, "compact": found.number})


# ------------------------------------------------------------------------------------- rounding


def tax_rounding(row: Row) -> Answer | Verdict:
    """Amounts, prices and taxes, rounded; what a user expected instead is no result."""
    given = row["input"]
    wanted = {
        key: value for key, value in row["expected"].items() if not key.startswith("expected_by")
    }
    answer = Answer(got=_rounded(given, row))
    wrong = differences({**row, "expected": wanted}, answer)
    return ("failed", "; ".join(wrong)) if wrong else ("passed", "")


def _rounded(given: Mapping[str, Any], row: Row) -> dict[str, object]:
    known = {"payout", "to", "charge", "amount", "unit_price", *_AMOUNTS, "amount_cents"}
    if not known & set(given) and _listed(given) is None:
        message = f"a rounding of another kind: {sorted(given)}"
        raise NotApplicable(message)
    if "payout" in given:
        currency = given["currency"]
        step = from_minor(
            STRIPE_PAYOUTS.multiples.get(currency, 1), currency, profile=STRIPE_PAYOUTS
        )
        paid = rounded(money(given["payout"], currency), Rounding.DOWN, step=step)
        return {"stripe_amount": to_minor(paid, profile=STRIPE_PAYOUTS)}
    if "to" in given or "charge" in given:
        multiple = STRIPE.multiples.get(given["currency"], 1)
        step = from_minor(multiple, given["currency"], profile=STRIPE)
        charged = money(given.get("amount", given.get("charge")), given["currency"])
        amount = rounded(charged, Rounding.HALF_UP, step=step)
        return {"stripe_amount": to_minor(amount, profile=STRIPE), "must_be_multiple_of": multiple}
    if "amount" in given:
        return _of_an_amount(given, row)
    if "unit_price" in given:
        unit = money(given["unit_price"], given["currency"])
        return {"amount": share(unit, Fraction(given["quantity"]), Rounding.HALF_UP).amount}
    return _of_tax(given, row)


def _of_an_amount(given: Mapping[str, Any], row: Row) -> dict[str, object]:
    amount = money(given["amount"], given.get("currency", "EUR"))
    stated = row["expected"].get("mode") or given.get("mode")
    mode = Rounding.HALF_UP if stated is None else _mode(stated)
    got: dict[str, object] = {each.value: rounded(amount, each).amount for each in Rounding}
    return {**got, "cents": to_minor(rounded(amount, mode)), "mode": stated}


def _mode(said: str) -> Rounding:
    """A way of rounding by its names elsewhere: ROUND_HALF_EVEN, banker's, truncate."""
    word = said.lower().replace("-", "_").removeprefix("round_")
    others = {
        "truncate": Rounding.DOWN,
        "half_away_from_zero": Rounding.HALF_UP,
        "bankers": Rounding.HALF_EVEN,
        "banker's": Rounding.HALF_EVEN,
    }
    if word not in others and word not in list(Rounding):
        raise NotApplicable(f"a way of rounding that we lack: {said}")
    return others.get(word) or Rounding(word)


_AMOUNTS = ("unit_net", "unit_gross", "net", "gross", "price")


def _listed(given: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Lines that a row lists: each with its own fields, or plain amounts, in cents or not."""
    for key, value in given.items():
        if isinstance(value, list):
            named = "amount_cents" if key.endswith("_cents") else "net"
            return [each if isinstance(each, Mapping) else {named: each} for each in value]
    return None


def _of_tax(given: Mapping[str, Any], row: Row) -> dict[str, object]:
    currency = given.get("currency", "EUR")
    lines = _lines(given, currency, _rate_of(given, row))
    percents = {line.category for line in lines}
    table = RateTable(
        rates=tuple(
            Rate(
                country="DE",
                category=percent,
                rate=Fraction(percent) / 100,
                valid_from=DAY,
                source="the row",
            )
            for percent in sorted(percents)
        ),
        data_as_of=DAY,
    )
    seller, buyer = Seller(country="DE"), Buyer(country="DE")
    request = TaxRequest(
        currency=currency,
        seller=seller,
        buyer=buyer,
        tax_point=DAY,
        lines=lines,
        rounding=_rounding(given),
    )
    quote = _known(calculate(request, table))
    cents = {
        "net_cents": to_minor(quote.total_net),
        "tax_cents": to_minor(quote.total_tax),
        "gross_cents": to_minor(quote.total_gross),
        "total_cents": to_minor(quote.total_gross),
        "amount_tax_cents": to_minor(quote.total_tax),
    }
    return {**_amounts(quote), "total": quote.total_gross.amount, **cents}


def _rate_of(given: Mapping[str, Any], row: Row) -> str | None:
    """The rate, or the one that the note implies."""
    if "tax_percent" in given:
        return str(given["tax_percent"])
    implied = re.search(r"([\d.]+)\s*%", str(row.get("note") or ""))
    return None if implied is None else implied[1]


def _lines(given: Mapping[str, Any], currency: str, rate: str | None) -> tuple[TaxableLine, ...]:
    listed = _listed(given)
    if listed is None:
        listed = [given] * int(given.get("lines", 1))
    return tuple(
        _line(str(number), each, currency, str(each.get("rate", rate)), given)
        for number, each in enumerate(listed)
    )


def _line(
    id: str, each: Mapping[str, Any], currency: str, rate: str, given: Mapping[str, Any]
) -> TaxableLine:
    if rate == "None":
        raise NotApplicable(f"no rate in {sorted(given)}, nor in the note")
    if "amount_cents" in each:
        amount = from_minor(each["amount_cents"], currency)
        gross = each.get("tax_behavior") == "inclusive"
    else:
        key = next((key for key in _AMOUNTS if key in each), None)
        if key is None:
            raise NotApplicable(f"no amount in {sorted(each)}")
        gross = "gross" in key or given.get("prices") == "inclusive"
        amount = money(each[key], currency)
    fine = money(FINE, currency)
    amount = share(amount, Fraction(each.get("quantity", 1)), Rounding.HALF_UP, step=fine)
    kept = 1 - Fraction(each.get("discount_percent", 0)) / 100
    return TaxableLine(
        id=id,
        amount=share(amount, kept, Rounding.HALF_UP, step=fine),
        behavior=TaxBehavior.INCLUSIVE if gross else TaxBehavior.EXCLUSIVE,
        category=rate,
    )


def _rounding(given: Mapping[str, Any]) -> TaxRounding:
    said = str(given.get("rounding", ""))
    per_line = re.search("line|item|each|credit note|round then sum|^currency$", said)
    level = TaxLevel.LINE if per_line else TaxLevel.RATE_GROUP
    if re.search("invoice|global|document|total|sum then round|^precise$", said):
        level = TaxLevel.INVOICE
    return TaxRounding(level=level, inclusive=InclusiveRounding(given.get("round", "net")))


KINDS: dict[str, Translation] = {
    "combined_rate": combined_rate,
    "place_of_supply": place_of_supply,
    "saas_taxability": saas_taxability,
    "special_territory": special_territory,
    "standard_rate_on_date": standard_rate,
    "tax_rounding": tax_rounding,
    "threshold": threshold,
    "vat_number": vat_number,
}
