"""Every copied vector, in the default run; `run.py` takes further files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
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
