"""What the commands share: the ``--app`` that names a kit, and the shape of a command."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from retainkit.errors import ConfigurationError


if TYPE_CHECKING:
    from retainkit.engine import RetainKit


class Command(Protocol):
    """A module of this room: one command."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """As it is typed."""
        ...

    @property
    def HELP(self) -> str:  # noqa: N802 - a constant of the module
        """What it does, in one line."""
        ...

    def arguments(self, parser: ArgumentParser) -> None:
        """Declare its arguments."""
        ...

    def run(self, args: Namespace) -> int:
        """Do it; the exit code."""
        ...


def app_argument(parser: ArgumentParser) -> None:
    """``--app module:kit``."""
    parser.add_argument(
        "--app",
        required=True,
        metavar="MODULE:KIT",
        help="where the kit is: a module that can be imported, and its name in there",
    )


def tenant_argument(parser: ArgumentParser) -> None:
    """``--tenant ID``."""
    parser.add_argument("--tenant", metavar="ID", help="another tenant than the kit's own")


def kit_of(args: Namespace) -> RetainKit:
    """
    The kit that ``--app`` names, for the tenant that ``--tenant`` names.

    Raises:
        ConfigurationError: There is no such module, no such name in it, or it is no kit.
    """
    kit = _load(args.app)
    tenant: str | None = getattr(args, "tenant", None)
    return kit if tenant is None else kit.for_tenant(tenant)


def _load(app: str) -> RetainKit:
    from retainkit.engine import RetainKit

    module_name, colon, path = app.partition(":")
    if not (module_name and colon and path):
        raise _wrong(app, "This does not name a kit", "write --app module:kit")
    found: object = _module(app, module_name)
    for name in path.split("."):
        found = getattr(found, name, None)
        if found is None:
            raise _wrong(
                app,
                f"The module {module_name} has no {path}",
                "name the variable that holds RetainKit(...)",
            )
    if isinstance(found, RetainKit):
        return found
    raise _wrong(
        app,
        f"{path} is no kit but of type {type(found).__name__}",
        "name the variable that holds RetainKit(...)",
    )


def _module(app: str, name: str) -> object:
    # A console script does not look where it was called from; `python -m` does.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        # A module that the named one imports is the app's own trouble: say so, with its name.
        missing = exc.name or name
        raise _wrong(
            app,
            f"There is no module {missing}",
            "call it from the folder that holds the module, or install what is missing",
        ) from exc


def _wrong(app: str, message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, code="cli.app", field="app", value=app, remedy=remedy)
