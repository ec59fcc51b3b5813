"""The other pages of the reference against the code they describe."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

import attrs
import pytest
from tests.docs._pages import coded, page, rows
from tests.docs._source import PACKAGE, ROOT, assigned_in

from retainkit import DunningPolicy, RetainKit, Stage
from retainkit.cli import main
from retainkit.messages import Branding, known_messages
from retainkit.payments import Capabilities
from retainkit.payments.simulated import SimulatedPayments
from retainkit.payments.stripe import WEBHOOK_TYPES, StripePayments
from retainkit.stores.sql import SqlStore
from retainkit.stores.sql._migrations import MIGRATIONS


# What has no names of its own, or is a program.
PROSE = {
    "retainkit",
    "retainkit.cli",
    "retainkit.contrib",
    "retainkit.contrib.django.apps",
    "retainkit.contrib.django.management",
    "retainkit.contrib.django.management.commands",
    "retainkit.contrib.django.management.commands.retainkit_migrate",
    "retainkit.contrib.django.management.commands.retainkit_run_due",
    "retainkit.contrib.django.urls",
}

# Django's views are there only where its settings are.
NEEDS_SETTINGS = {"retainkit.contrib.django", "retainkit.contrib.django.views"}


def _public_modules() -> set[str]:
    modules = {
        ".".join(("retainkit", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
    }
    named = {module.removesuffix(".__init__") for module in modules}
    return {module for module in named if "._" not in module}


def test_every_public_module_has_its_page() -> None:
    """A room nobody can look up is no public room."""
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    )
    shown = set(re.findall(r"^\.\. automodule:: (\S+)$", pages, re.MULTILINE))
    assert shown == _public_modules() - PROSE, "give the module a page in docs/reference/"


@pytest.mark.parametrize("module", sorted(_public_modules() - PROSE - NEEDS_SETTINGS))
def test_every_public_name_has_its_entry(module: str) -> None:
    """Classes and functions come with their module; other values and aliases by hand."""
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")
    )
    room = import_module(module)
    own = assigned_in(module)
    missing = [
        name
        for name in room.__all__
        if not _is_called(getattr(room, name))
        if name not in own and f".. py:data:: {module}.{name}\n" not in pages
    ]
    assert missing == [], "give the names a py:data on the module's page in docs/reference/"


def _is_called(value: object) -> bool:
    """A class or a function, perhaps with a cache around it."""
    return isinstance(value, type) or inspect.isfunction(inspect.unwrap(cast("Any", value)))


@pytest.mark.parametrize("configured", [RetainKit, DunningPolicy, Stage])
def test_every_argument_of_the_configuration_has_its_row(configured: type) -> None:
    """The table has every argument; the ones without a default are the required ones."""
    expected = {
        name: parameter.default is inspect.Parameter.empty
        for name, parameter in inspect.signature(configured).parameters.items()
    }
    listed = {
        coded(row[0])[0]: row[1] == "required" for row in rows("configuration", configured.__name__)
    }
    assert listed == expected, "bring docs/reference/configuration.md in line"


def test_every_table_and_column_has_its_row() -> None:
    """Tables are public: no column without its meaning."""
    store = SqlStore("sqlite://", prefix="")
    for name, table in store.metadata.tables.items():
        listed = [coded(row[0])[0] for row in rows("tables", name)]
        assert listed == [column.name for column in table.columns], name
    sections = re.findall(r"^## ([a-z]+)$", page("tables"), re.MULTILINE)
    assert sorted(sections) == sorted(store.metadata.tables)
    store.close()


def test_every_migration_has_its_row() -> None:
    """Whoever upgrades can see what happens to their tables."""
    numbers = [coded(row[0])[0] for row in rows("tables", "Migrations")]
    assert numbers == [str(number) for number in range(1, len(MIGRATIONS) + 1)]


def test_every_command_and_argument_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has what the programs themselves say of themselves."""
    listed = {coded(row[0])[0]: row for row in rows("cli")}
    commands = {name: row for name, row in listed.items() if not name.startswith("--")}
    assert set(commands) == set(_commands(capsys))
    taken: set[str] = set()
    for command, row in commands.items():
        told = _help(command.split(), capsys)
        arguments = re.findall(r"^ {2}(--[a-z-]+|[A-Z]+)\b", told, re.MULTILINE)
        assert sorted(coded(row[1])) == sorted(arguments), command
        taken |= {argument for argument in arguments if argument.startswith("--")}
    assert taken == set(listed) - set(commands)


def _commands(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """Each command, with its action where it has several."""
    for command in re.findall(r"^ {4}(\S+)", _help([], capsys), re.MULTILINE):
        actions = re.findall(r"^ {4}([a-z]+)  ", _help([command], capsys), re.MULTILINE)
        yield from (f"{command} {action}" for action in actions)
        if not actions:
            yield command


def _help(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    told = capsys.readouterr().out
    return told.split("positional arguments:")[-1] if not command else told


def test_the_event_types_are_those_that_are_used() -> None:
    """Whoever registers the endpoint from the page misses nothing."""
    listed = [
        name for row in rows("payments", "`retainkit.payments.stripe`") for name in coded(row[0])
    ]
    assert sorted(listed) == list(WEBHOOK_TYPES)


def test_the_capabilities_are_those_of_the_adapters() -> None:
    """Each capability has its row, and the row has what each adapter declares."""
    declared = rows("payments", "What the adapters declare")
    listed = {coded(row[0])[0]: row[1:3] for row in declared}
    assert list(listed) == [field.name for field in attrs.fields(Capabilities)]
    adapters = (StripePayments("sk_test_reference").capabilities, SimulatedPayments().capabilities)
    for name, cells in listed.items():
        assert cells == [_said(getattr(adapter, name)) for adapter in adapters], name


def _said(value: object) -> str:
    words = {
        "True": "yes",
        "False": "no",
        "1 day, 0:00:00": "24 hours",
        "0:02:00": "2 minutes",
        "0:01:00": "1 minute",
        "0:00:20": "20 seconds",
    }
    return words.get(str(value), f"`{value}`")


def test_every_message_and_locale_has_its_row() -> None:
    """What a policy may name, and in which languages it speaks."""
    listed = {coded(row[0])[0] for row in rows("messages")}
    locales = {path.parent.parent.name for path in PACKAGE.glob("messages/locale/*/*/*.po")}
    assert listed == set(known_messages(Branding(product="Acme"))) | locales
