"""The pytest plugin: tests in rule files, collected and run by a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import retainkit


SIGNALS = """
from retainkit.rules import Number, Signals


class Customer(Signals):
    seats = Number()
"""
RULES = """\
rules:
  - id: big
    when: {seats: {gte: 5}}
    tests:
      - {name: edge, customer: {seats: 5}, now: 2026-11-01T00:00:00Z, expect: fires}
      - {name: small, customer: {seats: 6}, now: 2026-11-01T00:00:00Z, expect: no}
"""


def _pytest(folder: Path, settings: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text(
        f"[pytest]\naddopts = -p retainkit.testing.rules -p no:cacheprovider\n{settings}"
    )
    (folder / "shop_signals.py").write_text(SIGNALS)
    (folder / "shop.rules.yaml").write_text(RULES)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=folder,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join((str(Path(retainkit.__file__).parents[1]), str(folder))),
        },
        capture_output=True,
        check=False,
        text=True,
    )


def test_each_test_of_a_rule_is_a_test_of_pytest(tmp_path: Path) -> None:
    """Named after its rule; the wrong answer with its reasons."""
    said = _pytest(tmp_path, "retainkit_signals = shop_signals:Customer\n").stdout

    assert "1 failed, 1 passed" in said
    assert "big: expected no, got fires" in said
    assert "Is seats at least 5? It is 6. [yes]" in said
    assert "big: small" in said


def test_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The configuration is wrong, not the file."""
    said = _pytest(tmp_path, "retainkit_signals = shop_signals:Custmer\n").stdout
    assert "retainkit_signals='shop_signals:Custmer'" in said


def test_a_mistake_in_a_file_is_told_by_line(tmp_path: Path) -> None:
    """Without the class, the signal is not known."""
    assert "shop.rules.yaml, line 3, column 12: There is no such signal" in _pytest(tmp_path).stdout
