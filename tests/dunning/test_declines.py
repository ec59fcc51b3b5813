"""Decline codes: the table against its sources, who outranks whom, what a customer may hear."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from retainkit.billing import Decline
from retainkit.dunning import DeclineClass, classify
from retainkit.dunning._decline_codes import ROWS, SOURCES


DATA = Path(__file__).parents[1] / "data" / "decline_codes.csv"
SHIPPED = [line.split() for line in ROWS.split("\n") if line]


def test_the_shipped_table_is_the_collected_one_with_the_strict_side_of_network_conflicts() -> None:
    """152 codes, none lost; only Visa's 14 is read more strictly than it was noted."""
    with DATA.open(encoding="utf-8", newline="") as file:
        collected = {(row["scheme"], row["code"]): row["class"] for row in csv.DictReader(file)}
    shipped = {(scheme, code): class_ for scheme, code, class_, *_ in SHIPPED}

    assert len(SHIPPED) == len(shipped) == len(collected) == 152
    assert {key for key in collected if shipped[key] != collected[key]} == {("visa", "14")}
    assert shipped["visa", "14"] == "hard"


def test_the_table_s_counts() -> None:
    """A change of the table is a decision: it shows here."""
    assert Counter(class_ for _, _, class_, *_ in SHIPPED) == {
        "hard": 62,
        "needs_customer_action": 49,
        "soft": 41,
    }
    assert Counter(scheme for scheme, *_ in SHIPPED) == {
        "stripe": 52,
        "visa": 33,
        "ach": 17,
        "mastercard_mac": 16,
        "bacs_arudd": 11,
        "gocardless": 10,
        "sepa": 10,
        "stripe_advice": 3,
    }


def test_every_row_names_its_source() -> None:
    """The index of a row leads to a page."""
    assert {SOURCES[int(row[-1])] for row in SHIPPED} == set(SOURCES)


@pytest.mark.parametrize(
    ("decline", "class_", "source"),
    [
        (Decline(code="insufficient_funds"), "soft", "code"),
        (Decline(code="lost_card"), "hard", "code"),
        (Decline(code="never_seen"), "unknown", "none"),
        (Decline(code="lost_card", advice="try_again_later"), "soft", "advice"),
        (Decline(code="insufficient_funds", advice="do_not_try_again"), "hard", "advice"),
        (
            Decline(code="insufficient_funds", network_advice="03", network="mastercard"),
            "hard",
            "network_advice",
        ),
        (
            Decline(code="generic_decline", network_code="43", network="visa"),
            "hard",
            "network_code",
        ),
        (
            Decline(
                code="lost_card",
                advice="confirm_card_data",
                network_advice="03",
                network_code="51",
                network="mastercard",
            ),
            "needs_customer_action",
            "advice",
        ),
        (
            Decline(code="lost_card", network_advice="24", network_code="43", network="mastercard"),
            "soft",
            "network_advice",
        ),
        # Visa has advice codes of its own meaning: Mastercard's table is not asked.
        (Decline(code="lost_card", network_advice="24", network="visa"), "hard", "code"),
        (Decline(code="expired_card", network_code="ZZ"), "needs_customer_action", "code"),
        (Decline(code="R01"), "soft", "code"),
        (Decline(code="AM04", network="sepa_debit"), "soft", "code"),
        (
            Decline(code="failed", network_code="R07", network="us_bank_account"),
            "hard",
            "network_code",
        ),
        (Decline(code="2", network="bacs_debit"), "hard", "code"),
        (Decline(code="2"), "unknown", "none"),
        (Decline(code="mandate_cancelled"), "hard", "code"),
    ],
)
def test_who_outranks_whom(decline: Decline, class_: str, source: str) -> None:
    """Advice, network advice, network code, code: the most trusted that is known decides."""
    read = classify(decline, {})

    assert (read.class_, read.source) == (class_, source)


@pytest.mark.parametrize("key", ["do_not_honor", "stripe:do_not_honor"])
def test_a_tenant_s_override_decides_before_everything(key: str) -> None:
    """By code, or by scheme and code; against advice, too."""
    decline = Decline(code="do_not_honor", advice="try_again_later")
    read = classify(decline, {key: DeclineClass.HARD, "visa:05": DeclineClass.SOFT})

    assert (read.class_, read.source, read.code) == (DeclineClass.HARD, "override", "do_not_honor")


def test_an_override_of_a_network_code_is_found_by_its_scheme() -> None:
    """The scheme keeps Visa's 05 apart from any other 05."""
    decline = Decline(code="do_not_honor", network_code="05", network="visa")

    assert classify(decline, {"visa:05": DeclineClass.HARD}).class_ is DeclineClass.HARD
    assert classify(decline, {"ach:05": DeclineClass.HARD}).class_ is DeclineClass.SOFT


@pytest.mark.parametrize(
    ("advice", "hours"),
    [
        ("02", 72),
        ("24", 1),
        ("25", 24),
        ("26", 48),
        ("27", 96),
        ("28", 144),
        ("29", 192),
        ("30", 240),
    ],
)
def test_mastercard_s_waits_are_kept(advice: str, hours: int) -> None:
    """Also when the provider's own advice decided the class."""
    decline = Decline(code="insufficient_funds", network_advice=advice, network="mastercard")
    advised = Decline(
        code="insufficient_funds",
        advice="try_again_later",
        network_advice=advice,
        network="mastercard",
    )

    assert classify(decline, {}).retry_not_before == timedelta(hours=hours)
    assert classify(advised, {}).retry_not_before == timedelta(hours=hours)
    assert classify(Decline(code="insufficient_funds"), {}).retry_not_before is None


@pytest.mark.parametrize(
    ("decline", "reason"),
    [
        (Decline(code="insufficient_funds"), "insufficient_funds"),
        (Decline(code="expired_card"), "expired_card"),
        (Decline(code="authentication_required"), "needs_authentication"),
        (Decline(code="incorrect_cvc"), "card_problem"),
        (Decline(code="processing_error"), "bank_problem"),
        (Decline(code="do_not_honor"), "generic"),
        (Decline(code="stolen_card"), "generic"),
        (Decline(code="fraudulent"), "generic"),
        (Decline(code="generic_decline", network_code="51", network="visa"), "insufficient_funds"),
        # One code says stolen: whatever the others say, nothing of it is told.
        (Decline(code="insufficient_funds", network_code="43", network="visa"), "generic"),
        (Decline(code="incorrect_number", network_code="14", network="visa"), "card_problem"),
        (Decline(code="never_seen"), "generic"),
    ],
)
def test_what_a_customer_may_be_told(decline: Decline, reason: str) -> None:
    """Nothing of a lost, stolen or suspected card ever reaches a message."""
    assert classify(decline, {}).reason == reason


def test_no_secret_class_of_code_has_words_for_the_customer() -> None:
    """Lost, stolen, fraud, pick-up and revocations are all told as nothing in particular."""
    secret = {
        "lost_card",
        "stolen_card",
        "pickup_card",
        "fraudulent",
        "highest_risk_level",
        "merchant_blacklist",
        "restricted_card",
        "security_violation",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "stop_payment_order",
    }
    visa = {"04", "07", "41", "43", "59", "R0", "R1", "R3"}
    told = {
        reason
        for scheme, code, _, _, reason, _ in SHIPPED
        if code in secret or (scheme == "visa" and code in visa)
    }

    assert told == {"generic"}
