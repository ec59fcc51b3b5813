"""F2: mutants of the engine and of dunning's decisions, each held against its room's tests.

Run as ``python tests/faults/mutants.py [--sample 200] [--seed N] [FILE...]``; needs the dependency
group ``mutants``. Mutants are made by cosmic-ray's operators in copies of the project, never in
place; two are tested side by side. Prints one line a survivor and one of figures, and ends with 1
when fewer than nine tenths were killed.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from queue import Queue
from random import Random, SystemRandom
from resource import RLIMIT_CPU, setrlimit
from signal import SIGKILL
from tempfile import TemporaryDirectory
from time import perf_counter

import pytest
from attrs import frozen
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


# What the tests import is imported once, here: each run of them is a fork of this process.
for _name in ("hypothesis.stateful", "sqlalchemy.ext.asyncio"):
    import_module(_name)

ROOT = Path(__file__).parents[2]
ENGINE = ("_runner.py", "_step.py", "_circuit.py", "_sweeper.py")
# The quick tests of a room come first: pytest ends at the first that fails. What no mutant was ever
# killed by alone (the campaigns, the other stores) is left out.
ENGINE_TESTS = (
    "tests/engine/test_step.py",
    "tests/engine/test_outcomes.py",
    "tests/engine/test_running.py",
    "tests/engine/test_circuit.py",
    "tests/engine/test_sweeper.py",
    "tests/engine/test_policies.py",
    "tests/engine/test_webhooks.py",
    "tests/engine/test_withdrawn.py",
    "tests/engine/test_at_once.py",
    "tests/engine/test_dunning_policies.py",
    "tests/engine/test_holes.py",
    "tests/faults/test_provider_faults.py",
    "tests/faults/test_many_workers.py",
    "tests/engine/test_machine.py",
)
DUNNING_TESTS = (
    "tests/faults/test_survivors.py",
    "tests/dunning/test_edges.py",
    "tests/dunning/test_chronicle.py",
    "tests/dunning/test_stages.py",
    "tests/dunning/test_collecting.py",
    "tests/dunning/test_said.py",
    "tests/dunning",
    "tests/faults/test_clocks.py",
    "tests/engine/test_withdrawn.py",
    "tests/engine/test_dunning_policies.py",
)
IN_MEMORY = "not postgres and not sqlite"
# What only a database shows: damage behind the store's back, and several workers at once.
DISK_TESTS = (
    "tests/engine/test_sweeper.py",
    "tests/engine/test_at_once.py",
    "tests/engine/test_withdrawn.py",
    "tests/faults/test_many_workers.py",
)
ON_DISK = "sqlite and not two_thousand and not hole"
TESTS = {
    "engine": ((ENGINE_TESTS, IN_MEMORY), (DISK_TESTS, ON_DISK)),
    "dunning": ((DUNNING_TESTS, IN_MEMORY),),
}
# A run that goes round and round is ended by what it computes, one that waits by the clock: on a
# busy machine a slow run is no kill.
SECONDS = 90
WAITING = 900
# Hypothesis is imported before pytest could rewrite its assertions, which nobody reads here.
_AGAIN = "ignore::pytest.PytestAssertRewriteWarning"
WANTED = 0.9
# Decorators here say `frozen` and `property`, which types check; two equal words of ours are one
# object, so that `is` for `==` is no fault, and an order among them none either; variables are
# renamed to what does not exist.
_SKIPPED = re.compile(
    r"RemoveDecorator|Variable|_Eq_Is$|_NotEq_IsNot$|_Is_Eq$|_IsNot_NotEq$|_Is(Not)?_[LG]"
)


@frozen
class Mutant:
    """One change of one file: the n-th place where an operator finds something to change."""

    file: Path
    operator: str
    occurrence: int


def mutants_of(file: Path) -> list[Mutant]:
    """Every mutant of a file that somebody could take for a mistake."""
    tree = get_ast((ROOT / file).read_text())
    found = []
    for name in operator_names():
        if _SKIPPED.search(name):
            continue
        places = 0
        stack = [tree]
        while stack:
            node = stack.pop()
            places += len(list(get_operator(name)().mutation_positions(node)))
            stack.extend(getattr(node, "children", ()))
        found += [Mutant(file, name, number) for number in range(places)]
    return found


def changed(mutant: Mutant) -> tuple[str, str] | None:
    """The file's text before and after; None where nothing of it runs differently."""
    before = (ROOT / mutant.file).read_text()
    after = mutate_code(before, get_operator(mutant.operator)(), mutant.occurrence)
    if after is None or "if not TYPE_CHECKING" in after:
        return None
    try:
        same = _what_runs(before) == _what_runs(after)
    except SyntaxError:
        return None
    return None if same else (before, after)


def _what_runs(text: str) -> str:
    """
    The code without annotations, which nobody computes, and without decorators; whether an
    argument must be named is for types, too.
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults += [default for default in node.kw_defaults if default is not None]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        elif isinstance(node, ast.FunctionDef):
            node.returns, node.decorator_list = None, []
        elif isinstance(node, ast.ClassDef):
            node.decorator_list = []
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def is_killed(mutant: Mutant, text: str, copy: Path) -> bool:
    """Whether a test fails, or does not end, with the mutant in place."""
    place = copy / mutant.file
    before = place.read_text()
    place.write_text(text)
    try:
        return any(_fails(copy, *run) for run in TESTS[mutant.file.parts[2]])
    finally:
        place.write_text(before)


def _fails(copy: Path, tests: tuple[str, ...], selected: str) -> bool:
    """Whether one run of pytest fails; a forked one, as what it imports is here already."""
    run = get_context("fork").Process(target=_run_tests, args=(copy, tests, selected))
    run.start()
    run.join(WAITING)
    if run.is_alive():
        os.killpg(run.pid or 0, SIGKILL)
        run.join()
    if (run.exitcode or 0) < 0:
        _say(f"(ended by signal {-(run.exitcode or 0)}: {copy.name})")
    return run.exitcode != 0


def _run_tests(copy: Path, tests: tuple[str, ...], selected: str) -> None:
    os.setpgid(0, 0)
    setrlimit(RLIMIT_CPU, (SECONDS, SECONDS))
    os.chdir(copy)
    sys.path[:1] = [str(copy), str(copy / "src")]
    os.environ.update(PYTHONPATH=str(copy / "src"), CI="1", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        sys.stdout = sys.stderr = nowhere
        options = ("-xqp", "no:cacheprovider", "-k", selected, "-W", _AGAIN)
        os._exit(int(pytest.main([*options, *tests])))


def copy_of(folder: Path, number: int) -> Path:
    """What the tests need, somewhere else."""
    copy = folder / str(number)
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def main() -> int:
    """Test a sample, or all; 1 when too few were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--sample", type=int, default=200, help="how many; 0 for all")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    source = Path("src/retainkit")
    files = given.files or [
        *(source / "engine" / name for name in ENGINE),
        *sorted(path.relative_to(ROOT) for path in (ROOT / source / "dunning").glob("_*.py")),
    ]
    files = [file for file in files if file.name not in {"__init__.py", "_decline_codes.py"}]
    made = [mutant for file in files for mutant in mutants_of(file)]
    Random(given.seed).shuffle(made)
    chosen: list[tuple[Mutant, str, str]] = []
    for mutant in made:
        if given.sample and len(chosen) == given.sample:
            break
        texts = changed(mutant)
        if texts is not None:
            chosen.append((mutant, *texts))
    return _run(chosen, of=len(made), seed=given.seed, workers=given.workers)


def _run(chosen: list[tuple[Mutant, str, str]], *, of: int, seed: int, workers: int) -> int:
    began = perf_counter()
    with TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: Queue[Path] = Queue()
        for number in range(workers):
            copies.put(copy_of(Path(folder), number))
        for tests, selected in {run for runs in TESTS.values() for run in runs}:
            if _fails(copies.queue[0], tests, selected):
                raise SystemExit(f"without any mutant these fail: {tests}")

        def test(one: tuple[Mutant, str, str]) -> bool:
            mutant, before, after = one
            copy = copies.get()
            try:
                killed = is_killed(mutant, after, copy)
            finally:
                copies.put(copy)
            if not killed:
                diff = unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
                _say(f"survived: {mutant.file} {mutant.operator}", *list(diff)[2:])
            return killed

        killed = sum(pool.map(test, chosen))
    share = killed / len(chosen)
    took = perf_counter() - began
    _say(
        f"F2: seed={seed} mutants={len(chosen)} of={of} killed={killed}"
        f" share={share:.3f} seconds={took:.0f}"
    )
    return 0 if share >= WANTED else 1


def _say(*lines: str) -> None:
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
