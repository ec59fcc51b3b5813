"""``retainkit signals`` and the rules of a kit, as they are typed."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.engine.measured import Customer
from tests.engine.world import ADA, DAY, NOW

from retainkit.cli import main
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId
from retainkit.rules import Rule, Rulebook
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


APP = "--app=shop_facts:kit"
FACTS = """\
customer,plan,seats
ada,team,25
bob,gold,4
cyd,free,
"""


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> RetainKit:
    """A kit with signals and a rule, where the commands find it."""
    rule = Rule(id="many_seats", when=Customer.seats >= 20)
    kit = RetainKit(
        store=MemoryStore(),
        signals=Customer,
        rules=Rulebook(signals=Customer, rules=(rule,)),
        clock=ManualClock(NOW),
    )
    module = ModuleType("shop_facts")
    vars(module)["kit"] = kit
    monkeypatch.setitem(sys.modules, "shop_facts", module)
    return kit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "facts.csv"
    path.write_text(FACTS)
    return path


def test_facts_are_loaded_and_what_is_refused_is_told(
    kit: RetainKit, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its line, and an exit code that a scheduler sees."""
    assert main(["signals", "load", str(file), APP, "--source", "warehouse"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "line 3, plan: gold [rules.not_a_choice]",
        "  use one of free, starter, team",
        "2 set, 0 unchanged, 1 refused",
    ]
    told = kit.signals.of(ADA).of("seats")
    assert told is not None
    assert (told.value, told.at, told.source) == (25, NOW, "warehouse")


def test_a_load_that_changes_nothing_says_so(
    kit: RetainKit, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time may be an instant, and columns may be left out."""
    file.write_text("id,plan,region\nada,team,eu\n")
    asked = ["signals", "load", str(file), APP, "--key=id", "--ignore=region"]
    assert main([*asked, f"--at={NOW - DAY:%Y-%m-%dT%H:%M:%SZ}"]) == 0
    assert main(asked) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 set, 0 unchanged, 0 refused",
        "0 set, 1 unchanged, 0 refused",
    ]
    told = kit.signals.of(ADA).of("plan")
    assert told is not None
    assert told.at == NOW - DAY


def test_each_row_has_its_own_time(
    kit: RetainKit, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of the column that tells it, instead of an instant."""
    file.write_text(f"customer,plan,updated\nada,team,{NOW - DAY:%Y-%m-%dT%H:%M:%SZ}\n")
    assert main(["signals", "load", str(file), APP, "--at=updated"]) == 0
    assert capsys.readouterr().out == "1 set, 0 unchanged, 0 refused\n"
    told = kit.signals.of(ADA).of("plan")
    assert told is not None
    assert told.at == NOW - DAY


def test_of_many_refused_rows_some_are_told(
    kit: RetainKit, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of another product does not fill the screen."""
    file.write_text("customer,plan\n" + "".join(f"c{n},gold\n" for n in range(25)))
    assert main(["signals", "load", str(file), APP]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "line 2, plan: gold [rules.not_a_choice]"
    assert lines[-2:] == ["and 5 more", "0 set, 0 unchanged, 25 refused"]
    assert len(lines) == 2 * 20 + 2
    assert kit.timeline(ADA) == ()


def test_what_is_known_of_a_customer_is_a_table(
    kit: RetainKit, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each signal with its value, time and source; what is not known is said to be so."""
    kit.signals.set(ADA, {"seats": 25, "champion": True}, source="crm")
    assert main(["signals", "of", "ada", APP]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "signal"
    assert "seats        25         2026-03-01 09:30 UTC  crm" in lines
    assert "champion     yes        2026-03-01 09:30 UTC  crm" in lines
    assert "plan         not known" in lines


def test_what_is_believed_no_more_is_called_stale(
    kit: RetainKit, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rules don't take it for known, so the table doesn't say that it is."""
    half_an_hour = timedelta(minutes=30)
    kit.signals.set(ADA, {"answered_in": half_an_hour, "seats": 25}, at=NOW - 30 * DAY)
    kit.signals.set(CustomerId("bob"), {"answered_in": half_an_hour}, at=NOW - 29 * DAY)
    assert main(["signals", "of", "ada", APP]) == 0
    told = capsys.readouterr().out
    assert "answered_in  0:30:00 (stale)  2026-01-30 09:30 UTC" in told
    assert "seats        25  " in told
    assert main(["signals", "of", "bob", APP]) == 0
    assert "answered_in  0:30:00    2026" in capsys.readouterr().out


def test_what_was_known_then(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """By an instant, or by the number of an event."""
    kit.signals.set(ADA, {"seats": 25})
    for as_of in ("0", "2026-02-01T00:00:00Z"):
        assert main(["signals", "of", "ada", APP, "--as-of", as_of]) == 0
        assert "seats        not known" in capsys.readouterr().out
    assert main(["signals", "of", "ada", APP, "--as-of", "1"]) == 0
    assert "seats        25" in capsys.readouterr().out
    assert main(["signals", "of", "ada", APP, "--as-of", "yesterday"]) == 2
    assert "[cli.as_of]" in capsys.readouterr().err


def test_customers_are_counted_anew(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, or one."""
    kit.signals.load({"customer": ["ada", "bob"], "seats": [25, 4]})
    assert main(["signals", "rebuild", APP]) == 0
    assert capsys.readouterr().out == "2 customers counted\n"
    assert main(["signals", "rebuild", "ada", APP]) == 0
    assert capsys.readouterr().out == "1 customers counted\n"
    seats = kit.signals.of(ADA).of("seats")
    assert seats is not None
    assert seats.value == 25


def test_who_is_in_a_group_is_listed(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """After the night's recheck, and a worker."""
    kit.signals.set(ADA, {"seats": 25})
    assert main(["rules", "recheck", APP]) == 0
    assert capsys.readouterr().out == "1 customers asked, 1 woken\n"
    kit.run_due()
    assert main(["rules", "members", "rule:many_seats", APP]) == 0
    assert capsys.readouterr().out == "ada  since 2026-03-01 09:30 UTC\n"
    assert main(["rules", "members", "rule:many_seats", APP, "--after", "ada"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["rules", "members", "rule:other", APP]) == 2
    assert "[rules.unknown_group]" in capsys.readouterr().err
