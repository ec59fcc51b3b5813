"""The contract of stores guards itself, catches stores that lie, and loads only when asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from retainkit.errors import ConfigurationError
from retainkit.stores.memory import MemoryStore
from retainkit.testing import StoreContract, store_transcript


def test_a_test_of_the_contract_cannot_be_hidden() -> None:
    """Overriding or removing one is refused as soon as the class is made."""

    def test_one_open_case_of_a_key(self: object) -> None:
        """Look the other way."""

    hidden = {
        "test_one_open_case_of_a_key": test_one_open_case_of_a_key,
        "test_ugly_names_are_names": None,
    }
    with pytest.raises(ConfigurationError) as caught:
        type("TestQuiet", (StoreContract,), hidden)
    assert (caught.value.code, caught.value.field) == ("contract.overridden", "tests")
    assert caught.value.value == ["test_one_open_case_of_a_key", "test_ugly_names_are_names"]
    assert "xfail" in caught.value.remedy


def test_a_known_failure_says_why() -> None:
    """An xfail with a reason is no silence; a test of one's own is welcome."""

    @pytest.mark.xfail(reason="the database folds case")
    def test_ugly_names_are_names(self: object) -> None:
        """Not yet."""

    def test_of_my_own(self: object) -> None:
        """About my store alone."""

    made = type(
        "TestHonest",
        (StoreContract,),
        {"test_ugly_names_are_names": test_ugly_names_are_names, "test_of_my_own": test_of_my_own},
    )
    assert issubclass(made, StoreContract)


def test_a_script_is_the_same_in_every_run() -> None:
    """One seed, one transcript, line by line; another seed, another one."""
    lines = store_transcript(MemoryStore(), seed=7, steps=120)
    assert len(lines) == 122
    assert store_transcript(MemoryStore(), seed=7, steps=120) == lines
    assert store_transcript(MemoryStore(), seed=8, steps=120) != lines


def test_a_script_reaches_every_corner() -> None:
    """Refusals, lost claims, conflicts, strays: a transcript without them would compare little."""
    said = "\n".join(store_transcript(MemoryStore(), seed=7, steps=2_000))
    for corner in (
        "record.version", "effect.exists", "event.not_parked", '"failed"', ":true}", ":false}",
        "released", "leased", '"conflict"', '"parked"', "unclear", "answered", "NotSent",
    ):  # fmt: skip
        assert corner in said


def test_testing_loads_no_test_tools_by_itself() -> None:
    """The room and its clock are free of pytest and hypothesis; the contract brings them."""
    code = (
        "import sys, retainkit.testing as t; t.ManualClock;"
        "print(sorted({'pytest', 'hypothesis', 'sqlalchemy'} & set(sys.modules)), dir(t));"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded, _, names = out.stdout.partition("] ")
    assert loaded == "["
    assert "StoreContract" in names


def test_an_unknown_name_is_an_error() -> None:
    """The usual one."""
    import retainkit.testing

    with pytest.raises(AttributeError, match="Nothing"):
        retainkit.testing.Nothing  # noqa: B018
