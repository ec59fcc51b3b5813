"""retainkit: activation, dunning, cancellation and retention, embedded in your own product.

Everything public is found here or one room below; rooms are loaded when they are first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit._lazy import lazily


if TYPE_CHECKING:
    from retainkit._version import __version__
    from retainkit.core import Event, Origin
    from retainkit.dunning import DunningPolicy, Stage
    from retainkit.engine import AsyncRetainKit, Links, RetainKit
    from retainkit.errors import RetainkitError
    from retainkit.ids import CustomerId

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

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "AsyncRetainKit": "engine",
            "CustomerId": "ids",
            "DunningPolicy": "dunning",
            "Event": "core",
            "Links": "engine",
            "Origin": "core",
            "RetainKit": "engine",
            "RetainkitError": "errors",
            "Stage": "dunning",
            "__version__": "_version",
        },
    )
