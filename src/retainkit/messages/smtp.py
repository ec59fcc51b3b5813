"""Messages sent by SMTP with the standard library, one connection each; nothing is retried here."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from typing import Final

from attrs import Attribute, field, frozen
from attrs.validators import optional

from retainkit.core import NotSent, Unknown
from retainkit.errors import ConfigurationError
from retainkit.messages._letters import (
    Mailbox,
    mailbox_field,
    message_id,
    read_mailbox,
    sender_mailbox,
)
from retainkit.messages._message import Message, Rejected, SendOutcome, Sent


__all__ = ["SmtpMessenger", "Tls"]

_POLICY: Final = SMTP.clone(cte_type="7bit")  # no server has to know 8BITMIME
_GO_AHEAD: Final = 354
_ABOUT_THE_LOGIN: Final = frozenset({530, 534, 535, 538})  # RFC 4954, section 6


class Tls(StrEnum):
    """
    How the connection is encrypted.

    ``starttls`` turns to TLS before anything is said, as a rule on port 587, and sends nothing
    when the server does not offer it; ``implicit`` is TLS from the first byte, as a rule on port
    465; ``none`` is for a relay on the same machine.
    """

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _tls(value: str) -> Tls:
    try:
        return Tls(value)
    except ValueError as exc:
        raise ConfigurationError(
            "There is no such way to encrypt a connection",
            code="smtp.bad_tls",
            field="tls",
            value=value,
            remedy=f"use one of: {', '.join(Tls)}",
        ) from exc


def _verifying(
    messenger: object,
    attribute: Attribute[ssl.SSLContext | None],
    context: ssl.SSLContext | None,
) -> None:
    del messenger
    if context is None or (context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname):
        return
    raise ConfigurationError(
        "This TLS context does not check whom it talks to",
        code="smtp.unverified_tls",
        field=attribute.name,
        value=context.verify_mode.name,
        remedy="start from ssl.create_default_context(cafile=...) and leave its checks on",
    )


def _some_time(messenger: object, attribute: Attribute[timedelta], value: timedelta) -> None:
    del messenger
    if value > timedelta(0):
        return
    raise ConfigurationError(
        "Without time to wait no server can answer",
        code="smtp.bad_timeout",
        field=attribute.name,
        value=value,
        remedy="use some seconds",
    )


@frozen(kw_only=True)
class SmtpMessenger:
    """
    Hands messages to a mail server, as text and HTML.

    ``Sent`` is the server's yes: it answers for the message from then on. ``NotSent`` may be tried
    again: no connection, no TLS, a failed login, a temporary refusal. ``Rejected`` is a refusal of
    this message or mailbox for good. From the moment the message itself is on its way, all but the
    server's yes is ``Unknown``: mail has no keys by which a second copy could be recognised.

    Args:
        host: The mail server; its certificate must bear this name.

        port: Where it listens.

        sender: ``Name <address>``.

        reply_to: Where answers go; the sender when None.

        tls: ``starttls``, ``implicit`` or ``none``.

        username: Who logs in; nobody does when None.

        password: Of the login.

        timeout: The longest wait for each answer of the server.

        context: How certificates are checked; against the system's authorities when None.

        client: The name to greet the server with; the machine's own when None.

    Raises:
        InvalidInput: ``message.bad_sender``.

        ConfigurationError: ``smtp.bad_tls``, ``smtp.bad_timeout``, ``smtp.unverified_tls``,
            ``smtp.login_not_ascii``, and ``smtp.plain_password`` for a login without TLS.
    """

    host: str
    port: int = 587
    sender: str = field(validator=mailbox_field)
    reply_to: str | None = field(default=None, validator=optional(mailbox_field))
    tls: Tls = field(default=Tls.STARTTLS, converter=_tls)
    username: str | None = None
    password: str = field(default="", repr=False)
    timeout: timedelta = field(default=timedelta(seconds=10), validator=_some_time)
    context: ssl.SSLContext | None = field(default=None, validator=_verifying, repr=False)
    client: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.username is None:
            return
        if self.tls is Tls.NONE:
            raise ConfigurationError(
                "A password is not sent in the clear",
                code="smtp.plain_password",
                field="tls",
                value=self.tls.value,
                remedy='use tls="starttls" or tls="implicit", or leave the username out',
            )
        if not f"{self.username}{self.password}".isascii():
            raise ConfigurationError(
                "Python's SMTP sends logins in ASCII alone",
                code="smtp.login_not_ascii",
                field="password",
                remedy="use a username and password of ASCII characters",
            )

    def send(self, message: Message, *, key: str) -> SendOutcome:
        """
        Send one message and wait for the server's answers.

        A recipient that is not one address in ASCII (but for its domain) is ``Rejected``.

        Raises:
            InvalidInput: ``message.bad_key``, ``message.bad_sender``; nothing was sent.
        """
        sender = sender_mailbox(message.sender, "sender")
        recipient = read_mailbox(message.to)
        if recipient is None:
            return Rejected(code="address")
        named = message_id(key, message.sender)
        letter = _letter(message, sender, recipient, key, named)
        try:
            with self._session() as session:
                refusal = _offer(session, sender.address, recipient.address)
                if refusal is not None:
                    return refusal
                return _hand_over(session, letter, named)
        except _Unreached as exc:
            return NotSent(reason=exc.reason)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is encrypted and logged in as configured, closed in the end."""
        session: smtplib.SMTP | None = None
        try:
            session = self._connected()
            session.ehlo_or_helo_if_needed()
            if self.tls is Tls.STARTTLS:
                session.starttls(context=self._checks())
            if self.username is not None:
                session.login(self.username, self.password)
        except OSError as exc:  # smtplib's and ssl's errors are OSErrors too
            if session is not None:
                session.close()
            raise _Unreached(_what_went_wrong(exc)) from exc
        try:
            yield session
        finally:
            with suppress(OSError):
                session.quit()
            session.close()

    def _connected(self) -> smtplib.SMTP:
        seconds = self.timeout.total_seconds()
        if self.tls is Tls.IMPLICIT:
            return smtplib.SMTP_SSL(
                self.host, self.port, self.client, timeout=seconds, context=self._checks()
            )
        return smtplib.SMTP(self.host, self.port, self.client, timeout=seconds)

    def _checks(self) -> ssl.SSLContext:
        return self.context or ssl.create_default_context()


class _Unreached(Exception):
    """The server can't be talked to as configured; nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = reason


def _what_went_wrong(exc: OSError) -> str:
    match exc:
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return f"smtp.login.{code}"
        case smtplib.SMTPResponseException(smtp_code=code):
            return f"smtp.connect.{code}"
        case smtplib.SMTPNotSupportedError():
            return "smtp.not_offered"
        case ssl.SSLCertVerificationError():
            return "smtp.certificate"
        case ssl.SSLError():
            return "smtp.tls"
        case _:
            return "smtp.connect"


def _offer(session: smtplib.SMTP, sender: str, recipient: str) -> NotSent | Rejected | None:
    """Everything before the message itself; None when the server wants to have it."""
    steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
        ("mail", lambda: session.mail(sender)),
        ("rcpt", lambda: session.rcpt(recipient)),
        ("data", lambda: session.docmd("DATA")),
    )
    for name, ask in steps:
        try:
            code, _ = ask()
        except OSError as exc:
            raise _Unreached(f"smtp.{name}") from exc
        if code == _GO_AHEAD or (name != "data" and _is_yes(code)):
            continue
        if _is_no(code) and code not in _ABOUT_THE_LOGIN:
            return Rejected(code=str(code))
        return NotSent(reason=f"smtp.{name}.{code}")
    return None


def _hand_over(session: smtplib.SMTP, letter: bytes, named: str) -> SendOutcome:
    """
    Send the letter itself. A reply proves what happened; only silence leaves it unknown.

    RFC 5321, 4.2.5: after a reply of 4yz or 5yz the server must not deliver.
    """
    try:
        session.send(letter)
        code, _ = session.getreply()
    except OSError:
        return Unknown(reason="smtp.sending")
    if _is_yes(code):
        return Sent(message_id=named)
    if _is_no(code):
        return Rejected(code=str(code))
    reason = f"smtp.sending.{code}"
    return NotSent(reason=reason) if _is_later(code) else Unknown(reason=reason)


def _is_yes(code: int) -> bool:
    return code // 100 == 2  # noqa: PLR2004 - RFC 5321, 4.2.1: the first digit


def _is_later(code: int) -> bool:
    return code // 100 == 4  # noqa: PLR2004 - RFC 5321, 4.2.1


def _is_no(code: int) -> bool:
    return code // 100 == 5  # noqa: PLR2004 - RFC 5321, 4.2.1


def _letter(message: Message, sender: Mailbox, recipient: Mailbox, key: str, named: str) -> bytes:
    """The message as it goes over the wire, with the dots RFC 5321, 4.5.2 asks for."""
    letter = EmailMessage(policy=_POLICY)
    letter.set_content(message.text)
    letter.add_alternative(message.html, subtype="html")
    letter.set_boundary(f"=_{key}")  # "=_" is in no quoted-printable and no base64 text
    letter["From"] = _header(sender)
    letter["To"] = _header(recipient)
    if message.reply_to is not None:
        letter["Reply-To"] = _header(sender_mailbox(message.reply_to, "reply_to"))
    letter["Subject"] = message.subject
    letter["Date"] = datetime.now(UTC)
    letter["Message-ID"] = named
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = message.locale
    return re.sub(rb"(?m)^\.", b"..", letter.as_bytes()).rstrip(b"\r\n") + b"\r\n.\r\n"


def _header(mailbox: Mailbox) -> Address:
    local, _, domain = mailbox.address.rpartition("@")
    return Address(mailbox.name, local, domain)
