"""Every check and chore of the project; what each one asks for is set in pyproject.toml.

``python3 noxfile.py`` needs Python 3.11 or newer with pip, and nothing else: run as a script, this
file makes ``.nox/bootstrap`` beside itself, installs nox there and starts it with the same
arguments. With a nox of your own, ``nox`` does the same. Nothing outside this folder is changed,
but for pip's own cache.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path


NOX = "nox>=2025.5.1"
HERE = Path(__file__).resolve().parent
BOOTSTRAP = HERE / ".nox" / "bootstrap"
# What an active environment or a pip setting of the caller would otherwise leak into ours.
FOREIGN = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)


def _start_nox(arguments: list[str]) -> int:
    """Run nox from its own environment, made first where it is missing; return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever has an older one should read why)
        version = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(f"retainkit needs Python 3.11 or newer; this is {version} at {sys.executable}")
    environment = _own_environment()
    python = BOOTSTRAP / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = BOOTSTRAP / "made-for"
    purpose = f"{NOX} on Python {sys.version_info[0]}.{sys.version_info[1]}\n"
    if not (python.exists() and made.is_file() and made.read_text() == purpose):
        _make_bootstrap(python, environment)
        made.write_text(purpose)
    command = [str(python), "-m", "nox", "--noxfile", str(HERE / "noxfile.py"), *arguments]
    return subprocess.call(command, env=environment)


def _own_environment() -> dict[str, str]:
    """The caller's variables less what would leak in; caches stay here, but for pip's own."""
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment["VIRTUALENV_OVERRIDE_APP_DATA"] = str(HERE / ".nox" / "virtualenv")
    if sys.platform == "linux":
        caches = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        environment.setdefault("PIP_CACHE_DIR", str(caches / "pip"))
        environment["XDG_CACHE_HOME"] = str(HERE / ".nox" / "cache")
    return environment


def _make_bootstrap(python: Path, environment: dict[str, str]) -> None:
    """Make the environment anew; with the caller's pip where Python comes without ensurepip."""
    print(f"making {BOOTSTRAP.relative_to(HERE)} with {NOX} (once)", file=sys.stderr, flush=True)
    venv = [sys.executable, "-m", "venv", "--clear", str(BOOTSTRAP)]
    pip = [str(python), "-m", "pip"]
    if importlib.util.find_spec("ensurepip") is None:
        if importlib.util.find_spec("pip") is None:
            sys.exit(
                f"{sys.executable} has neither ensurepip nor pip. On Debian and Ubuntu: "
                "apt install python3-venv; elsewhere install pip for this Python, then try again."
            )
        venv.append("--without-pip")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
    steps = (venv, [*pip, "install", "--quiet", "--disable-pip-version-check", NOX])
    for step in steps:
        if subprocess.call(step, env=environment) != 0:
            sys.exit(f"could not prepare {BOOTSTRAP}: the command was {' '.join(step)}")


if __name__ == "__main__":
    sys.exit(_start_nox(sys.argv[1:]))


import json  # noqa: E402  (from here on nox runs this file)

import nox  # noqa: E402
from packaging.requirements import Requirement  # noqa: E402


nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "tests", "smoke", "docs"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
# A machine rarely has every Python: a missing one is listed as skipped, in CI too.
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml(HERE / "pyproject.toml")
LOWEST = "3.11"
OTHERS = ["3.12", "3.13", "3.14"]
EXTRAS = ",".join(PROJECT["project"]["optional-dependencies"])
OUT = HERE / "out"
JSON_LOGIC = "json-logic-js@2.0.5"
# Rooms where a line or a branch that no test runs is an error.
CORE_ROOMS = (
    "billing",
    "contact",
    "core",
    "customers",
    "dunning",
    "health",
    "money",
    "rules",
    "signals",
    "timing",
)


def _works(name: str) -> bool:
    """Whether this is the name of a Python that starts; a shim may stand for none."""
    if shutil.which(name) is None:
        return False
    return subprocess.run([name, "-V"], capture_output=True, check=False).returncode == 0


def _expose_neighbours() -> None:
    """Put Pythons installed beside this one, as pyenv does it, in front of shims that fail."""
    versions = Path(sys.base_prefix).parent
    for version in (LOWEST, *OTHERS):
        if _works(f"python{version}"):
            continue
        for binary in sorted(versions.glob(f"{version}*/bin/python{version}")):
            os.environ["PATH"] = os.pathsep.join((str(binary.parent), os.environ["PATH"]))


_expose_neighbours()


def _group(*names: str) -> list[str]:
    """The requirements of dependency groups; pip itself reads them from 25.1 on only."""
    return list(nox.project.dependency_groups(PROJECT, *names))


def _existing(*names: str) -> list[str]:
    return [name for name in names if (HERE / name).exists()]


def _floors(requirements: list[str]) -> list[str]:
    """Constraints that pin each requirement to the lowest version it admits."""
    pins = set()
    for requirement in map(Requirement, requirements):
        floor = next(s.version for s in requirement.specifier if s.operator == ">=")
        marker = f" ; {requirement.marker}" if requirement.marker else ""
        pins.add(f"{requirement.name}=={floor}{marker}")
    return sorted(pins)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo on a simulated SaaS and write its report to out/demo."""
    session.install("-e", ".[progress]")
    usual = ("--customers", "200", "--days", "90", "--seed", "7", "--out", "out/demo")
    session.run("retainkit", "demo", *(session.posargs or usual))


@nox.session
def example(session: nox.Session) -> None:
    """Start the example product, with its own Stripe and mail server, on this machine."""
    session.install("-e", f".[{EXTRAS}]", *_group("example"))
    session.run("python", "-m", "examples.saas_app", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, the import law and types; the public API's types must be complete."""
    session.install("-e", f".[{EXTRAS}]", *_group("lint", "typing", "test", "docs", "example"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--cache-dir", ".nox/import-linter", "--no-logo")
    checked = (
        *("src", "tests", "bench", "examples", "scripts"),
        *("docs/conf.py", "conftest.py", "noxfile.py"),
    )
    session.run("mypy", *_existing(*checked))
    _verify_types(session)


def _verify_types(session: nox.Session) -> None:
    # No --pythonpath: basedpyright would follow it through the venv's link to the base Python.
    arguments = ("--verifytypes", "retainkit", "--ignoreexternal", "--outputjson")
    answer = session.run("basedpyright", *arguments, silent=True, success_codes=[0, 1])
    report = json.loads(str(answer))
    found = report["typeCompleteness"]
    if found["completenessScore"] < 1:
        unknown = [symbol["name"] for symbol in found["symbols"] if not symbol["isTypeKnown"]]
        said = [diagnostic["message"] for diagnostic in report["generalDiagnostics"]]
        session.error(f"types are not known of all names: {', '.join(unknown)} {' '.join(said)}")
    session.log(f"types are known of all {len(found['symbols'])} names")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests with branch coverage; the core rooms must be covered whole."""
    session.install("-e", f".[{EXTRAS}]", *_group("test"))
    session.env["COVERAGE_FILE"] = str(HERE / ".nox" / "coverage")
    report = f"--junit-xml={OUT / 'tests.xml'}"
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=", report)
    session.run("coverage", "report")
    rooms = ",".join(f"src/retainkit/{room}/*" for room in CORE_ROOMS)
    session.run("coverage", "report", f"--include={rooms}", "--fail-under=100")


@nox.session(python=OTHERS)
def smoke(session: nox.Session) -> None:
    """Import everything and run the main job once on each other Python that is installed."""
    plain = [r for r in _group("test") if Requirement(r).name in {"pytest", "pytest-timeout"}]
    session.install(".", *plain)
    session.run("pytest", "--noconftest", "tests/test_smoke.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the docs with warnings as errors; run every code block of README, docs, examples."""
    session.install("-e", f".[{EXTRAS}]", *_group("docs", "test"))
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "out/docs")
    session.run("pytest", "README.md", "docs", *_existing("examples"))


@nox.session
def faults(session: nox.Session) -> None:
    """Run the long fault campaigns; each prints its seed, and takes it back by RETAINKIT_SEED."""
    session.install("-e", f".[{EXTRAS}]", *_group("test"))
    session.run("pytest", "-m", "faults", "-s", "--timeout=0", "tests/faults", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print one JSON line for each benchmark, or for those that are named."""
    session.install("-e", f".[{EXTRAS}]", *_group("bench"))
    listed = session.run("python", "bench/run.py", "--list", silent=True)
    for name in session.posargs or str(listed).split():
        session.run("python", "bench/run.py", name)


@nox.session(python=LOWEST)
def lowest(session: nox.Session) -> None:
    """Run the tests on the lowest Python with the lowest direct dependencies we promise."""
    project = PROJECT["project"]
    optional = [r for extra in project["optional-dependencies"].values() for r in extra]
    constraints = Path(session.create_tmp()) / "floors.txt"
    floors = _floors([*project["dependencies"], *optional, *_group("test")])
    constraints.write_text("\n".join(floors) + "\n")
    session.install("-e", f".[{EXTRAS}]", *_group("test"), "--constraint", str(constraints))
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(reuse_venv=False)
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and run the tests against the installed wheel, away from src."""
    place = Path(session.create_tmp()) / "build"
    shutil.rmtree(place, ignore_errors=True)
    session.install("build>=1.2")
    session.run("python", "-m", "build", "--outdir", str(place / "dist"), str(HERE))
    (wheel,) = (place / "dist").glob("*.whl")
    session.install(f"{wheel}[{EXTRAS}]", *_group("test"))
    for name in _existing("tests", "examples", "docs"):
        shutil.copytree(HERE / name, place / name)
    for name in ("conftest.py", "noxfile.py", "pyproject.toml", "README.md"):
        shutil.copy(HERE / name, place)
    session.chdir(place)
    session.run("python", "-c", "import retainkit; assert 'site-packages' in retainkit.__file__")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Run the tests against software by other people."""
    session.install("-e", f".[{EXTRAS}]", *_group("test"))
    found = session.run(
        "pytest", "-m", "interop", "--collect-only", "-q", silent=True, success_codes=[0, 5]
    )
    if "::" not in str(found):
        session.log("no test is marked interop yet: nothing was run")
        return
    session.env["RETAINKIT_NODE_MODULES"] = str(_node_modules(session))
    session.run("pytest", "-m", "interop", *session.posargs)


def _node_modules(session: nox.Session) -> Path:
    """What the tests want from npm; without npm nothing, and the tests say what they miss."""
    place = Path(session.create_tmp()).resolve()
    if shutil.which("npm") is not None:
        session.run("npm", "install", "--prefix", str(place), "--silent", JSON_LOGIC, external=True)
    return place / "node_modules"


@nox.session(name="stripe-live")
def stripe_live(session: nox.Session) -> None:
    """Run the provider contract against Stripe's test mode."""
    if not os.environ.get("STRIPE_TEST_KEY"):
        session.skip("STRIPE_TEST_KEY is not set: the Stripe adapter stays unverified against live")
    session.install("-e", f".[{EXTRAS}]", *_group("test"))
    session.run("pytest", "-m", "stripe_live", *session.posargs)
