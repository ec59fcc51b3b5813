"""What every letter carries whoever delivers it: its id and the addresses in it."""

from __future__ import annotations

import re

from attrs import Attribute, frozen

from retainkit.errors import InvalidInput


_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>|(?P<bare>[^<>]+)")
_LONGEST = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
)


@frozen(kw_only=True)
class Mailbox:
    """
    One mail address, with the name beside it.

    Args:
        name: Empty when there is none.

        address: The domain in ASCII.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def read_mailbox(written: str) -> Mailbox | None:
    """
    What ``Name <address>`` or a bare address says; None when it isn't exactly one address.

    A local part beyond ASCII is none: few servers take it (RFC 6531).
    """
    parts = _MAILBOX.fullmatch(written)
    if parts is None or not written.isprintable():
        return None
    local, at, domain = (parts["address"] or parts["bare"]).strip().rpartition("@")
    try:
        address = f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        return None
    return Mailbox(name=(parts["name"] or "").strip().strip('"'), address=address)


def sender_mailbox(sender: str, field: str) -> Mailbox:
    """
    Whom a messenger writes as.

    Raises:
        InvalidInput: ``message.bad_sender``.
    """
    read = read_mailbox(sender)
    if read is not None:
        return read
    raise InvalidInput(
        "This is not one mail address",
        code="message.bad_sender",
        field=field,
        value=sender,
        remedy='write it like "Acme <billing@acme.example>"',
    )


def mailbox_field(instance: object, attribute: Attribute[str], value: str) -> None:
    """:func:`sender_mailbox` for attrs."""
    del instance
    sender_mailbox(value, attribute.name)


def message_id(key: str, sender: str) -> str:
    """
    The Message-ID of a key: the same key always gives the same one, so that doubles show.

    Raises:
        InvalidInput: ``message.bad_key``, ``message.bad_sender``.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", key):
        raise InvalidInput(
            "A message's key is made of letters, digits, hyphens, underscores and single dots",
            code="message.bad_key",
            field="key",
            value=key,
            remedy="pass the key of the effect",
        )
    return f"<{key}@{sender_mailbox(sender, 'sender').domain}>"
