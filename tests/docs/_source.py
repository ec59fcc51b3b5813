"""What the source says, read without running it: the words a call can pass for an argument."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import retainkit


ROOT = Path(__file__).parents[2]
PACKAGE = Path(retainkit.__file__).parent
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Unreadable(Exception):
    """An expression whose words can't be told from the source alone."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module's syntax tree by its path below the package, each node knowing its parent."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined] # a way up
        found[path.relative_to(PACKAGE).as_posix()] = tree
    return found


def calls(*names: str, rooms: tuple[str, ...] = ("",)) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a function or class of these names, and the module it stands in."""
    for path, tree in modules().items():
        if path.startswith(rooms):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and called(node) in names:
                    yield path, node


def called(call: ast.Call) -> str:
    """The name of the function or class that is called."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """The expression passed for a keyword."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def words(node: ast.expr, path: str) -> set[str]:
    """
    The texts an expression can stand for: constants, parameters of functions that are called with
    constants, names and mappings of a module, either arm of a condition, and texts made of these.

    Raises:
        Unreadable: It is anything else.
    """
    match node:
        case ast.Constant(value=str() as word):
            return {word}
        case ast.IfExp():
            return words(node.body, path) | words(node.orelse, path)
        case ast.JoinedStr():
            made = {""}
            for part in node.values:
                expression = part.value if isinstance(part, ast.FormattedValue) else part
                made = {start + end for start in made for end in words(expression, path)}
            return made
        case ast.Subscript(value=ast.Name(id=name)):
            mapping = _assigned(modules()[path], name)
            if isinstance(mapping, ast.Dict):
                return {word for value in mapping.values for word in words(value, path)}
        case ast.Name(id=name):
            return _named(node, name, path)
        case _:
            pass
    raise Unreadable(f"{path}:{node.lineno}: {ast.unparse(node)}")


def _named(node: ast.Name, name: str, path: str) -> set[str]:
    function = _function(node)
    if function is not None:
        local = [*_locals(function, name)]
        if local:
            return set().union(*(words(value, path) for value in local))
        if name in _parameters(function):
            return _passed(function, name, path)
    for home in [path, *modules()]:
        value = _assigned(modules()[home], name)
        if value is not None:
            return words(value, home)
    raise Unreadable(f"{path}:{node.lineno}: {name}")


def _function(node: ast.AST) -> Function | None:
    above: ast.AST | None = node
    while above is not None:
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            return above
        above = getattr(above, "parent", None)
    return None


def _locals(function: Function, name: str) -> Iterator[ast.expr]:
    """What is bound to a name in a function: by assignment, alone or in a tuple, or by a loop."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield from _bound(node.targets[0], node.value, name)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
            for item in node.iter.elts:
                yield from _bound(node.target, item, name)


def _bound(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, part in zip(target.elts, value.elts, strict=True):
            yield from _bound(each, part, name)


def _parameters(function: Function) -> list[str]:
    given = [*function.args.posonlyargs, *function.args.args]
    names = [argument.arg for argument in given]
    return [*names[names[:1] == ["self"] :], *(each.arg for each in function.args.kwonlyargs)]


def _passed(function: Function, name: str, path: str) -> set[str]:
    """Whatever the callers of a function pass; of a private one, those in its own module."""
    room = path if function.name.startswith("_") else path.split("/", maxsplit=1)[0]
    index, found = _parameters(function).index(name), set[str]()
    for home, call in calls(function.name, rooms=(room,)):
        value = argument(call, name)
        if value is None and index < len(call.args):
            value = call.args[index]
        if value is not None:
            found |= words(value, home)
    return found


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.target.id == name and node.value is not None:
                return node.value
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                return node.value
    return None


def assigned_in(module: str) -> set[str]:
    """The values a module defines itself, each with a docstring of its own."""
    path = module.removeprefix("retainkit.").replace(".", "/")
    tree = modules().get(f"{path}.py") or modules()[f"{path}/__init__.py"]
    return {
        target.id
        for node, after in pairwise(tree.body)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
