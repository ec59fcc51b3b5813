"""What the distribution promises: its names, its type marker, a floor for every dependency."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import retainkit


PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(entry for extra in PROJECT["optional-dependencies"].values() for entry in extra),
    *(e for group in PYPROJECT["dependency-groups"].values() for e in group if isinstance(e, str)),
]


@pytest.mark.parametrize("requirement", sorted(set(REQUIREMENTS)))
def test_every_dependency_has_a_floor(requirement: str) -> None:
    """Without one, the `lowest` session would resolve to an antique; it tests what we promise."""
    floors = [s for s in Requirement(requirement).specifier if s.operator == ">="]

    assert len(floors) == 1


def test_one_requirement_has_one_floor() -> None:
    """The same package in an extra and in a group is asked for alike: one fact, written twice."""
    written = {Requirement(r).name: set[str]() for r in REQUIREMENTS}
    for requirement in REQUIREMENTS:
        written[Requirement(requirement).name].add(requirement)

    assert {name: texts for name, texts in written.items() if len(texts) > 1} == {}


def test_users_see_our_types() -> None:
    """PEP 561: without this file, checkers would treat every name as Any."""
    assert (Path(retainkit.__file__).parent / "py.typed").is_file()


def test_the_distribution_is_not_the_unrelated_package_of_the_same_import_name() -> None:
    """`retainkit` on PyPI is another project; ours is `retainkit-sdk`, and the versions agree."""
    assert metadata("retainkit-sdk")["Version"] == PROJECT["version"]
    assert retainkit.__version__ == PROJECT["version"]


def test_the_command_starts() -> None:
    """The installed `retainkit` is `retainkit.cli.main`, and it says what it can do."""
    (command,) = entry_points(group="console_scripts", name="retainkit")
    assert command.value == "retainkit.cli:main"

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from retainkit.cli import main; sys.exit(main(['-h']))",
        ],
        capture_output=True,
        check=False,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout
