"""Every copied vector, in the default run; `run.py` takes further files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.vectors._rows import Row
from tests.vectors.run import Tally, main, rows


DATA = Path(__file__).parents[1] / "data"
MOST_NOT_APPLICABLE = 0.05


@pytest.fixture(scope="module")
def tally() -> Tally:
    """The proration vectors, run once."""
    done = Tally()
    done.run(rows(DATA / "proration_vectors.jsonl"))
    return done


def test_proration_vectors_hold(tally: Tally) -> None:
    """No row of any system fails under its profile."""
    assert tally.totals()["failed"] == 0, tally.text()
    assert tally.totals()["passed"] > 390


def test_few_rows_are_not_applicable(tally: Tally) -> None:
    """At most a twentieth of a system's rows is beyond what we answer."""
    for system in {system for system, _ in tally.counts}:
        counts = [count for (each, _), count in tally.counts.items() if each == system]
        beyond = sum(count["not applicable"] for count in counts)
        assert beyond <= MOST_NOT_APPLICABLE * sum(count.total() for count in counts), system


NEIGHBOURS = tuple(rows(DATA / "neighbour_vectors.jsonl"))


@pytest.mark.parametrize("row", NEIGHBOURS, ids=lambda row: row["id"])
def test_a_neighbour_holds(row: Row) -> None:
    """A case beside those that the rules were written by, from the same source, holds, too."""
    done = Tally()
    done.run([row])
    assert done.totals() == {"passed": 1}, done.text()


def test_a_neighbour_is_no_copy() -> None:
    """None of them is among the rows that were there before, and each says where it is from."""
    before = {
        (row["kind"], json.dumps(row["input"], sort_keys=True))
        for name in ("proration", "tax")
        for row in rows(DATA / f"{name}_vectors.jsonl")
    }
    for row in NEIGHBOURS:
        assert (row["kind"], json.dumps(row["input"], sort_keys=True)) not in before
        assert row["source"]


HEALTH = tuple(rows(DATA / "health_vectors.jsonl"))


@pytest.mark.parametrize("row", HEALTH, ids=lambda row: row["id"])
def test_a_health_vector_holds(row: Row) -> None:
    """What other products publish of their scores, and cases beside it."""
    done = Tally()
    done.run([row])
    assert done.totals() == {"passed": 1}, done.text()


def test_a_wrong_health_vector_fails() -> None:
    """Each of them would be noticed."""
    done = Tally()
    done.run(
        {**row, "expected": ["purple"] if isinstance(row["expected"], list) else "123.45"}
        for row in HEALTH
        if row["expected"] is not None
    )
    assert done.totals() == {"failed": len(HEALTH) - 1}, done.text()


def test_an_unknown_kind_is_not_applicable() -> None:
    """Nor is a system without a profile of its own a reason to break."""
    done = Tally()
    done.run([{"id": "1", "system": "other", "kind": "moon_phase", "input": {}, "expected": {}}])
    assert done.totals() == {"not applicable": 1}
    assert "no translation for the kind moon_phase" in done.text()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "1", "note": "half a row"}, "it lacks system, kind, input, expected"),
        (
            {"id": "1", "system": "silver", "kind": "advance_date", "input": {}, "expected": {}},
            "the row lacks 'start'",
        ),
    ],
)
def test_a_malformed_row_fails_with_its_reason(row: Row, said: str) -> None:
    """It neither passes nor stops the run."""
    done = Tally()
    done.run([row])
    assert done.totals() == {"failed": 1}
    assert said in done.text()


def test_the_run_ends_with_its_totals(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line counts, and without failures the exit status is 0."""
    assert main([str(DATA / "proration_vectors.jsonl")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("not applicable")
    assert " 0 failed" in last


def test_a_wrong_expectation_fails_the_run(tmp_path: Path) -> None:
    """A run that can't fail would prove nothing."""
    row = next(rows(DATA / "proration_vectors.jsonl"))
    changed = tmp_path / "changed.jsonl"
    changed.write_text(json.dumps({**row, "expected": {"cycles": "17"}}))
    assert main([str(changed)]) == 1


def test_without_a_file_the_run_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    """Called bare, it explains itself and ends with 2."""
    assert main([]) == 2
    assert "FILE" in capsys.readouterr().err
