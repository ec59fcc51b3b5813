"""Stories of decision reasons as sentences; and that no reason lacks one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import retainkit
from retainkit.core import JsonObject
from retainkit.dunning._decline_codes import ROWS
from retainkit.errors import InvalidInput
from retainkit.messages._catalogues import language, translations
from retainkit.messages.reasons import _DOMAIN, explain_text


PACKAGE = Path(retainkit.__file__).parent
LANGUAGES = ("en", "de", "de_formal")
PLANNED: JsonObject = {
    "code": "51",
    "decline": "insufficient_funds",
    "rung": 1,
    "of": 3,
    "at": "2026-11-24T09:00:00+00:00",
    "policy": "5f2c",
}


def test_a_planned_try_in_english_and_german() -> None:
    """The same reason for two readers: words, date and hour are their own."""
    english = explain_text("dunning.retry.planned", PLANNED, "en", zone="America/New_York")
    german = explain_text("dunning.retry.planned", PLANNED, "de", zone="Europe/Berlin")

    assert english == (
        "The decline is temporary: insufficient funds (51). Try 1 of 3 is planned for"
        " November 24, 2026, 4:00\u202fAM."
    )
    assert german == (
        "Die Ablehnung ist vorübergehend: fehlende Deckung (51). Versuch 1 von 3 ist für den"
        " 24. November 2026, 10:00 geplant."
    )


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("de_formal", "de"), ("de_AT", "de"), ("fr", "en"), ("", "en"), ("en_GB", "en")],
)
def test_a_reader_gets_the_nearest_language(locale: str, expected: str) -> None:
    """No reason addresses its reader, so that formal German is German; else English."""
    assert explain_text("dunning.case.settled", {}, locale) == explain_text(
        "dunning.case.settled", {}, expected
    )


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (604800, "7 days", "7 Tage"),
        (86400, "1 day", "1 Tag"),
        (129600, "36 hours", "36 Stunden"),
        (5400, "90 minutes", "90 Minuten"),
        (61, "61 seconds", "61 Sekunden"),
        (0, "0 days", "0 Tage"),
    ],
)
def test_a_duration_is_exact(seconds: int, english: str, german: str) -> None:
    """The largest unit that is not rounded: nobody reads two days where a policy says 36 hours."""
    values = {"seconds": seconds}

    assert f": {english}." in explain_text("dunning.check.waiting", values, "en")
    assert f": {german}." in explain_text("dunning.check.waiting", values, "de")


@pytest.mark.parametrize(
    ("coverage", "english", "german"),
    [("0.4286", "42.86%", "42,86\N{NO-BREAK SPACE}%"), ("0", "0%", "0\N{NO-BREAK SPACE}%")],
)
def test_a_share_is_told_in_percent(coverage: str, english: str, german: str) -> None:
    """With all its digits; nobody has to read 0.5000 of something."""
    values: JsonObject = {"coverage": coverage, "minimum": "0.5"}

    told = explain_text("health.coverage.low", values, "en")
    assert told == (f"Too little is known for a band: {english} of the weight; the least is 50%.")
    assert f": {german} des Gewichts; nötig sind 50" in explain_text(
        "health.coverage.low", values, "de"
    )


def test_machine_words_are_said_in_the_readers_language() -> None:
    """Access levels and ends are words of ours; codes of others stay as they are."""
    restored = {"level": "full", "was": "limited"}

    assert "wieder voll." in explain_text("dunning.access.restored", restored, "de")
    assert "„kündigen“ für sub_1" in explain_text(
        "dunning.end.performed", {"action": "cancel", "target": "sub_1"}, "de"
    )


@pytest.mark.parametrize(
    ("code", "decline", "locale", "said"),
    [
        ("51", "insufficient_funds", "en", "insufficient funds (51)"),
        ("51", "insufficient_funds", "de_formal", "fehlende Deckung (51)"),
        ("expired_card", "expired_card", "en", "expired card"),
        ("try_again_later", "do_not_honor", "de", "ohne Grund abgelehnt (try_again_later)"),
        ("43", "stolen_card", "en", "stolen_card (43)"),
        ("R01", "R01", "de", "R01"),
        ("do_not_honor", None, "en", "declined by the bank without a reason"),
    ],
)
def test_a_decline_is_told_by_the_provider_s_word_and_the_code_that_decided(
    code: str, decline: str | None, locale: str, said: str
) -> None:
    """A network's number says nothing to a person; an older reason has only the code."""
    values = {"code": code} if decline is None else {"code": code, "decline": decline}

    told = explain_text("dunning.retry.hard_decline", values, locale)
    assert told.endswith(f"{said}.")
    assert told.count(code) <= 1


# Of what is behind these a bank says nothing to a customer, so that no word of ours does.
UNSAID = {
    "fraudulent",
    "highest_risk_level",
    "lost_card",
    "merchant_blacklist",
    "payer_deceased",
    "pickup_card",
    "security_violation",
    "stolen_card",
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_decline_code_of_a_provider_has_a_word(name: str) -> None:
    """A code that is new in the table must be said in every language, or be left unsaid here."""
    known = {
        line.split()[1]
        for line in ROWS.split("\n")
        if line.startswith(("stripe ", "stripe_advice ", "gocardless "))
    }
    said = {
        key.removeprefix("value.decline.")
        for key in _catalogue(name)
        if key.startswith("value.decline.")
    }

    assert known - said == UNSAID
    assert said - known == {"no_payment", "unknown"}


def test_what_is_not_known_is_said_to_be() -> None:
    """None, or a value an older event lacks, leaves no hole and raises nothing."""
    for values in ({"next_payment_attempt": None}, {}):
        said = explain_text("dunning.retry.provider_collects", values, "en")

        assert said.endswith("its next try: not known.")


def test_a_reason_without_a_sentence_is_shown_as_it_is() -> None:
    """A foreign or newer feature's reason: the key and its values, still localised."""
    values: JsonObject = {
        "total": {"amount": "1234.5", "currency": "EUR"},
        "count": 12345,
        "ids": ["in_1", "in_2"],
        "was": "limited",
        "range": {"low": 1},
        "day": "2026-11-24",
        "owner": None,
    }

    said = explain_text("host.case.odd", values, "de")

    assert said == (
        "host.case.odd count=12.345 day=2026-11-24 ids=in_1 und in_2 owner=unbekannt"
        " range=low: 1 total=1.234,50\u00a0€ was=eingeschränkt"
    )


def test_a_host_may_say_a_reason_its_own_way(tmp_path: Path) -> None:
    """Its catalogue comes first; a broken placeholder in it doesn't break an explanation."""
    folder = tmp_path / "locale" / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "reasons.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "dunning.case.settled"\nmsgstr "All squared."\n\n'
        'msgid "contact.rejected"\nmsgstr "Refused %(code"\n'
    )

    def own(key: str, values: JsonObject) -> str:
        return explain_text(key, values, "en", directories=(tmp_path,))

    assert own("dunning.case.settled", {}) == "All squared."
    assert own("dunning.case.recovered", {}) == "Everything owed was paid."
    assert own("contact.rejected", {"code": "550"}) == "contact.rejected code=550"


def test_a_zone_that_is_none_is_refused() -> None:
    """A reader's zone comes from the host; a typo is named."""
    with pytest.raises(InvalidInput) as caught:
        explain_text("dunning.case.settled", {}, "en", zone="Europe/Bielefeld")

    error = caught.value
    assert (error.code, error.field, error.value) == (
        "time.unknown_zone",
        "zone",
        "Europe/Bielefeld",
    )
    assert error.remedy.startswith("use an IANA name")


# ----------------------------------------------------------- every reason in use has a sentence


def _keys(tree: ast.Module, room: str) -> Iterator[tuple[str, bool]]:
    """
    The keys of reasons in a module; True beside one whose end is computed.

    A key is an argument of ``Because``, stands before its values in a tuple, or has three parts
    of which the first is the room's name (event names have two; ``code=`` is an error's).
    """
    codes = {
        id(word.value)
        for word in ast.walk(tree)
        if isinstance(word, ast.keyword) and word.arg == "code"
    }
    certain = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Because"), keywords=words):
                certain |= {id(word.value) for word in words if word.arg == "key"}
            case ast.Tuple(elts=[*_, key, ast.Dict()]):
                certain.add(id(key))
            case _:
                pass
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in codes:
                ours = re.fullmatch(rf"{room}\.[a-z_]+\.[a-z_]+", text)
                if ours or (id(node) in certain and re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text)):
                    yield text, False
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
                if id(node) not in codes and re.fullmatch(rf"{room}\.[a-z_]+\.", start):
                    yield start, True
            case _:
                pass


def _used() -> dict[tuple[str, bool], str]:
    """Every key that the package uses, with a file that does."""
    return {
        key: path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if (room := path.relative_to(PACKAGE).parts[0]) != "testing"
        and (room != "messages" or path.name == "reasons.py")
        for key in _keys(ast.parse(path.read_text(encoding="utf-8")), room)
    }


USED = _used()


def _catalogue(name: str) -> set[str]:
    """The keys a language has a sentence for, its own or by falling back on its neutral form."""
    spoken = language(name, (), _DOMAIN)
    own = tuple(one for one in spoken.catalogues if one != "en" or name == "en")
    found: set[str] = set()
    view: object = translations(own, (), _DOMAIN)
    while view is not None:
        found |= set(getattr(view, "_catalog", {})) - {""}
        view = getattr(view, "_fallback", None)
    return found


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_reason_has_a_sentence(name: str) -> None:
    """A feature that gives a new reason must say it in every language."""
    known = _catalogue(name)

    lacking = [
        f"{key}{'...' if computed else ''} (used in {path})"
        for (key, computed), path in USED.items()
        if not (any(one.startswith(key) for one in known) if computed else key in known)
    ]

    assert lacking == [], (
        f"add to src/retainkit/messages/locale/{name.removesuffix('_formal')}/LC_MESSAGES/"
        "reasons.po, then run python -m retainkit.messages._compile"
    )


def test_no_sentence_is_left_over() -> None:
    """A key nothing uses any more leaves the catalogues."""
    exact = {key for key, computed in USED if not computed}
    begun = tuple(key for key, computed in USED if computed)

    left_over = {
        key
        for name in LANGUAGES
        for key in _catalogue(name)
        if key not in exact and not key.startswith(("value.", *begun))
    }

    assert sorted(left_over) == [], (
        "remove them from src/retainkit/messages/locale/*/.../reasons.po"
    )


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ('Because(key="toy.done", values={})', ("toy.done", False)),
        ('r = ("toy.retry.now", {"a": 1})', ("toy.retry.now", False)),
        ('return "toy.retry.now", values', ("toy.retry.now", False)),
        ('r = (f"toy.retry.{key}", values)', ("toy.retry.", True)),
        ('n, k, t = "toy.sent", "toy.told", {}', ("toy.told", False)),
    ],
)
def test_the_guard_of_reasons_sees(source: str, key: tuple[str, bool]) -> None:
    """The guard itself can fail: it finds keys wherever features write them."""
    assert list(_keys(ast.parse(source), "toy")) == [key]


@pytest.mark.parametrize(
    "source",
    [
        'X(code="toy.policy.bad")',
        'X(code=f"toy.policy.{which}")',
        'say("toy.happened")',
        'x = "a b", {}',
    ],
)
def test_the_guard_of_reasons_takes_nothing_else(source: str) -> None:
    """Error codes and event names need no sentence."""
    assert list(_keys(ast.parse(source), "toy")) == []
