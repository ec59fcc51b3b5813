"""Money in documents: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from retainkit.money import from_minor, money
from retainkit.schema import Money


class Fee(BaseModel):
    """A document with money in it."""

    amount: Money
    cap: Money | None = None


DOCUMENT = '{"amount":{"amount":"0.0004","currency":"EUR"},"cap":null}'


def test_money_comes_back() -> None:
    """Out of JSON and into it again, with every decimal."""
    fee = Fee.model_validate_json(DOCUMENT)

    assert fee == Fee(amount=money("0.0004", "EUR"))
    assert fee.model_dump_json() == DOCUMENT
    assert fee.model_dump() == {"amount": {"amount": "0.0004", "currency": "EUR"}, "cap": None}


def test_money_is_money_within() -> None:
    """What the document holds is the kit's own type, written as the kit writes it."""
    fee = Fee.model_validate({"amount": {"amount": "1234.5", "currency": "jod"}})

    assert repr(fee.amount) == repr(from_minor(1_234_500, "JOD"))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (9.99, "money.json"),
        ("9.99 EUR", "money.json"),
        ({"amount": 9.99, "currency": "EUR"}, "money.json"),
        ({"amount": 9, "currency": "EUR"}, "money.json"),
        ({"amount": "9.99"}, "money.json"),
        ({"amount": "9,99", "currency": "EUR"}, "money.not_a_number"),
        ({"amount": "NaN", "currency": "EUR"}, "money.not_finite"),
        ({"amount": "1e99", "currency": "EUR"}, "money.out_of_range"),
        ({"amount": "9.99", "currency": "EURO"}, "money.unknown_currency"),
        (Decimal("9.99"), "money.json"),
    ],
)
def test_what_is_no_money_is_refused_with_its_code(given: object, code: str) -> None:
    """The document's error carries the kit's, and its remedy is in the message."""
    with pytest.raises(ValidationError) as caught:
        Fee.model_validate({"amount": given})

    (error,) = caught.value.errors()
    assert (error["type"], error["loc"], error["ctx"]["code"]) == ("money", ("amount",), code)
    assert error["msg"] == error["ctx"]["problem"]
    assert ": " in error["msg"]


def test_the_json_schema_says_what_to_write() -> None:
    """Two strings, and nothing else."""
    described = TypeAdapter(Money).json_schema()

    assert {name: each["type"] for name, each in described["properties"].items()} == {
        "amount": "string",
        "currency": "string",
    }
    assert described["required"] == ["amount", "currency"]
    assert described["additionalProperties"] is False


def test_nothing_else_loads_pydantic() -> None:
    """Neither the kit nor its money; only who names this room."""
    program = (
        "import sys, retainkit, retainkit.money, retainkit.billing.prices\n"
        "assert 'pydantic' not in sys.modules\n"
        "assert 'retainkit.schema' not in sys.modules\n"
        "import retainkit.schema\n"
        "assert 'pydantic' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
