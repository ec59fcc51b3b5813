"""The pytest plugin: tests in rule files, collected and run by a pytest of its own."""

from __future__ import annotations

import pytest
import yaml as _yaml  # noqa: F401 - pytester forgets what a run imports, and its C part loads once


pytest_plugins = ["pytester"]

SIGNALS = """
from retainkit.rules import Number, Signals


class Customer(Signals):
    seats = Number()


big = Customer.seats > 5
"""
RULES = """\
rules:
  - id: big
    when: {seats: {gte: 5}}
    tests:
      - {name: edge, customer: {seats: 5}, now: 2026-11-01T00:00:00Z, expect: fires}
      - {name: small, customer: {seats: 6}, now: 2026-11-01T00:00:00Z, expect: no}
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a rule file, and the module that declares its signals."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.syspathinsert()
    pytester.makepyfile(shop_signals=SIGNALS)
    (pytester.path / "shop.rules.yaml").write_text(RULES)
    return pytester


def _said(folder: pytest.Pytester, settings: str = "") -> str:
    folder.makeini(
        f"[pytest]\naddopts = -p retainkit.testing.rules -p no:cacheprovider\n{settings}"
    )
    return folder.runpytest_inprocess("-q").stdout.str()


def test_each_test_of_a_rule_is_a_test_of_pytest(folder: pytest.Pytester) -> None:
    """Named after its rule; the wrong answer with its reasons. Other tests run beside it."""
    folder.makepyfile(test_shop="def test_it() -> None:\n    assert True\n")
    said = _said(folder, "retainkit_signals = shop_signals:Customer\n")

    assert "1 failed, 2 passed" in said
    assert "big: expected no, got fires" in said
    assert "Is seats at least 5? It is 6. [yes]" in said
    assert "big: small" in said


@pytest.mark.parametrize(
    "where", ["shop_signals:Custmer", "shop_signls:Customer", "shop_signals:big", ":Customer"]
)
def test_a_class_that_is_not_there_is_named(folder: pytest.Pytester, where: str) -> None:
    """The configuration is wrong, not the file."""
    said = _said(folder, f"retainkit_signals = {where}\n")
    assert f"This names no class of signals (retainkit_signals={where!r})" in said
    assert "write module:Class, with the module on pytest's path" in said


def test_a_mistake_in_a_file_is_told_by_line(folder: pytest.Pytester) -> None:
    """Without the class, the signal is not known."""
    assert "shop.rules.yaml, line 3, column 12: There is no such signal" in _said(folder)


def test_what_fails_beside_a_rule_is_told_as_pytest_tells_it(folder: pytest.Pytester) -> None:
    """What somebody's own hooks do around each test, for one."""
    folder.makeconftest(
        "def pytest_runtest_call(item):\n    raise ConnectionError('no database')\n"
    )
    said = _said(folder, "retainkit_signals = shop_signals:Customer\n")
    assert "2 failed" in said
    assert "ConnectionError: no database" in said
    assert "expected" not in said
