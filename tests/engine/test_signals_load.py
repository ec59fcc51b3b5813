"""Facts in bulk: from a data frame or a file of the warehouse, a thousand a commit."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.engine.measured import measured, values
from tests.engine.world import DAY, NOW, Crash, Watched, World

from retainkit.engine import Loaded
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import CustomerId
from retainkit.money import money
from retainkit.rules import Amount, Duration, Signals


FACTS: dict[str, list[object]] = {
    "customer": ["ada", "bob", "cyd"],
    "mrr": [Decimal("499.90"), Decimal(20), None],
    "plan": ["team", "starter", "free"],
    "seats": [25, None, 3],
    "champion": [True, False, None],
    "renewal_at": [datetime(2026, 9, 1, tzinfo=UTC), None, datetime(2027, 1, 1, tzinfo=UTC)],
}
ADA = {
    "mrr": money("499.90", "EUR"),
    "plan": "team",
    "seats": 25,
    "champion": True,
    "renewal_at": datetime(2026, 9, 1, tzinfo=UTC),
}
CSV = """\
customer,mrr,plan,seats,share,champion,renewal_at,answered_in
ada,499.90,team,25,0.1,true,2026-09-01T00:00:00Z,5400
bob,20,starter,,,no,,
"""


MANY_ROWS = b"customer,plan\n" + b"".join(b"c%d,team\n" % number for number in range(2000))


def written(path: Path, text: str) -> Path:
    """A file of the warehouse."""
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["dict", "polars", "lazy", "pandas", "arrow", "parquet"])
def test_a_frame_of_any_kind_is_loaded(world: World, kind: str, tmp_path: Path) -> None:
    """A row for each customer, a column for each signal; what is empty says nothing."""
    made: object
    match kind:
        case "polars":
            made = pl.DataFrame(FACTS)
        case "lazy":
            made = pl.LazyFrame(FACTS)
        case "pandas":
            made = pd.DataFrame(FACTS)
        case "arrow":
            made = pa.table(FACTS)
        case "parquet":
            made = tmp_path / "facts.parquet"
            pq.write_table(pa.table(FACTS), made)
        case _:
            made = FACTS
    kit = measured(world)
    assert kit.signals.load(made, source="warehouse") == Loaded(set=3)
    assert values(kit, "ada") == ADA
    assert values(kit, "bob") == {
        "mrr": money(20, "EUR"),
        "plan": "starter",
        "champion": False,
    }
    told = kit.signals.of(CustomerId("cyd")).of("plan")
    assert told is not None
    assert (told.at, told.source) == (NOW, "warehouse")


def test_a_parquet_file_is_read_by_polars_where_there_is_no_arrow(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two is installed; without either, the way out is told."""
    path = tmp_path / "facts.parquet"
    pq.write_table(pa.table(FACTS), path)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    kit = measured(world)
    assert kit.signals.load(path).set == 3
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigurationError) as caught:
        kit.signals.load(path)
    error = caught.value
    assert (error.code, error.field, error.value) == ("missing_extra", "data", ".parquet")
    assert error.remedy == "pip install pyarrow, or write a CSV file"


def test_a_csv_file_is_loaded(world: World, tmp_path: Path) -> None:
    """Its texts are read as each signal's kind has them."""
    kit = measured(world)
    path = written(tmp_path / "facts.csv", CSV)
    assert kit.signals.load(str(path), at=NOW - DAY) == Loaded(set=2)
    assert values(kit, "ada") == {**ADA, "share": 0.1, "answered_in": timedelta(minutes=90)}
    assert values(kit, "bob") == {
        "mrr": money(20, "EUR"),
        "plan": "starter",
        "champion": False,
    }


def test_what_is_known_is_not_written_again(world: World) -> None:
    """A nightly load writes what has changed; only what goes stale is confirmed."""
    kit = measured(world)
    kit.signals.load({"customer": ["ada", "bob"], "plan": ["team", "free"], "seats": [5, 6]})
    world.clock.advance(DAY)
    again = kit.signals.load(
        {"customer": ["ada", "bob"], "plan": ["team", "starter"], "seats": [5, 6]}
    )
    assert again == Loaded(set=1, unchanged=1)
    assert len(kit.timeline(CustomerId("ada"))) == 1
    assert kit.timeline(CustomerId("bob"))[-1].event.data == {"signals": {"plan": "starter"}}
    stale = {"customer": ["ada"], "answered_in": [timedelta(hours=1)]}
    assert kit.signals.load(stale) == Loaded(set=1)
    world.clock.advance(DAY)
    assert kit.signals.load(stale) == Loaded(set=1)
    assert kit.signals.load(stale, at=NOW) == Loaded(set=1)
    assert kit.signals.load(stale, at=NOW) == Loaded(unchanged=1)


def test_a_corrected_load_of_the_same_midnight_holds(world: World) -> None:
    """For whomever it corrects, and corrected back it holds again."""
    kit, whose = measured(world), [f"c{n}" for n in range(12)]
    for seats in (5, 6, 7, 5):
        facts = {"customer": whose, "seats": [seats] * 12, "plan": ["team"] * 12}
        assert kit.signals.load(facts, at=NOW - DAY) == Loaded(set=12)
        assert kit.signals.load(facts, at=NOW - DAY) == Loaded(unchanged=12)
        assert {values(kit, each)["seats"] for each in whose} == {seats}
    kit.signals.set(CustomerId("c3"), {"seats": 9}, at=NOW - DAY)
    kit.signals.load({"customer": ["c3"], "seats": [1]}, at=NOW - DAY)
    assert values(kit, "c3")["seats"] == 1


def test_a_load_can_confirm_what_is_known(world: World) -> None:
    """So that what somebody tells late, of a time before, does not replace it."""
    kit = measured(world)
    for customer, confirm in (("ada", False), ("bob", True)):
        facts = {"customer": [customer], "plan": ["team"]}
        kit.signals.load(facts, at=NOW - 3 * DAY)
        loaded = kit.signals.load(facts, at=NOW - DAY, confirm=confirm)
        assert loaded.set == confirm
        kit.signals.set(CustomerId(customer), {"plan": "free"}, at=NOW - 2 * DAY)
    assert (values(kit, "ada"), values(kit, "bob")) == ({"plan": "free"}, {"plan": "team"})


def test_rows_that_can_not_be_right_are_refused_one_by_one(world: World, tmp_path: Path) -> None:
    """With their line, and what is wrong in it; the others are kept."""
    path = written(
        tmp_path / "facts.csv",
        "customer,plan,mrr,seats,updated_at\n"
        "ada,team,10,1,2026-02-01T00:00:00Z\n"
        "bob,gold,10,1,2026-02-01T00:00:00Z\n"
        "cyd,team,ten,1,2026-02-01T00:00:00Z\n"
        "dan,team,10,many,2026-02-01T00:00:00Z\n"
        "eve,team,10,1,2026-02-01\n"
        "fay,team,10,1,\n"
        "gus,team,10,1,2036-02-01T00:00:00Z\n",
    )
    kit = measured(world)
    loaded = kit.signals.load(path, at="updated_at")
    assert (loaded.set, loaded.unchanged) == (1, 0)
    assert [(row.line, row.customer, row.code, row.field) for row in loaded.refused] == [
        (3, "bob", "rules.not_a_choice", "plan"),
        (4, "cyd", "signals.amount", "mrr"),
        (5, "dan", "rules.value_type", "seats"),
        (6, "eve", "time.naive", "updated_at"),
        (7, "fay", "rules.reading_time", "updated_at"),
        (8, "gus", "signals.ahead", "at"),
    ]
    assert [row.value for row in loaded.refused][:3] == ["gold", "ten", "many"]
    assert all(row.remedy for row in loaded.refused)
    assert values(kit, "bob") == {}
    assert values(kit, "ada")["seats"] == 1


def test_lengths_and_amounts_that_are_none_are_refused(world: World, tmp_path: Path) -> None:
    """Seconds in words, an amount in no currency or in one that does not exist."""
    path = written(
        tmp_path / "facts.csv",
        "customer,answered_in,spent,code\n"
        "ada,5400,10,EUR\n"
        "\n"
        "bob,1h30,10,EUR\n"
        "cyd,1e999,10,EUR\n"
        "dan,60,10,\n"
        "eve,60,10,EURO\n",
    )

    class Spending(Signals):
        answered_in = Duration()
        spent = Amount()

    kit = measured(world, signals=Spending)
    loaded = kit.signals.load(path, currency="code")
    assert (loaded.set, loaded.unchanged) == (1, 0)
    assert values(kit) == {"answered_in": timedelta(minutes=90), "spent": money(10, "EUR")}
    assert [(row.line, row.code, row.field, row.value) for row in loaded.refused] == [
        (4, "rules.value_type", "answered_in", "1h30"),
        (5, "rules.value_type", "answered_in", "1e999"),
        (6, "rules.currency_missing", "spent", "10"),
        (7, "money.unknown_currency", "currency", "EURO"),
    ]
    assert [row.remedy for row in loaded.refused][2] == (
        "pass currency=, the column that tells it, or declare the signal's currency"
    )


NO_FACTS = [
    ("seats", "nan", "rules.value_type"),
    ("seats", "inf", "rules.value_type"),
    ("seats", "1_000", "rules.value_type"),
    ("seats", "\u0661\u0662", "rules.value_type"),
    ("seats", "1e400", "rules.not_finite"),
    ("seats", "9" * 5000, "rules.not_finite"),
    ("mrr", "1_000", "signals.amount"),
    ("mrr", "nan", "signals.amount"),
    ("answered_in", "1e999999", "rules.value_type"),
    ("answered_in", "1e15", "rules.value_type"),
    ("answered_in", "nan", "rules.value_type"),
]


@pytest.mark.parametrize(("column", "cell", "code"), NO_FACTS)
def test_a_text_that_is_no_number_changes_nothing_that_is_known(
    world: World, tmp_path: Path, column: str, cell: str, code: str
) -> None:
    """Not wiped, not read as another number; and it stops no other row."""
    kit = measured(world)
    told = {"seats": 12, "mrr": money(5, "EUR"), "answered_in": timedelta(hours=1)}
    kit.signals.set(CustomerId("ada"), told)
    world.clock.advance(DAY)
    path = written(tmp_path / "facts.csv", f"customer,{column}\nada,{cell}\nbob, 7\n")
    loaded = kit.signals.load(path)
    assert values(kit) == told
    assert loaded.set == 1
    assert len(values(kit, "bob")) == 1
    ((line, who, found, field, remedy),) = [
        (row.line, row.customer, row.code, row.field, row.remedy) for row in loaded.refused
    ]
    assert (line, who, found, field) == (2, "ada", code, column)
    assert remedy


def test_a_time_that_can_not_be_read_is_told_of_known_values_too(world: World) -> None:
    """The row is wrong, whatever it says; one that says nothing needs no time."""
    kit = measured(world)
    kit.signals.set(CustomerId("ada"), {"seats": 5})
    rows = {"customer": ["ada", "bob"], "seats": [5, None], "at": ["yesterday", "yesterday"]}
    loaded = kit.signals.load(rows, at="at")
    assert (loaded.set, loaded.unchanged) == (0, 1)
    assert [(row.customer, row.code, row.field, row.value) for row in loaded.refused] == [
        ("ada", "rules.reading_time", "at", "yesterday")
    ]


def test_a_flag_is_read_as_the_warehouse_writes_it(world: World) -> None:
    """Words, and 1 or 0 of any kind: databases without flags keep them as decimals."""
    kit = measured(world)
    told = [True, 1, 1.0, Decimal(1), "yes", False, 0, 0.0, Decimal("0.0"), "no"]
    told += [Decimal(2), 0.5, Decimal("sNaN")]
    ids = [f"c{number:02}" for number in range(len(told))]
    loaded = kit.signals.load({"customer": ids, "champion": told})
    assert [values(kit, each)["champion"] for each in ids[:10]] == [True] * 5 + [False] * 5
    assert [(row.customer, row.code, row.field, row.value) for row in loaded.refused] == [
        ("c10", "rules.value_type", "champion", "Decimal"),
        ("c11", "rules.value_type", "champion", 0.5),
        ("c12", "rules.value_type", "champion", "Decimal"),
    ]
    assert all(row.remedy for row in loaded.refused)


def test_an_array_in_a_cell_is_no_value(world: World) -> None:
    """Refused like any other object; the other rows are kept."""
    array = pd.DataFrame({"a": [1, 2]})["a"].to_numpy()
    frame = pd.DataFrame({"customer": ["ada", "bob"], "seats": [array, 3], "champion": [array, 1]})
    kit = measured(world)
    loaded = kit.signals.load(frame)
    assert [(row.code, row.field, row.value) for row in loaded.refused] == [
        ("rules.value_type", "seats", "ndarray")
    ]
    assert values(kit, "bob") == {"seats": 3, "champion": True}
    (flag,) = kit.signals.load(frame[["customer", "champion"]]).refused
    assert (flag.code, flag.field, flag.value) == ("rules.value_type", "champion", "ndarray")


def test_money_is_loaded_as_money(world: World) -> None:
    """Who has it already needs no column of currencies."""
    kit = measured(world)
    told = {"customer": ["ada", "bob"], "mrr": [money("499.90", "EUR"), money(5, "USD")]}
    loaded = kit.signals.load(told)
    assert values(kit) == {"mrr": money("499.90", "EUR")}
    assert [(row.customer, row.code, row.value) for row in loaded.refused] == [
        ("bob", "rules.currency", "USD")
    ]


def test_a_float_is_no_amount(world: World) -> None:
    """Nor is a number without a currency."""
    loaded = measured(world).signals.load({"customer": ["ada"], "mrr": [499.9]})
    assert [row.code for row in loaded.refused] == ["signals.amount"]


@pytest.mark.parametrize(
    ("data", "asked", "told"),
    [
        (
            {"customer": ["ada", None], "plan": ["team", "team"]},
            {},
            ("rules.customer_missing", "customer, line 2", None),
        ),
        (
            {"customer": ["ada", "bob", "ada"], "plan": ["team"] * 3},
            {},
            ("rules.customer_twice", "customer, lines 1 and 3", "ada"),
        ),
        ({"customer": [7], "plan": ["team"]}, {}, ("rules.value_type", "customer, line 1", "7")),
        (
            {"customer": ["ada", "half\ud800"], "plan": ["team"] * 2},
            {},
            ("json.text", "customer, line 2", r"'\ud800'"),
        ),
        ({"customer": ["ada"], "paln": ["team"]}, {}, ("rules.unknown_signal", "paln", "paln")),
        ({"customer": ["ada"], "exports": [1]}, {}, ("signals.computed", "exports", "exports")),
        ({"custmer": ["ada"]}, {}, ("rules.no_column", "key", "customer")),
        ({"customer": ["ada"]}, {"at": "updated"}, ("rules.no_column", "at", "updated")),
        ({"customer": ["ada"]}, {"currency": "cur"}, ("rules.no_column", "currency", "cur")),
        ({"customer": ["ada"], "plan": []}, {}, ("rules.column_length", "plan", 0)),
        ({"customer": "acme", "plan": "team"}, {}, ("rules.column_length", "customer", "str")),
        ({"customer": ["ada"], "plan": None}, {}, ("rules.column_length", "plan", "NoneType")),
        ({"customer": iter(["ada"])}, {}, ("rules.column_length", "customer", "list_iterator")),
        ({"customer": {"a": 1}}, {}, ("rules.column_length", "customer", "dict")),
        (7, {}, ("rules.no_frame", "data", "int")),
        ("facts.xlsx", {}, ("signals.file_kind", "data", ".xlsx")),
        ("nowhere.csv", {}, ("signals.file", "data", "nowhere.csv")),
        ("nowhere.parquet", {}, ("signals.file", "data", "nowhere.parquet")),
    ],
)
def test_a_batch_that_can_not_be_right_is_refused_as_a_whole(
    world: World, data: object, asked: dict[str, str], told: tuple[str, str, object]
) -> None:
    """Nothing is kept of any row."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.signals.load(data, **asked)  # type: ignore[arg-type]
    error = caught.value
    assert (error.code, error.field, error.value) == told
    assert error.remedy
    assert world.tables() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("customer,plan\nada,team,5\n", ("signals.row_length", "line 2", 3)),
        (
            "customer,plan\nada,team\nada,team\n",
            ("rules.customer_twice", "customer, lines 2 and 3", "ada"),
        ),
        ('customer,plan\n"ada"x,team\n', ("signals.file", "data", "facts.csv")),
        ("customer,plan,plan\nada,team,team\n", ("signals.column_twice", "plan", "plan")),
        ("", ("signals.file", "data", "facts.csv")),
        ("customer;plan\nada;team\n", ("signals.file", "data", "facts.csv")),
        ("customer,plan\n ada,team\n", ("signals.customer", "customer, line 2", " ada")),
        ("customer,plan\n  ,team\n", ("signals.customer", "customer, line 2", "  ")),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(
    world: World, tmp_path: Path, text: str, told: tuple[str, str, object]
) -> None:
    """With the line, and nothing is kept."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(InvalidInput) as caught:
        kit.signals.load(written(tmp_path / "facts.csv", text))
    error = caught.value
    assert (error.code, error.field, error.value) == told
    assert error.remedy
    assert world.tables() == before


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (MANY_ROWS + b"ad\xe4,team\n", "write line 2002 in UTF-8"),
        (b'customer,plan\nada,"' + b"x" * 200_000, "write line 2 as CSV: field larger than field "),
        (b"customer;plan\nada;team\n", "separate values by commas, not by ';'"),
        (b"", "write the names of the columns in its first line"),
    ],
)
def test_a_file_of_another_kind_is_told_what_is_wrong(
    world: World, tmp_path: Path, content: bytes, remedy: str
) -> None:
    """The line with bytes of another encoding, and what spreadsheets separate by."""
    file = tmp_path / "facts.csv"
    file.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.load(file)
    assert caught.value.code == "signals.file"
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith(remedy)


def test_a_frame_with_nullable_columns_is_loaded(world: World) -> None:
    """What pandas calls `<NA>` and `NaT` is an empty cell."""
    frame = pd.DataFrame(
        {
            "customer": pd.array(["ada", "bob"], dtype="string"),
            "seats": pd.array([25, None], dtype="Int64"),
            "champion": pd.array([True, None], dtype="boolean"),
            "renewal_at": pd.to_datetime(["2026-05-01T00:00:00Z", None]),
        }
    )
    kit = measured(world)
    assert kit.signals.load(frame) == Loaded(set=1, unchanged=1)
    assert values(kit)["seats"] == 25


@pytest.mark.parametrize(
    ("at", "code"),
    [(NOW + 9 * DAY, "signals.ahead"), (NOW.replace(tzinfo=None), "time.naive")],
)
def test_a_wrong_time_of_all_rows_is_told_once(world: World, at: datetime, code: str) -> None:
    """Not a million times."""
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.load({"customer": ["ada"], "seats": [1]}, at=at)
    assert (caught.value.code, caught.value.field) == (code, "at")


def test_an_unknown_currency_is_told_as_one(world: World) -> None:
    """The amount beside it is right."""
    data = {"customer": ["ada"], "mrr": ["90"], "cur": ["XXQ"]}
    (row,) = measured(world).signals.load(data, currency="cur").refused
    assert (row.code, row.value) == ("money.unknown_currency", "XXQ")


def test_a_damaged_parquet_file_is_refused(world: World, tmp_path: Path) -> None:
    """In words of ours, whichever library read it."""
    with pytest.raises(InvalidInput) as caught:
        measured(world).signals.load(written(tmp_path / "facts.parquet", "no parquet"))
    assert (caught.value.code, caught.value.value) == ("signals.file", "facts.parquet")


def test_columns_beside_are_left_out(world: World) -> None:
    """What the warehouse has more of is ignored when it is named."""
    kit = measured(world)
    frame = {"id": ["ada"], "plan": ["team"], "region": ["eu"]}
    assert kit.signals.load(frame, key="id", ignore=["region"]).set == 1


def test_an_interrupted_load_is_repeated(world: World) -> None:
    """A thousand rows a commit: what was committed is unchanged the second time."""
    many = {"customer": [f"c{n:04}" for n in range(2500)], "seats": list(range(2500))}
    with pytest.raises(Crash):
        measured(world, store=Watched(world.store, die_at=3)).signals.load(many)
    told: list[tuple[int, int]] = []
    loaded = measured(world).signals.load(many, progress=lambda *done: told.append(done))
    assert loaded == Loaded(set=1500, unchanged=1000)
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_a_host_loads_in_its_own_transaction(world: World) -> None:
    """And rolls back all of it."""
    kit = measured(world)
    before = world.tables()
    with pytest.raises(Crash), kit.transaction() as k:
        assert k.signals.load({"customer": ["ada"], "seats": [4]}).set == 1
        raise Crash
    assert world.tables() == before
