"""Public names that load their module when they are first named (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


__all__ = ["lazily"]


def lazily(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    The ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: Its ``__name__``.

        homes: Each public name and the module below the package that it lives in.
    """

    def __getattr__(name: str) -> object:  # noqa: N807 - becomes the package's own
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    def __dir__() -> list[str]:  # noqa: N807 - becomes the package's own
        return sorted(homes)

    return __getattr__, __dir__
