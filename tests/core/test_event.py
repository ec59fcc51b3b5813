"""What an event may say: instants, ids and figures; anything else is refused by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retainkit.core import Event, JsonObject, JsonValue, Origin, dumps
from retainkit.core._json import _encoder
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9
)


def told(data: JsonObject, at: datetime = NOON) -> Event:
    """A customer did something."""
    return Event(
        id=EventId("evt_1"),
        name="report.exported",
        customer=CustomerId("ada"),
        occurred_at=at,
        data=data,
    )


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"price": 0.1}, "data.price"),
        ({"order": {"price": 0.1}}, "data.order.price"),
        ({"prices": [1, [0.1]]}, "data.prices"),
    ],
)
def test_a_float_is_refused_wherever_it_hides(data: JsonObject, field: str) -> None:
    """It could not be kept exactly; the error says where it is and what to write instead."""
    with pytest.raises(InvalidInput) as caught:
        told(data)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.float", field, 0.1,
    )  # fmt: skip
    assert "text" in caught.value.remedy


@pytest.mark.parametrize("broken", ["\0", "\ud800"])
@pytest.mark.parametrize("named", ["id", "name", "customer"])
def test_a_name_that_no_database_keeps_is_refused(named: str, broken: str) -> None:
    """One such event would fail the whole batch that it comes with, on PostgreSQL alone."""
    with pytest.raises(InvalidInput) as caught:
        Event(
            id=EventId(f"a{broken}b" if named == "id" else "evt_1"),
            name=f"a{broken}b" if named == "name" else "report.exported",
            customer=CustomerId(f"a{broken}b" if named == "customer" else "ada"),
            occurred_at=NOON,
        )
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.text", named, ascii(broken),
    )  # fmt: skip
    assert "NUL" in caught.value.remedy


@pytest.mark.parametrize("wrong", [5, None, b"evt"], ids=repr)
@pytest.mark.parametrize("named", ["id", "name", "customer"])
def test_a_name_that_is_no_text_is_refused(named: str, wrong: Any) -> None:
    """A store would give it back as text, so that the same event would never be a duplicate."""
    some = {"id": "evt_1", "name": "report.exported", "customer": "ada", named: wrong}
    with pytest.raises(InvalidInput) as caught:
        Event(**some, occurred_at=NOON)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.id_type", named, type(wrong).__name__,
    )  # fmt: skip
    assert caught.value.remedy == "pass it as text, in quotes"


@pytest.mark.parametrize("long", ["x" * 2001, "é" * 1001], ids=["letters", "bytes"])
@pytest.mark.parametrize("named", ["id", "customer"])
def test_an_id_that_no_index_holds_is_refused(named: str, long: str) -> None:
    """PostgreSQL alone would fail, with the whole batch; one byte less is kept everywhere."""
    ids = {"id": "evt_1", "customer": "ada"}

    def told(text: str) -> Event:
        some = {**ids, named: text}
        return Event(
            id=EventId(some["id"]),
            name="report.exported" * 100,
            customer=CustomerId(some["customer"]),
            occurred_at=NOON,
        )

    with pytest.raises(InvalidInput) as caught:
        told(long)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.id_length", named, f"{long[:40]}... of {len(long.encode())} bytes",
    )  # fmt: skip
    assert caught.value.remedy == (
        "pass one of at most 2000 bytes of UTF-8, such as a digest of this one"
    )
    kept = told("x" * 2000)
    assert "x" * 2000 in (kept.id, kept.customer)


def test_data_that_no_text_can_hold_are_told_by_our_error() -> None:
    """Half of a surrogate pair, and a number that Python does not write; a NUL is escaped."""
    assert told({"user": "a\0b"}).fingerprint
    for data, code, value in (
        ({"user": "a\ud800"}, "json.text", ascii("\ud800")),
        ({"user": 10**5000}, "json.number", "huge"),
    ):
        with pytest.raises(InvalidInput) as caught:
            _ = told(data).fingerprint
        assert (caught.value.code, caught.value.field, caught.value.value) == (code, "data", value)
        assert caught.value.remedy


def test_what_json_has_no_word_for_is_refused() -> None:
    """A Decimal, a date or a set is no JSON value."""
    with pytest.raises(InvalidInput) as caught:
        told({"amounts": [Decimal(1)]})  # type: ignore[list-item] # what a caller without types does
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "json.type", "data.amounts", "Decimal",
    )  # fmt: skip
    assert caught.value.remedy


def test_plain_values_stay_as_they_are() -> None:
    """Text, whole numbers, truth and nothing, in lists and mappings."""
    data: JsonObject = {"n": 1, "s": "x", "b": True, "none": None, "list": [1, ["x"], {"k": None}]}
    assert told(data).data == data


def test_a_word_of_an_enum_is_text() -> None:
    """It is kept as the text it stands for."""
    assert told({"origin": Origin.TEST, "all": [Origin.REAL]}).data["origin"] == "test"


def test_a_naive_time_is_refused() -> None:
    """Without a zone nobody knows when it was."""
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(InvalidInput) as caught:
        told({}, at=naive)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "time.naive", "occurred_at", naive,
    )  # fmt: skip
    assert "aware" in caught.value.remedy


def test_an_instant_is_kept_in_utc() -> None:
    """Noon in Greenwich is one o'clock in Berlin."""
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert told({}, at=berlin).occurred_at == NOON
    assert told({}, at=berlin).occurred_at.tzinfo is UTC


def test_the_fingerprint_is_what_is_said_and_nothing_else() -> None:
    """Another amount is another payload; another actor is not."""
    said = told({"rows": 1})
    assert evolve(said, actor="somebody").fingerprint == said.fingerprint
    assert evolve(said, data={"rows": 2}).fingerprint != said.fingerprint
    assert evolve(said, name="report.opened").fingerprint != said.fingerprint


def test_a_fingerprint_keeps_its_bytes() -> None:
    """What earlier versions have stored still recognises its duplicates."""
    said = told({"rows": 1, "Größe": ["x", None, {"b": True}]}, at=NOON.replace(microsecond=5))
    assert said.fingerprint == "a701bcfde95b239c36f66006bec203fd729a3eb8628969b1e63ee653762b184d"


def test_the_public_encoder_serves_where_its_inner_part_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another Python may do without the undocumented part: the text is the same."""
    data = {"b": [1, None], "a": "ü"}
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert "".join(_encoder()(data, 0)) == dumps(data) == '{"a":"ü","b":[1,null]}'


@given(VALUES)
def test_the_canonical_text_is_what_the_public_encoder_writes(value: JsonValue) -> None:
    """It is written by a part of the standard library that has no documentation."""
    public = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert dumps(value) == public
