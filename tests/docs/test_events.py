"""The page of events against every event the source writes, and against a life of one customer."""

from __future__ import annotations

import ast

import pytest
from tests.docs._pages import coded, rows
from tests.docs._source import argument, calls, modules, words

from retainkit.billing import READ_INVOICE
from retainkit.contact import SEND


ROOMS = ("billing", "contact", "dunning", "engine", "health", "signals")
SECTIONS = (
    "What you report",
    "What the engine writes",
    "Invoices and payments",
    "Dunning",
    "Rules and segments",
    "Health",
    "Messages",
)
REMEDY = "add a row to docs/reference/events.md, or take the old one out"
LISTED = {coded(row[0])[0]: row for section in SECTIONS for row in rows("events", section)}


def _written() -> set[str]:
    names: set[str] = set()
    for path, call in calls("Event", rooms=ROOMS):
        name = argument(call, "name")
        assert name is not None, f"{path}:{call.lineno}: an event has a name"
        names |= words(name, path)
    return names


def test_every_event_has_its_row() -> None:
    """Event names are public: none is written, or listened to, that nobody can look up."""
    assert _written() == set(LISTED), REMEDY


def test_every_event_has_schema_one() -> None:
    """The page says so for all; the first one of another schema gets a column."""
    assert [
        f"{path}:{call.lineno}"
        for path, call in calls("Event", rooms=ROOMS)
        if argument(call, "schema") is not None
    ] == [], "give docs/reference/events.md a column for the schema"


def test_what_a_feature_listens_to_is_listed() -> None:
    """Nobody is woken by a name the page does not know."""
    heard = {
        word
        for path, tree in modules().items()
        if path.startswith(ROOMS)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in ("subscribes", "reads")
        if isinstance(node.value, ast.Call)
        for item in node.value.args
        for element in getattr(item, "elts", [])
        for word in words(element, path)
    }
    assert heard
    assert heard <= set(LISTED), REMEDY


SAID = [
    (words(call.args[0], path), call.args[1])
    for path, call in calls("say", rooms=("dunning/",))
    if isinstance(call.args[1], ast.Dict)
]


def _id(value: set[str] | ast.Dict) -> str:
    """The event's name; a place in memory would differ from worker to worker."""
    return "data" if isinstance(value, ast.Dict) else "-".join(sorted(value))


@pytest.mark.parametrize(("names", "data"), SAID, ids=_id)
def test_data_that_is_spelled_out_is_listed(names: set[str], data: ast.Dict) -> None:
    """Where the source spells an event's data out, the row has the same names."""
    (name,) = names
    spelled = [key.value for key in data.keys if isinstance(key, ast.Constant)]
    assert spelled == coded(LISTED[name][1])[: len(spelled)], REMEDY


def test_every_kind_of_effect_is_listed() -> None:
    """What is asked of the outside is public, too: hosts see it in attention() and in the log."""
    asked = {READ_INVOICE, SEND}
    for path, call in calls("ask", rooms=("dunning/",)):
        kind = call.args[0]
        if isinstance(kind, ast.JoinedStr):
            continue  # subscriptions.<action>: the next line
        asked |= words(kind, path)
    asked |= {"subscriptions.cancel", "subscriptions.pause"}
    assert asked == {coded(row[0])[0] for row in rows("events", "Effects")}, REMEDY
