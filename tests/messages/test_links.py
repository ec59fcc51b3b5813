"""Stories of signed links: genuine, cut, forged, late, and after a change of secrets."""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import TenantId
from retainkit.messages.links import LinkSigner, SignedLink


OLD, NEW = "old-" + "o" * 32, "new-" + "n" * 32
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ACME = TenantId("acme")
PAY = "payment_method"

signer = LinkSigner(secrets=(OLD,))


def sign(by: LinkSigner = signer) -> str:
    return by.sign("link-1", tenant=ACME, purpose=PAY, now=NOW)


def refusal(token: str, *, purpose: str = PAY, after: timedelta = timedelta(0)) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        signer.read(token, purpose=purpose, now=NOW + after)
    return caught.value


@given(
    id=st.text(min_size=1, max_size=40),
    tenant=st.text(min_size=1, max_size=20),
    now=st.datetimes(
        min_value=datetime(2000, 1, 1),
        max_value=datetime(2100, 1, 1),
        timezones=st.just(timezone(timedelta(hours=5, minutes=30))),
    ),
)
def test_what_was_signed_is_read(id: str, tenant: str, now: datetime) -> None:
    """Whatever the ids, the reader gets what the signer gave, to the second."""
    token = signer.sign(id, tenant=TenantId(tenant), purpose=PAY, now=now)

    link = signer.read(token, purpose=PAY, now=now + timedelta(hours=1))

    assert link == SignedLink(
        id=id, tenant=TenantId(tenant), purpose=PAY, issued_at=now.replace(microsecond=0)
    )
    assert link.issued_at.tzinfo is UTC


def test_a_token_is_safe_in_a_url_and_says_only_ids() -> None:
    """Letters, digits, hyphens, underscores and dots; inside, the id, the tenant, the purpose."""
    token = sign()

    payload = token.split(".")[0]
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert base64.urlsafe_b64decode(payload + "==") == (
        b'{"i":"link-1","t":"acme","p":"payment_method"}'
    )


def test_the_same_moment_gives_the_same_token() -> None:
    """Nothing in a token is random, and the wall clock is not in it."""
    assert sign() == sign(LinkSigner(secrets=(OLD,)))


def test_a_link_is_good_until_its_time_is_over() -> None:
    """Good after exactly 72 hours, not a second later."""
    assert signer.read(sign(), purpose=PAY, now=NOW + timedelta(hours=72)).id == "link-1"

    error = refusal(sign(), after=timedelta(hours=72, seconds=1))
    assert (error.code, error.field, error.value, error.remedy) == (
        "link.expired",
        "token",
        "2026-11-22T09:00:00+00:00",
        "ask for a fresh link",
    )


@pytest.mark.parametrize("at", range(len(sign())))
def test_a_changed_token_is_refused(at: int) -> None:
    """Whichever character is changed; and the error doesn't show the token."""
    token = sign()
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    if changed[-1] != token[-1] and at == len(token) - 1:
        # The last character of 32 bytes in base64 has two bits that mean nothing.
        changed = token[:at] + "_"

    error = refusal(changed)

    assert error.code in {"link.bad_signature", "link.malformed"}
    assert (error.field, error.value) == ("token", None)
    assert token not in str(error)
    assert "open the link from the message again" in error.remedy


def test_a_link_is_good_for_its_purpose_alone() -> None:
    """A link to the payment page cancels nothing."""
    error = refusal(sign(), purpose="cancel")

    assert (error.code, error.field, error.value) == ("link.bad_signature", "token", None)
    assert error.remedy.startswith("open the link from the message again; a secret is kept until")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c.d", "..", "a.b.c\n", "ä.b.c", "a.b." + "c" * 2048]
)
def test_what_is_no_token_is_called_malformed(token: str) -> None:
    """A cut, empty or huge token is refused before anything is computed."""
    error = refusal(token)

    assert (error.code, error.field, error.value, error.remedy) == (
        "link.malformed",
        "token",
        None,
        "open the link from the message again, uncut",
    )


def test_a_change_of_secrets_breaks_no_link() -> None:
    """While both are listed, old links are read; the new secret signs; then the old one goes."""
    before, both, after = sign(), LinkSigner(secrets=(OLD, NEW)), LinkSigner(secrets=(NEW,))

    assert both.read(before, purpose=PAY, now=NOW).id == "link-1"
    assert after.read(sign(both), purpose=PAY, now=NOW).id == "link-1"
    with pytest.raises(InvalidInput) as caught:
        after.read(before, purpose=PAY, now=NOW)
    assert caught.value.code == "link.bad_signature"


@pytest.mark.parametrize(
    ("secrets", "shortest"),
    [((), 0), (("s" * 31,), 31), ((OLD, "ä" * 15), 30), ("s" * 31, 31)],
    ids=["none", "short", "one of two short", "a bare text"],
)
def test_a_weak_secret_is_refused(secrets: tuple[str, ...], shortest: int) -> None:
    """The error says how long the shortest is, and never the secret."""
    with pytest.raises(ConfigurationError) as caught:
        LinkSigner(secrets=secrets)

    error = caught.value
    assert (error.code, error.field, error.value) == ("link.weak_secret", "secrets", shortest)
    assert "secrets.token_urlsafe(32)" in error.remedy
    assert "sss" not in repr(LinkSigner(secrets=("s" * 32,)))


def test_a_bare_text_is_one_secret() -> None:
    """``secrets="..."`` is not a list of single letters."""
    assert sign(LinkSigner(secrets=OLD)) == sign()


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(days=7, seconds=1)])
def test_a_link_lives_a_week_at_most(ttl: timedelta) -> None:
    """Neither no time nor more than seven days."""
    with pytest.raises(ConfigurationError) as caught:
        LinkSigner(secrets=(OLD,), ttl=ttl)

    error = caught.value
    assert (error.code, error.field, error.value) == ("link.bad_ttl", "ttl", ttl)
    assert error.remedy == "use a time of up to 7 days; a later message brings a fresh link"
    assert LinkSigner(secrets=(OLD,), ttl=timedelta(days=7)).ttl == timedelta(days=7)


def test_a_naive_time_is_refused() -> None:
    """Neither signing nor reading guesses a zone."""
    naive = NOW.replace(tzinfo=None)
    for call in (
        lambda: signer.sign("link-1", tenant=ACME, purpose=PAY, now=naive),
        lambda: signer.read(sign(), purpose=PAY, now=naive),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert (caught.value.code, caught.value.field) == ("time.naive", "now")


def test_the_room_loads_nothing_it_does_not_use_yet() -> None:
    """Importing messages, a messenger and links loads no template engine and no signer."""
    probe = (
        "import sys, retainkit.messages, retainkit.messages.console, retainkit.messages.links\n"
        "print(*({'babel', 'itsdangerous', 'jinja2', 'moneyed', 'smtplib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)

    assert done.stdout.split() == []
