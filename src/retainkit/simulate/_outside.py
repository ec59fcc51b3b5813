"""The pretend outside beside the provider: a mailbox, and customers who open what is in it."""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field

from retainkit.messages import Message, Sent


BASE_URL: Final = "https://app.example/billing"
"""Where pay links lead; nothing is ever loaded from there."""
_LINK: Final = re.compile(re.escape(BASE_URL) + r"/pay/([A-Za-z0-9_.=-]+)")


@define
class Mailbox:
    """A messenger that delivers to nobody, and keeps what it got until it is taken."""

    sender: str = "Acme <billing@acme.example>"
    reply_to: str | None = None
    _received: list[Message] = field(factory=list)

    def send(self, message: Message, *, key: str) -> Sent:
        """Keep the message."""
        self._received.append(message)
        return Sent(message_id=f"<{key}@acme.example>")

    def take(self) -> tuple[Message, ...]:
        """The messages since the last call, oldest first."""
        taken = tuple(self._received)
        self._received.clear()
        return taken


def pay_link(message: Message) -> str | None:
    """The token of the message's pay link; None when it has none."""
    found = _LINK.search(message.text)
    return None if found is None else found.group(1)
