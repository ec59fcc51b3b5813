"""Stories of the messenger that prints."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from tests.messages.conftest import LINK, Write

from retainkit.errors import InvalidInput
from retainkit.messages import Message, Messenger, Sent
from retainkit.messages.console import ConsoleMessenger


def test_the_console_shows_whom_what_and_the_link(write: Write) -> None:
    """A developer sees the letter as it would go out, and can click the link."""
    out = StringIO()
    messenger: Messenger = ConsoleMessenger(sender="Acme <billing@acme.example>", out=out)

    outcome = messenger.send(write(reply_to="help@acme.example"), key="rk_1")

    assert outcome == Sent(message_id="<rk_1@acme.example>")
    printed = out.getvalue().splitlines()
    assert printed[1:6] == [
        "From: Acme <billing@acme.example>",
        "To: joerg@kunde.example",
        "Reply-To: help@acme.example",
        "Subject: Deine Zahlung an Acme hat nicht geklappt",
        "Message-ID: <rk_1@acme.example>",
    ]
    assert LINK in printed


def test_it_prints_to_standard_output_unless_told(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo's reader sees the mails."""
    ConsoleMessenger(sender="billing@acme.example").send(write(), key="rk_1")

    printed = capsys.readouterr().out
    assert "Hallo Jörg," in printed
    assert "Reply-To" not in printed


def test_a_terminal_obeys_no_name() -> None:
    """Escape sequences in a text are shown as question marks; amounts keep their narrow spaces."""
    out = StringIO()
    message = Message(
        to="a@kunde.example", sender="billing@acme.example", subject="Hi",
        text="\x1b[2JJörg, 9\u00a0€\r\n", html="",
    )  # fmt: skip

    ConsoleMessenger(sender="billing@acme.example", out=out).send(message, key="rk_1")

    assert "?[2JJörg, 9\u00a0€?\n" in out.getvalue()


@pytest.mark.parametrize(
    "sender", ["", "Acme", "a@b.example, c@d.example", "Acme <a@b", "A\n <a@b.example>"]
)
def test_a_sender_is_one_mailbox(sender: str) -> None:
    """A sender who can't be answered is refused at once, not at the first failed payment."""
    right = "billing@acme.example"
    builders: dict[str, Callable[[], Messenger]] = {
        "sender": lambda: ConsoleMessenger(sender=sender),
        "reply_to": lambda: ConsoleMessenger(sender=right, reply_to=sender),
    }
    for field, build in builders.items():
        with pytest.raises(InvalidInput) as caught:
            build()

        error = caught.value
        assert (error.code, error.field, error.value) == ("message.bad_sender", field, sender)
        assert error.remedy == 'write it like "Acme <billing@acme.example>"'


@pytest.mark.parametrize("key", ["", "a b", "a\r\nBcc: x", "<a>", "a@b", ".a", "a..b"])
def test_a_key_can_be_part_of_a_message_id(write: Write, key: str) -> None:
    """What RFC 5322 doesn't allow there is refused, and nothing is printed."""
    out = StringIO()

    with pytest.raises(InvalidInput) as caught:
        ConsoleMessenger(sender="billing@acme.example", out=out).send(write(), key=key)

    error = caught.value
    assert (error.code, error.field, error.value) == ("message.bad_key", "key", key)
    assert error.remedy == "pass the key of the effect"
    assert out.getvalue() == ""
