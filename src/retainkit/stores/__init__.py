"""What a store is: four small protocols within one transaction, and claims over all tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retainkit._lazy import lazily


if TYPE_CHECKING:
    from retainkit.stores._appended import Appended
    from retainkit.stores._change import Change
    from retainkit.stores._ports import (
        Projections,
        Records,
        Schedule,
        Store,
        TenantStore,
        Timeline,
        Transaction,
    )

__all__ = [
    "Appended",
    "Change",
    "Projections",
    "Records",
    "Schedule",
    "Store",
    "TenantStore",
    "Timeline",
    "Transaction",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Appended": "_appended",
            "Change": "_change",
            "Projections": "_ports",
            "Records": "_ports",
            "Schedule": "_ports",
            "Store": "_ports",
            "TenantStore": "_ports",
            "Timeline": "_ports",
            "Transaction": "_ports",
        },
    )
