"""``retainkit rules test FILE``, as it is typed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from retainkit.cli import main
from retainkit.rules import Number, Signals


RULES = """\
rules:
  - id: big
    when: {seats: {gte: 5}}
    tests:
      - {name: edge, customer: {seats: 5}, now: 2026-11-01T00:00:00Z, expect: fires}
      - {name: small, customer: {seats: 4}, now: 2026-11-01T00:00:00Z, expect: no}
"""
OWN = "signals: {seats: {kind: number}}\n" + RULES


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.rules.yaml"


def test_a_file_whose_tests_hold(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how many, and ends well."""
    file.write_text(OWN)
    assert main(["rules", "test", str(file)]) == 0
    assert capsys.readouterr().out == "2 passed, 0 failed, 1 rules\n"


def test_signals_may_be_declared_in_python(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named as --app names a kit."""
    module = ModuleType("shop_signals")
    vars(module).update(Customer=type("Customer", (Signals,), {"seats": Number()}), text="none")
    monkeypatch.setitem(sys.modules, "shop_signals", module)
    file.write_text(RULES)

    assert main(["rules", "test", str(file), "--signals", "shop_signals:Customer"]) == 0
    capsys.readouterr()
    for wrong in ("shop_signals:text", "shop_signals:Custmer", "no_such_module:Customer", ":a"):
        assert main(["rules", "test", str(file), "--signals", wrong]) == 2
        assert "[cli.signals]" in capsys.readouterr().err


def test_a_wrong_answer_is_explained(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was expected, what was answered, and why; the exit code says so, too."""
    file.write_text(OWN.replace("{seats: 4}", "{seats: 6}"))

    assert main(["rules", "test", str(file)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAILED big: small: expected no, got fires",
        "  Is seats at least 5? It is 6. [yes]",
        "1 passed, 1 failed, 1 rules",
    ]


def test_what_is_suspicious_is_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that no test shows silent."""
    file.write_text(OWN.replace("expect: no", "expect: fires").replace("{seats: 4}", "{seats: 9}"))
    assert main(["rules", "test", str(file)]) == 0
    said = "look at big: No test shows a customer for whom the rule is false."
    assert said in capsys.readouterr().out


def test_mistakes_stand_on_standard_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each on its line, with the file."""
    file.write_text(OWN.replace("gte", "gtee"))
    assert main(["rules", "test", str(file)]) == 2
    error = capsys.readouterr().err
    assert f"{file}, line 4, column 20: This word has no meaning here" in error
    assert "did you mean 'gte'?" in error


def test_a_file_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback."""
    assert main(["rules", "test", str(file)]) == 2
    assert "[cli.file]" in capsys.readouterr().err
