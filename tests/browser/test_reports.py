"""The health report in a real browser: narrow and wide, light and dark, axe-core finds nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.browser.test_pages import SCRIPT, program, tools
from tests.reports.test_health import MODEL, NOW, judged, rated

from retainkit.reports import back_test_page, health_page, html_page


__all__ = ["tools"]  # the fixture that this shares with the pages

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]


def test_axe_finds_nothing_in_a_health_report(tools: Path, tmp_path: Path) -> None:
    """With everything in it, with nothing in it, and the back-test alone."""
    chromium, node = program("chromium", "chromium-browser", "google-chrome"), program("node")
    everybody = [
        rated(
            f"customer-{n:03}",
            {"use": 3 * n % 100, "mood": None if n % 4 else n % 100},
            {"use": 50, "mood": 50},
            segment="large" if n % 2 else "small",
        )
        for n in range(60)
    ] + [rated("silent", {})]
    pages = {
        "full": health_page(everybody, MODEL, at=NOW, test=judged()),
        "empty": health_page([], MODEL, at=NOW),
        "back_test": back_test_page(judged()),
    }
    opened = []
    for name, page in pages.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html_page(page), encoding="utf-8")
        opened.append({"name": name, "url": path.as_uri()})
    done = subprocess.run(
        [node, str(SCRIPT), str(tools), chromium],
        input=json.dumps(opened),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
