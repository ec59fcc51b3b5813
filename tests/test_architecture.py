"""Laws of the design that import-linter and ruff cannot express; pyproject.toml has the rest."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

HEAVY = ("asyncio", "cattrs", "jinja2", "pydantic", "pytest", "sqlalchemy", "stripe", "yaml")
# fmt: off
OUTSIDE_WORLD = {
    "asyncio", "http", "io", "os", "pathlib", "random", "secrets", "select", "shutil", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}
CLOCKS_AND_CHANCE = {
    "environ", "getenv", "now", "read_bytes", "read_text", "today", "urandom", "utcnow", "uuid1",
    "uuid4", "write_bytes", "write_text",
}
# fmt: on
MONEY_ROOMS = ("billing", "cancellation", "core", "dunning", "metrics", "money", "renewals")


def _package() -> Path:
    """The installed package: ``src`` in a checkout, site-packages where the wheel is tested."""
    import retainkit

    return Path(retainkit.__file__).parent


def _modules() -> dict[str, ast.Module]:
    """Every module's syntax tree by its path below the package, such as ``core/_event.py``."""
    package = _package()
    return {
        path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


MODULES = _modules()


def _room(path: str) -> str:
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


def _rooms_above_stores() -> set[str]:
    """The rooms that decide, read from the import law: its layers below the stores' line."""
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    layers = [
        {room.strip(" ()") for room in layer.replace(":", "|").split("|")}
        for layer in next(c["layers"] for c in contracts if c["type"] == "layers")
    ]
    line = next(number for number, rooms in enumerate(layers) if "stores" in rooms)
    return set().union(*layers[line + 1 :])


def _public() -> list[str]:
    return [path for path in MODULES if not any(p.startswith("_") for p in _names(path))]


def _names(path: str) -> list[str]:
    return [part for part in path.removesuffix(".py").split("/") if part != "__init__"]


# ------------------------------------------------------------------------------------ law 5: light


BUILDING = """
import retainkit
from retainkit.stores.memory import MemoryStore
retainkit.RetainKit(store=MemoryStore())
"""


@pytest.mark.parametrize("program", ["import retainkit", BUILDING], ids=["importing", "building"])
def test_a_kit_on_the_memory_store_loads_nothing_heavy(program: str) -> None:
    """What a host does not use costs its start-up nothing."""
    probe = f"{program}\nimport sys\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, check=False, text=True
    )

    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


# ------------------------------------------------------------------------------------- law 1: pure


def _outside_touches(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [a.name for a in names if a.name.partition(".")[0] in OUTSIDE_WORLD]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in OUTSIDE_WORLD:
                found = [module]
            case ast.ImportFrom(names=names):
                found = [a.name for a in names if a.name in CLOCKS_AND_CHANCE]
            case ast.Attribute(attr=attr) if attr in CLOCKS_AND_CHANCE:
                found = [ast.unparse(node)]
            case ast.Call(func=ast.Name(id="open" | "input" | "print")):
                found = [ast.unparse(node)]
            case _:
                continue
        yield from (f"line {node.lineno}: {what}" for what in found)


@pytest.mark.parametrize("path", [p for p in MODULES if _room(p) in _rooms_above_stores()])
def test_a_deciding_room_reads_nothing_of_the_world(path: str) -> None:
    """Now and seeds are arguments; files, sockets and the environment belong to the edge."""
    assert list(_outside_touches(MODULES[path])) == []


@pytest.mark.parametrize(
    "program",
    [
        "import time",
        "from random import Random",
        "from uuid import uuid4",
        "from datetime import datetime\nx = datetime.now(UTC)",
        "x = open('f')",
        "x = Path('f').read_text()",
    ],
)
def test_the_guard_of_the_deciding_rooms_sees(program: str) -> None:
    """The guard itself can fail."""
    assert list(_outside_touches(ast.parse(program))) != []


# -------------------------------------------------------------------------- law 3: exact amounts


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation)
            ):
                yield annotation
            case ast.FunctionDef(returns=ast.expr() as returns):
                yield returns
            case _:
                pass


def _floats(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: {node.value!r}"
    for annotation in _annotations(tree):
        quoted = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
        said = ast.literal_eval(annotation) if quoted else ast.unparse(annotation)
        words = ast.walk(ast.parse(said, mode="eval"))
        if any(isinstance(word, ast.Name) and word.id == "float" for word in words):
            yield f"line {annotation.lineno}: {said}"


@pytest.mark.parametrize("path", [p for p in MODULES if _room(p) in MONEY_ROOMS])
def test_a_room_that_bears_money_knows_no_float(path: str) -> None:
    """No float is written or asked for where amounts are; refusing one by isinstance is fine."""
    assert list(_floats(MODULES[path])) == []


@pytest.mark.parametrize(
    "program", ["x = 0.5", "x: float", "def f(x: 'int | float'): ...", "def f() -> float: ..."]
)
def test_the_guard_of_money_sees(program: str) -> None:
    """The guard itself can fail."""
    assert list(_floats(ast.parse(program))) != []


# ----------------------------------------------------------------------------- the public surface


def _top_level(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, with those that only type checkers or some Pythons see."""
    for statement in statements:
        if isinstance(statement, ast.If | ast.Try):
            yield from _top_level(statement.body)
        else:
            yield statement


def _bound(path: str) -> tuple[set[str], set[str]]:
    """The public names a module makes itself, and all that it has, with what it imports."""
    made: set[str] = set()
    taken: set[str] = set()
    for statement in _top_level(MODULES[path].body):
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                made.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                made.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if not ast.unparse(value).startswith(("TypeVar(", "ParamSpec(")):
                    made.add(name)
            case ast.ImportFrom(names=names):
                taken.update(alias.asname or alias.name for alias in names)
            case _:
                pass
    return {name for name in made if not name.startswith("_")}, made | taken


def _all(path: str) -> list[str] | None:
    for statement in MODULES[path].body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as names)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.List() as names)
            ):
                return [str(ast.literal_eval(name)) for name in names.elts]
            case _:
                pass
    return None


@pytest.mark.parametrize("path", _public())
def test_a_public_module_says_what_it_offers(path: str) -> None:
    """``__all__`` names every public name, and nothing that is not there; ruff keeps it sorted."""
    made, bound = _bound(path)
    stated = _all(path)

    assert stated is not None, f"{path} has no __all__ list"
    assert sorted(made - set(stated)) == []
    assert sorted(set(stated) - bound - {"__version__"}) == []


@pytest.mark.parametrize("path", [p for p in MODULES if p != "__init__.py"])
def test_no_room_imports_the_front_door(path: str) -> None:
    """``from retainkit import X`` inside the house would walk around the import law."""
    rooms = {_room(p) for p in MODULES}
    walked_around = [
        f"line {node.lineno}: {alias.name}"
        for node in ast.walk(MODULES[path])
        if isinstance(node, ast.ImportFrom) and (node.module, node.level) == ("retainkit", 0)
        for alias in node.names
        if alias.name not in rooms
    ]

    assert walked_around == []


# --------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py"))
)
def test_each_test_tells_its_story_in_a_line(path: str) -> None:
    """A test without a docstring leaves its reader to guess what broke."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    silent = [
        f"line {node.lineno}: {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []
