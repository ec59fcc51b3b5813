"""The commands, as they are typed: what they print, and how they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tests.engine.toy import Parcels, Post, order

from retainkit.cli import main
from retainkit.core import Unknown
from retainkit.engine import Guarantee, RetainKit
from retainkit.ids import derive
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
APP = ("--app", "shop_app:kit")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch, post: Post) -> RetainKit:
    """The kit of the module ``shop_app``."""
    kit = RetainKit(
        store=MemoryStore(),
        features=[Parcels()],
        performers={"parcel.send": post.performer(Guarantee.AT_MOST_ONCE)},
        clock=ManualClock(NOW),
    )
    module = ModuleType("shop_app")
    vars(module).update(kit=kit, text="no kit", box=SimpleNamespace(kit=kit))
    monkeypatch.setitem(sys.modules, "shop_app", module)
    return kit


def test_the_schema_is_brought_up_to_date_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run makes the tables, the second finds them."""
    store = SqlStore(f"sqlite:///{tmp_path / 'app.db'}")
    module = ModuleType("shop_app")
    vars(module).update(kit=RetainKit(store=store))
    monkeypatch.setitem(sys.modules, "shop_app", module)
    assert main(["attention", *APP]) == 2
    assert "retainkit migrate" in capsys.readouterr().err
    for _ in range(2):
        assert main(["migrate", *APP]) == 0
    assert capsys.readouterr().out == "The store is up to date.\n" * 2
    assert main(["attention", *APP]) == 0
    store.close()


def test_what_is_due_is_worked_off_from_cron(
    kit: RetainKit, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how much it did, and whether more is left."""
    for number in range(3):
        kit.record(order(str(number), f"cus_{number}", NOW))
    assert main(["run-due", *APP, "--limit", "2"]) == 0
    assert main(["run-due", *APP, "--deadline", "0"]) == 0
    assert main(["run-due", *APP]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 items; more is due.",
        "0 items; more is due.",
        "1 items; nothing is due.",
    ]
    assert len(post.sent) == 3


def test_what_waits_for_a_person_is_listed_with_its_remedy(
    kit: RetainKit, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """Id, customer, facts and the call that settles it."""
    assert main(["attention", *APP]) == 0
    assert capsys.readouterr().out == "Nothing waits for a person.\n"
    kit.record(order("1", "ada", NOW))
    post.script = [Unknown(reason="timeout")]
    kit.run_due()
    assert main(["attention", *APP]) == 0
    head, facts, remedy = capsys.readouterr().out.splitlines()
    (entry,) = kit.attention()
    assert head == f"unclear_effect {entry.id} of customer ada since 2026-03-01 09:30 UTC"
    assert json.loads(facts)["reason"] == "timeout"
    assert "kit.settle" in remedy


def test_a_timeline_is_told_in_order(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """Counter, time, name, who, and the facts; another tenant has its own."""
    kit.record(order("1", "ada", NOW))
    kit.run_due()
    assert main(["timeline", *APP, "ada"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '   1  2026-03-01 09:30:00  order.placed  retainkit  {"order": "1"}'
    assert [line.split()[3] for line in lines] == [
        "order.placed",
        "parcels.tried",
        "parcels.delivered",
    ]
    assert main(["timeline", *APP, "--tenant", "other", "ada"]) == 0
    assert capsys.readouterr().out == "Nothing is known of this customer.\n"


def test_a_case_is_explained(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """One line an event, with its reasons."""
    kit.record(order("1", "ada", NOW))
    kit.run_due()
    assert main(["explain", *APP, derive("parcel", "1")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1].split()[-1] for line in lines] == [
        "parcels.tried",
        "parcels.delivered",
    ]
    assert "toy.ordered" in lines[0]


def test_an_unknown_case_is_an_error(kit: RetainKit, capsys: pytest.CaptureFixture[str]) -> None:
    """The message, the way out, exit code 2, and no traceback."""
    assert main(["explain", *APP, "nope"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("retainkit: No case has this id (case: nope) [case.not_found]\n  ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("shop_app", "This does not name a kit"),
        (":kit", "This does not name a kit"),
        ("shop_app:", "This does not name a kit"),
        ("no_such_module:kit", "There is no module no_such_module"),
        ("shop_app:kti", "The module shop_app has no kti"),
        ("shop_app:box.kti", "The module shop_app has no box.kti"),
        ("shop_app:text", "text is no kit but of type str"),
    ],
)
def test_an_app_that_is_no_kit_is_named(
    kit: RetainKit, app: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing, and what to write."""
    assert main(["run-due", "--app", app]) == 2
    err = capsys.readouterr().err
    first, remedy = err.splitlines()
    assert first == f"retainkit: {message} (app: {app}) [cli.app]"
    assert remedy.strip()


def test_a_kit_inside_something_is_found(kit: RetainKit) -> None:
    """``module:object.kit``, as other tools take it."""
    assert main(["run-due", "--app", "shop_app:box.kit"]) == 0


def test_a_module_an_app_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app is there; what it imports is not."""
    (tmp_path / "needy_app.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["run-due", "--app", "needy_app:kit"]) == 2
    assert "There is no module no_such_dependency" in capsys.readouterr().err


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> list[Namespace]:
    """The calls of a demo that does nothing."""
    calls: list[Namespace] = []

    def run_demo(
        *, customers: int, days: int, seed: int, out: Path, progress: Callable[[int, int], None]
    ) -> SimpleNamespace:
        for day in range(1, days + 1):
            progress(day, days)
        calls.append(Namespace(customers=customers, days=days, seed=seed, out=out))
        return SimpleNamespace(
            summary={"recovered": "12.00", "by": {"EUR": 3}},
            table="due  recovered",
            report=out / "report.html",
        )

    module = ModuleType("retainkit.simulate")
    vars(module).update(run_demo=run_demo)
    monkeypatch.setitem(sys.modules, "retainkit.simulate", module)
    return calls


def test_the_demo_sums_up_in_one_line(
    demo: list[Namespace], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last line is JSON, for scripts; a pipe sees no progress bar."""
    arguments = ["--customers", "20", "--days", "3", "--seed", "9", "--out", str(tmp_path)]
    assert main(["demo", *arguments, "--json"]) == 0
    assert demo == [Namespace(customers=20, days=3, seed=9, out=tmp_path)]
    out, err = capsys.readouterr()
    table, report, last = out.splitlines()
    assert (table, report) == ("due  recovered", f"The report: {tmp_path / 'report.html'}")
    assert json.loads(last) == {"recovered": "12.00", "by": {"EUR": 3}}
    assert err == ""


def test_the_demo_has_sensible_defaults(demo: list[Namespace]) -> None:
    """500 customers, 90 days, seed 7."""
    assert main(["demo"]) == 0
    assert demo == [Namespace(customers=500, days=90, seed=7, out=Path("out"))]


def test_help_is_there_and_loads_nothing_heavy() -> None:
    """`python -m retainkit --help` answers at once."""
    code = (
        "import sys\nfrom retainkit.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'sqlalchemy', 'rich', 'cattrs', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *usage, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    for command in ("migrate", "worker", "run-due", "attention", "explain", "timeline", "demo"):
        assert any(line.strip().startswith(command) for line in usage)
