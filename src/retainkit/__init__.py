"""retainkit: activation, dunning, cancellation and retention, embedded in your own product.

Everything public is found here or one room below; rooms are loaded when they are first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from retainkit.core import Event, Origin
    from retainkit.dunning import DunningPolicy, Stage
    from retainkit.engine import AsyncRetainKit, Links, RetainKit
    from retainkit.errors import RetainkitError
    from retainkit.ids import CustomerId

    __version__: str

__all__ = [
    "AsyncRetainKit",
    "CustomerId",
    "DunningPolicy",
    "Event",
    "Links",
    "Origin",
    "RetainKit",
    "RetainkitError",
    "Stage",
    "__version__",
]

_ROOMS = {
    "AsyncRetainKit": "engine",
    "CustomerId": "ids",
    "DunningPolicy": "dunning",
    "Event": "core",
    "Links": "engine",
    "Origin": "core",
    "RetainKit": "engine",
    "RetainkitError": "errors",
    "Stage": "dunning",
}


def __getattr__(name: str) -> object:
    """The public name, from its room; the version from the installed distribution."""
    if name == "__version__":
        from importlib.metadata import version

        return version("retainkit-sdk")
    if name in _ROOMS:
        return getattr(import_module(f"retainkit.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'retainkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
