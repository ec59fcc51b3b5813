"""The outside that reaches people: what a messenger must do, and the message it is given."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from attrs import field, frozen

from retainkit.core import NotSent, Unknown


__all__ = ["Message", "Messenger", "Rejected", "Sent", "SendOutcome"]


@frozen(kw_only=True)
class Message:
    """
    A rendered message, ready to go; never stored.

    Args:
        to: The address.

        sender: ``Name <address>``.

        subject: One line.

        text: The plain text.

        html: The same as accessible HTML.

        reply_to: Where answers go; the sender when None.

        locale: The language it is written in, for the Content-Language header.
    """

    to: str = field(repr=False)
    sender: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    reply_to: str | None = None
    locale: str = "en"


@frozen(kw_only=True)
class Sent:
    """
    The next server took responsibility.

    Args:
        message_id: The Message-ID it went out with.
    """

    message_id: str


@frozen(kw_only=True)
class Rejected:
    """
    Refused for good, such as an unknown mailbox.

    Args:
        code: The reply code, such as ``550``, or a short word.
    """

    code: str


SendOutcome: TypeAlias = Sent | Rejected | NotSent | Unknown


class Messenger(Protocol):
    """Sends one message; at most once, because mail has no keys."""

    @property
    def sender(self) -> str:
        """Who writes, as ``Name <address>``."""
        ...

    @property
    def reply_to(self) -> str | None:
        """Where answers go; the sender when None."""
        ...

    def send(self, message: Message, *, key: str) -> SendOutcome:
        """
        Hand the message over; ``key`` becomes part of the Message-ID.

        ``NotSent`` only when nothing can have been sent; anything after the message's data
        began is ``Unknown``.
        """
        ...
