"""Fakes, clocks and contract suites for tests of retainkit and of its hosts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from retainkit.testing._payment_contract import (
        Card,
        PaymentProviderContract,
        PaymentWorld,
        Signing,
        Stage,
    )


__all__ = [
    "Card",
    "PaymentProviderContract",
    "PaymentWorld",
    "Signing",
    "Stage",
]

# Contract suites need pytest, which a host that only wants a fake need not have.
_LAZY = {
    "Card": "_payment_contract",
    "PaymentProviderContract": "_payment_contract",
    "PaymentWorld": "_payment_contract",
    "Signing": "_payment_contract",
    "Stage": "_payment_contract",
}


def __getattr__(name: str) -> object:
    """Load what needs pytest when it is asked for; its asserts explain themselves."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    home = f"{__name__}.{_LAZY[name]}"
    pytest.register_assert_rewrite(home)
    return getattr(importlib.import_module(home), name)
