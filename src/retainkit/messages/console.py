"""Messages printed instead of sent: for the first minutes and for development; nothing leaves."""

from __future__ import annotations

import sys
from typing import TextIO

from attrs import field, frozen
from attrs.validators import optional

from retainkit.messages._letters import mailbox_field, message_id
from retainkit.messages._message import Message, Sent


__all__ = ["ConsoleMessenger"]


@frozen(kw_only=True)
class ConsoleMessenger:
    """
    Prints the text of each message, with its link; keeps nothing.

    Args:
        sender: ``Name <address>``.

        reply_to: Where answers would go; the sender when None.

        out: Where to print; standard output when None.

    Raises:
        InvalidInput: ``message.bad_sender``.
    """

    sender: str = field(validator=mailbox_field)
    reply_to: str | None = field(default=None, validator=optional(mailbox_field))
    out: TextIO | None = None

    def send(self, message: Message, *, key: str) -> Sent:
        """Print the message."""
        sent = Sent(message_id=message_id(key, message.sender))
        headers = {
            "From": message.sender,
            "To": message.to,
            "Reply-To": message.reply_to or "",
            "Subject": message.subject,
            "Message-ID": sent.message_id,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        letter = "\n".join((*lines, "", message.text))
        print(f"{'-' * 72}\n{_harmless(letter)}", file=self.out or sys.stdout, flush=True)
        return sent


def _harmless(letter: str) -> str:
    """The letter without what a terminal would obey; a name may hold anything."""
    return "".join(
        mark if mark.isprintable() or mark in "\n\u00a0\u202f" else "?" for mark in letter
    )
