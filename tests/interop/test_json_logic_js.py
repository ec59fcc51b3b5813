"""Exported rules under json-logic-js, the engine that JsonLogic's author wrote for browsers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from random import Random
from shutil import which
from typing import Any, cast

import pytest
from tests.rules.cases import read_cases
from tests.rules.worlds import NOW, SEGMENTS, SIGNALS, customer, tree

from retainkit.rules import (
    Condition,
    Truth,
    json_logic_data,
    signals_of,
    to_json_logic,
    truth_of,
)


pytestmark = pytest.mark.interop

PROGRAM = """
const engine = require(process.argv[1]);
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(cases.map(([logic, data]) => engine.apply(logic, data) === true)));
"""


@pytest.fixture(scope="module")
def engine() -> Path:
    """The folder that npm installed the engine into; `nox -s interop` does so."""
    if which("node") is None:
        pytest.skip("needs Node, which is not on this machine")
    folder = Path(os.environ.get("RETAINKIT_NODE_MODULES", "nowhere")) / "json-logic-js"
    if not folder.exists():
        pytest.skip("needs json-logic-js, which `nox -s interop` installs where there is npm")
    return folder


def _run(program: str, engine: Path, given: object) -> object:
    node = which("node")
    assert node is not None
    command = [node, "-e", program, str(engine)]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def _both_ways(condition: Condition) -> tuple[tuple[Condition, Truth], ...]:
    return (condition, Truth.TRUE), (~condition, Truth.FALSE)


def test_it_fires_where_the_rule_fires(engine: Path) -> None:
    """5,000 random trees with customers of whom a fourth is not known; each both ways round."""
    chance = Random(6)
    cases: list[tuple[object, object]] = []
    expected: list[bool] = []
    seen = dict.fromkeys(Truth, 0)
    for _ in range(5_000):
        condition, known = tree(chance, with_segments=True), customer(chance)
        truth = truth_of(condition, known, NOW, segments=SEGMENTS)
        data = json_logic_data(SIGNALS.values(), known, NOW)
        seen[truth] += 1
        for asked, wanted in _both_ways(condition):
            cases.append((to_json_logic(asked, segments=SEGMENTS), data))
            expected.append(truth is wanted)

    assert _run(PROGRAM, engine, cases) == expected
    assert min(seen.values()) > 500


def test_it_answers_the_published_cases(engine: Path) -> None:
    """Fires, no and unknown are told apart by asking both ways round."""
    published = read_cases()
    cases: list[tuple[object, object]] = []
    for case in published:
        segments = case.book.segments
        data = json_logic_data(signals_of(case.rule, segments), case.known, case.at)
        for asked, _ in _both_ways(case.rule):
            cases.append((to_json_logic(asked, segments=segments), data))
    answers = cast("list[bool]", _run(PROGRAM, engine, cases))
    said = [
        "true" if yes else "false" if no else "unknown"
        for yes, no in zip(answers[::2], answers[1::2], strict=True)
    ]

    assert said == [case.result for case in published]


def test_the_page_about_browsers_tells_the_truth(engine: Path) -> None:
    """Its Python exports, its JavaScript asks, and prints what the comment says."""
    page = (Path(__file__).parents[2] / "docs/how-to/rules-in-the-browser.md").read_text("utf-8")
    told: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, told)
    (block,) = re.findall(r"```js\n(.*?)```", page, re.DOTALL)
    _, asked = block.split('import jsonLogic from "json-logic-js";')
    body, said = asked.split("\n// ")
    definition, expression = body.rsplit("\n\n", 1)
    program = f"""
    const jsonLogic = require(process.argv[1]);
    const page = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    {definition}
    console.log(JSON.stringify({expression.rstrip(";")}));
    """

    assert _run(program, engine, told["page"]) == json.loads(said)
