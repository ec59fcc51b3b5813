"""How noxfile.py starts itself: a real venv and a real pip, with a stand-in wheel for nox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest


NOXFILE = Path(__file__).parents[1] / "noxfile.py"
STAND_IN = "import json, os, sys\nprint(json.dumps([sys.prefix, sys.argv[1:], dict(os.environ)]))\n"
# A Python as Debian ships it without python3-venv, and one without pip as well.
NO_ENSUREPIP = "import sys; sys.modules['ensurepip'] = None"
NO_PIP = f"{NO_ENSUREPIP}; sys.modules['pip'] = None"
OLD = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """A folder with nothing but noxfile.py; beside it an index that has nothing but a 'nox'."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with ZipFile(wheels / "nox-2999.1.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("nox/__main__.py", STAND_IN)
        info = "nox-2999.1.1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nox\nVersion: 2999.1.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    shutil.copy(NOXFILE, checkout)
    return checkout


def _start(
    checkout: Path, *arguments: str, site: str = NO_ENSUREPIP, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the noxfile with nothing but what is given; going without ensurepip is far quicker."""
    home = checkout.parent / "home"
    customised = checkout.parent / "site"
    for folder in (home, customised):
        folder.mkdir(exist_ok=True)
    (customised / "sitecustomize.py").write_text(site)
    offline = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(checkout.parent / "wheels"),
        "PIP_NO_INDEX": "1",
    }
    environment = {"HOME": str(home), "PYTHONPATH": str(customised), **offline, **variables}
    command = [sys.executable, str(checkout / "noxfile.py"), *arguments]
    return subprocess.run(
        command, env=environment, cwd=checkout.parent, capture_output=True, check=False, text=True
    )


def _seen(done: subprocess.CompletedProcess[str]) -> tuple[str, list[str], dict[str, Any]]:
    """What the stand-in for nox saw: its environment's folder, arguments and variables."""
    assert done.returncode == 0, done.stderr
    prefix, arguments, variables = json.loads(done.stdout)
    return prefix, arguments, variables


def test_a_fresh_machine_gets_its_own_nox(checkout: Path) -> None:
    """The arguments arrive, and nothing is written beside the project's own .nox."""
    prefix, arguments, _ = _seen(_start(checkout, "-s", "demo", site=""))

    assert prefix == str(checkout / ".nox" / "bootstrap")
    assert arguments == ["--noxfile", str(checkout / "noxfile.py"), "-s", "demo"]
    assert {path.name for path in checkout.iterdir()} == {"noxfile.py", ".nox"}
    assert [p for p in (checkout.parent / "home").rglob("*") if "pip" not in p.parts] == []


def test_the_second_start_installs_nothing(checkout: Path) -> None:
    """Once made, the environment is used as it is: no index is asked."""
    _seen(_start(checkout))
    shutil.rmtree(checkout.parent / "wheels")

    again = _start(checkout)

    assert _seen(again)[0] == str(checkout / ".nox" / "bootstrap")
    assert again.stderr == ""


def test_an_interrupted_start_is_made_good(checkout: Path) -> None:
    """An environment without its mark, as Ctrl-C leaves it, is made anew."""
    _seen(_start(checkout))
    bootstrap = checkout / ".nox" / "bootstrap"
    (bootstrap / "made-for").unlink()
    shutil.rmtree(next(bootstrap.glob("**/site-packages/nox")))

    assert _seen(_start(checkout))[0] == str(bootstrap)


def test_what_the_caller_has_active_stays_outside(checkout: Path) -> None:
    """Neither an active environment nor pip's user settings reach the project's own."""
    traps = {"PIP_USER": "1", "PIP_TARGET": str(checkout.parent / "elsewhere")}

    _, _, variables = _seen(_start(checkout, VIRTUAL_ENV="/nowhere", **traps))

    assert {"PYTHONPATH", "VIRTUAL_ENV", *traps} & set(variables) == set()
    assert not (checkout.parent / "elsewhere").exists()


def test_python_without_ensurepip_uses_the_pip_there_is(checkout: Path) -> None:
    """Debian splits ensurepip off into python3-venv: python3 and pip are enough all the same."""
    prefix, _, _ = _seen(_start(checkout, site=NO_ENSUREPIP))

    assert prefix == str(checkout / ".nox" / "bootstrap")


@pytest.mark.parametrize(
    ("site", "remedy"),
    [(NO_PIP, "apt install python3-venv"), (OLD, "needs Python 3.11 or newer; this is 3.10.13")],
    ids=["no pip", "old Python"],
)
def test_what_cannot_be_mended_here_is_said(checkout: Path, site: str, remedy: str) -> None:
    """The message says what to install, and no half-made environment stays behind."""
    done = _start(checkout, site=site)

    assert done.returncode == 1
    assert remedy in done.stderr
    assert not (checkout / ".nox").exists()
