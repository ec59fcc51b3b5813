"""Fakes, clocks and contract suites for tests of retainkit and of its hosts."""

from __future__ import annotations

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from retainkit.testing._clock import ManualClock
    from retainkit.testing._payment_contract import (
        Card,
        PaymentProviderContract,
        PaymentWorld,
        Signing,
        Stage,
    )
    from retainkit.testing._postgres import PostgresServer, postgres_server
    from retainkit.testing._store_contract import StoreContract
    from retainkit.testing._store_play import store_transcript
    from retainkit.testing._tax_contract import TaxProviderContract, TaxWorld


__all__ = [
    "Card",
    "ManualClock",
    "PaymentProviderContract",
    "PaymentWorld",
    "PostgresServer",
    "Signing",
    "Stage",
    "StoreContract",
    "TaxProviderContract",
    "TaxWorld",
    "postgres_server",
    "store_transcript",
]

# Each name and the module it is loaded from when it is first asked for: a host that wants the
# clock alone needs neither pytest nor hypothesis.
_HOMES = {
    "Card": "_payment_contract",
    "ManualClock": "_clock",
    "PaymentProviderContract": "_payment_contract",
    "PaymentWorld": "_payment_contract",
    "PostgresServer": "_postgres",
    "Signing": "_payment_contract",
    "Stage": "_payment_contract",
    "StoreContract": "_store_contract",
    "TaxProviderContract": "_tax_contract",
    "TaxWorld": "_tax_contract",
    "postgres_server": "_postgres",
    "store_transcript": "_store_play",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOMES[name]}"
    if home.endswith("_contract") and home not in modules:
        import pytest

        # A failed promise shows its values; those of projections are a part of the store's.
        pytest.register_assert_rewrite(home, f"{__name__}._projection_contract")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
