"""A message ready to go, what becomes of it, what a messenger must do; no transport is here."""

from __future__ import annotations

import re
from typing import Protocol, TypeAlias

from attrs import Attribute, field, frozen
from attrs.validators import optional

from retainkit.core import NotSent, Unknown
from retainkit.errors import InvalidInput


_BREAK = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def one_line(value: str, name: str) -> None:
    """Refuse what would start another header; the value may be personal and is not shown."""
    broken = _BREAK.search(value)
    if broken is None:
        return
    raise InvalidInput(
        "A header is one line",
        code="message.header_injection",
        field=name,
        value=broken.group(),
        remedy="remove line breaks and control characters",
    )


def one_line_field(instance: object, attribute: Attribute[str], value: str) -> None:
    """:func:`one_line` for attrs."""
    del instance
    one_line(value, attribute.name)


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

        locale: The language it is written in as BCP 47 has it (``de-AT``), for Content-Language.

    Raises:
        InvalidInput: ``message.header_injection``: a line break or control character in a header.
    """

    to: str = field(repr=False, validator=one_line_field)
    sender: str = field(validator=one_line_field)
    subject: str = field(repr=False, validator=one_line_field)
    text: str = field(repr=False)
    html: str = field(repr=False)
    reply_to: str | None = field(default=None, validator=optional(one_line_field))
    locale: str = field(default="en", validator=one_line_field)


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
