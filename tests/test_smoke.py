"""The least that must work on every Python: all modules import, and the main job runs once."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import retainkit


# Rooms that need an extra, or pytest plugins: the full test run imports them.
WITH_EXTRAS = (
    "retainkit.contrib.",
    "retainkit.health._masses",
    "retainkit.payments._stripe",
    "retainkit.rules._frames",
    "retainkit.rules._masks",
    "retainkit.rules._population",
    "retainkit.testing.",
)


def test_every_module_imports() -> None:
    """Nothing that is installed by default fails to load."""
    failed = {}
    # A package that needs a missing extra can't be walked into; the loop below judges it.
    walked = pkgutil.walk_packages(retainkit.__path__, "retainkit.", onerror=lambda _: None)
    for module in walked:
        if module.name.startswith(WITH_EXTRAS) or module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except Exception as exc:  # noqa: BLE001  (all of them are listed, not the first)
            failed[module.name] = repr(exc)

    assert failed == {}


def test_the_demo_recovers_money(tmp_path: Path) -> None:
    """A small world runs for 40 days through production code on SQLite."""
    program = "import sys; from retainkit.cli import main; sys.exit(main(sys.argv[1:]))"
    size = ("--customers", "20", "--days", "40", "--seed", "7", "--out", str(tmp_path), "--json")

    done = subprocess.run(
        [sys.executable, "-c", program, "demo", *size], capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])
    assert list(tmp_path.glob("*.html"))
