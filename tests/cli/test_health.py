"""``retainkit health``: the report on all customers, and the back-test from the timeline."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import ModuleType

import pytest

from retainkit.cli import main
from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.health import (
    CAUTION,
    Band,
    Bands,
    Component,
    Direction,
    HealthModel,
    HealthModels,
    Linear,
)
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Number, Rulebook, Signals, Text, days, event
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


START = datetime(2026, 1, 1, tzinfo=UTC)
APP = ("--app", "product:kit")
Run = Callable[..., tuple[int, str, str]]


class Customer(Signals):
    """What the product knows."""

    plan = Text(one_of=("free", "team"))
    paying = Number()
    logins = event("user.logged_in").count(days(14))


HEALTH = HealthModels(
    models=[
        HealthModel(
            id="all",
            components=[
                Component(
                    signal=Customer.logins,
                    direction=Direction.HIGHER_IS_BETTER,
                    mapping=Linear(low=0, high=14),
                    weight=100,
                )
            ],
            bands=Bands(bands=(Band("red", 0, 40), Band("yellow", 40, 60), Band("green", 60, 100))),
        )
    ]
)
LARGE = Customer.paying >= 100


@pytest.fixture(scope="module")
def product() -> RetainKit:
    """Forty customers over 240 days; every second one stops using the product, and leaves."""
    clock = ManualClock(START)
    kit = RetainKit(
        store=MemoryStore(),
        clock=clock,
        signals=Customer,
        rules=Rulebook(signals=Customer, segments={"large": LARGE}),
        health=HEALTH,
    )
    for day in range(239):
        clock.set(START + days(1) * day)
        kit.record(*(each for number in range(40) for each in _lived(number, day)))
    clock.set(START + days(240))
    for number in range(40):
        plan = "team" if number % 4 else "free"
        kit.signals.set(_customer(number), {Customer.plan: plan, Customer.paying: 10 * number})
    kit.run_due()
    return kit


def _customer(number: int) -> CustomerId:
    return CustomerId(f"c{number:02}")


def _lived(number: int, day: int) -> Iterator[Event]:
    """What a customer does on a day: those of odd numbers fall silent, and leave 40 days later."""
    leaves = 200 + number % 7 if number % 2 else 1000
    if day < leaves - 40 or (day < leaves and day % 20 == 0):
        yield _at(_customer(number), "user.logged_in", day)
    if day == 180 and number < 20:
        yield _at(_customer(number), "engagement.attended", day, kind="webinar")
    if day == leaves:
        yield _at(_customer(number), "subscription.cancelled", day, subscription="s")


@pytest.fixture
def kit(product: RetainKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's module."""
    module = ModuleType("product")
    vars(module).update(kit=product)
    monkeypatch.setitem(sys.modules, "product", module)


def _at(customer: CustomerId, name: str, day: int, **data: str) -> Event:
    return Event(
        id=EventId(f"{customer}-{name}-{day}"),
        name=name,
        customer=customer,
        occurred_at=START + days(day),
        data=data,
    )


@pytest.fixture
def run(
    kit: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """A command in a folder of its own: its code, its output, its errors."""
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> tuple[int, str, str]:
        code = main(["health", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return go


def test_the_report_is_a_page(run: Run, tmp_path: Path) -> None:
    """Everybody's score, and where asked for, by the value of a signal."""
    code, out, err = run("report", *APP, "--by", "plan")
    assert (code, out, err) == (0, "The report: health.html\n", "")
    page = (tmp_path / "health.html").read_text()
    assert "20 customers as of 2026-08-29 00:00 UTC." in page
    assert "Segments, mean points" in page
    assert "What moved" in page


def test_who_left_is_not_in_the_report(run: Run, tmp_path: Path) -> None:
    """Twenty cancelled: nobody can help them any more, so they are counted and left out."""
    assert run("report", *APP)[0] == 0
    page = unescape((tmp_path / "health.html").read_text())
    assert "20 customers as of 2026-08-29 00:00 UTC. Not shown: 20 customers who left." in page
    assert "c01" not in page
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("customer,since,left_at\nc00,2026-01-01,2026-03-01\nc01,2026-01-01,\n")
    assert run("report", *APP, "--outcomes", "outcomes.csv")[0] == 0
    page = unescape((tmp_path / "health.html").read_text())
    assert "39 customers as of 2026-08-29 00:00 UTC. Not shown: 1 customer who left." in page


def test_who_came_back_is_in_the_report(run: Run, product: RetainKit, tmp_path: Path) -> None:
    """With another subscription."""
    paid = _at(_customer(1), "payment.succeeded", 239, subscription="s2")
    product.record(paid)
    assert run("report", *APP)[0] == 0
    assert "21 customers as of" in (tmp_path / "health.html").read_text()
    product.signals.retag([paid.id], Origin.TEST, actor="kim")


def test_the_report_of_a_segment(run: Run, tmp_path: Path) -> None:
    """Only who is in it now."""
    assert run("report", *APP, "--segment", "large", "--out", "large.html")[0] == 0
    assert "15 customers as of" in (tmp_path / "large.html").read_text()


def test_the_report_names_who_was_put_into_a_band(
    run: Run, product: RetainKit, tmp_path: Path
) -> None:
    """By whom, and why."""
    until = START + days(300)
    product.health.override(
        CustomerId("c00"), "red", reason="sponsor_gone", actor="kim", until=until
    )
    product.run_due()
    assert run("report", *APP)[0] == 0
    assert "red: sponsor_<wbr>gone, kim" in (tmp_path / "health.html").read_text()


def test_the_report_with_the_back_test(run: Run, tmp_path: Path) -> None:
    """As a chapter, its sentences in the terminal as well."""
    code, out, _ = run("report", *APP, "--backtest", "--horizon", "30")
    assert code == 0
    assert out.splitlines()[1].startswith("The score is better than chance")
    page = (tmp_path / "health.html").read_text()
    assert "Does the score foretell who leaves?" in page
    assert "webinar" not in page  # was more than a horizon before


def test_the_report_sets_who_took_part_beside_the_others(run: Run, tmp_path: Path) -> None:
    """Twenty came to a webinar; half of them left within the horizon after it, as of the others."""
    assert run("report", *APP, "--backtest", "--horizon", "50")[0] == 0
    page = (tmp_path / "health.html").read_text()
    assert "Programmes" in page
    assert CAUTION in unescape(page)
    (row,) = re.findall(r"<tr><th[^>]*>webinar</th>.*?</tr>", page, re.DOTALL)
    assert re.findall(r"[0-9.]+(?=\u202f%)", row)[:1] == ["50.0"]


def test_a_rehearsal_is_no_programme(run: Run, product: RetainKit, tmp_path: Path) -> None:
    """Whose taking part was tagged as a test did not take part."""
    ids = [f"{_customer(number)}-engagement.attended-180" for number in range(20)]
    product.signals.retag(ids, Origin.TEST, actor="kim")
    assert run("report", *APP, "--backtest", "--horizon", "50")[0] == 0
    assert "webinar" not in (tmp_path / "health.html").read_text()
    product.signals.retag(ids, Origin.REAL, actor="kim")


def test_the_back_test_reads_the_timeline(run: Run) -> None:
    """Who left is who cancelled; what was known then is what was recorded by then."""
    code, out, err = run("backtest", *APP, "--horizon", "30", "--json")
    assert (code, err) == (0, "")
    sentence, *_, last = out.splitlines()
    assert sentence.startswith("The score is better than chance")
    found = json.loads(last)
    assert (found["lead"]["leavers"], found["lead"]["green"]) == (20, 0)
    assert 20 <= float(found["lead"]["days"]["value"]) <= 35


def test_groups_are_what_was_known_when_it_was_looked_at(run: Run) -> None:
    """Plans and sizes were told on the last day: at no look anybody knew them."""
    _, out, _ = run("backtest", *APP, "--horizon", "30", "--by", "plan", "--json")
    assert json.loads(out.splitlines()[-1])["groups"] == []
    _, out, _ = run("backtest", *APP, "--horizon", "30", "--by", "logins", "--json")
    groups = json.loads(out.splitlines()[-1])["groups"]
    left = {each["value"]: float(each["left"]["value"]) for each in groups}
    assert left["14"] < 0.5 < left["1"]


def test_without_a_file_the_back_test_prints_its_tables(run: Run, tmp_path: Path) -> None:
    """With one it writes the page."""
    _, out, _ = run("backtest", *APP, "--horizon", "30")
    assert "Area under the curve" in out
    assert "Of those who left" in out
    _, out, _ = run("backtest", *APP, "--horizon", "30", "--out", "test.html")
    assert out.endswith("The report: test.html\n")
    assert "(Back-test)</title>" in (tmp_path / "test.html").read_text()


def test_outcomes_come_from_a_file(run: Run, tmp_path: Path) -> None:
    """With attributes of its own; a customer without an end stayed."""
    rows = []
    for n in range(40):
        end = "2026-07-20T10:00:00+02:00" if n % 2 else ""
        rows.append(f"c{n:02},2026-01-01,{end},{'retail' if n < 20 else ''}")
    file = tmp_path / "outcomes.csv"
    file.write_text("\n".join(["customer,since,left_at,industry", *rows]))
    code, out, _ = run("backtest", *APP, "--outcomes", "outcomes.csv", "--horizon", "30", "--json")
    assert code == 0
    found = json.loads(out.splitlines()[-1])
    assert (found["leavers"], found["customers"]) == (20, 40)
    assert [(g["attribute"], g["value"]) for g in found["groups"]] == [("industry", "retail")]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("customer,since\n", "1:header: ['left_at']", "add the column left_at"),
        ("customer,since,left_at\n,2026-01-01,\n", "2:customer: ", "name the customer by its id"),
        (
            "customer,since,left_at\na,soon,\n",
            "2:since: soon",
            "write a date such as 2026-03-31",
        ),
        (
            "customer,since,left_at\na,2026-02-01,2026-01-01\n",
            "2:left_at: 2026-01-01",
            "pass an end after 2026-02-01T00:00:00+00:00",
        ),
    ],
)
def test_a_file_says_where_it_is_wrong(
    run: Run, tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    """File, line and column."""
    (tmp_path / "o.csv").write_text(text)
    code, out, err = run("backtest", *APP, "--outcomes", "o.csv")
    assert (code, out) == (2, "")
    assert err == f"retainkit: This is no outcome (o.csv:{place}) [cli.outcomes]\n  {remedy}\n"


def test_what_can_not_be_done_is_said(run: Run, tmp_path: Path) -> None:
    """No such file, no such folder, no such signal, no such segment."""
    for arguments, code in (
        (["backtest", "--outcomes", "nowhere.csv"], "cli.file"),
        (["report", "--segment", "lagre"], "rules.unknown_group"),
        (["report", "--out", "no/folder/x.html"], "cli.out"),
        (["report", "--by", "plann"], "rules.unknown_signal"),
    ):
        action, *rest = arguments
        exit_code, _, err = run(action, *APP, *rest)
        assert (exit_code, f"[{code}]" in err) == (2, True), err


def test_lengths_are_whole_days(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """From one on, to a hundred years."""
    for wrong in ("0", "-1", "x", "36501", "9" * 5000):
        with pytest.raises(SystemExit):
            run("backtest", *APP, f"--horizon={wrong}")
        assert "a whole number of days, from 1 to 36500" in capsys.readouterr().err


def test_a_kit_without_health_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the way out."""
    module = ModuleType("product")
    vars(module).update(kit=RetainKit(store=MemoryStore()))
    monkeypatch.setitem(sys.modules, "product", module)
    assert main(["health", "report", *APP]) == 2
    assert "[kit.no_health]" in capsys.readouterr().err
