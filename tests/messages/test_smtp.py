"""Stories of mail servers: willing, refusing, silent, gone; each a real one on a socket."""

from __future__ import annotations

import email
import socket
import ssl
import subprocess
from asyncio import Server
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage, MIMEPart
from email.policy import default
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import evolve
from tests.messages.conftest import LINK, Write

from retainkit.core import NotSent, Unknown
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.messages import Message, Messenger, Rejected, SendOutcome, Sent
from retainkit.messages.smtp import SmtpMessenger, Tls


SENDER = "Müller & Söhne, Acme <billing@acme.example>"
SHORT = timedelta(milliseconds=300)


class Postbox:
    """Takes every mail and keeps it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        self.mails.append(email.message_from_bytes(content, policy=default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 Taken"


def plain(port: int, timeout: timedelta = timedelta(seconds=5)) -> SmtpMessenger:
    return SmtpMessenger(
        host="127.0.0.1", port=port, sender=SENDER, tls="none", timeout=timeout, client="tests"
    )


def send(messenger: SmtpMessenger, message: Message, key: str = "rk_1") -> SendOutcome:
    return messenger.send(evolve(message, sender=messenger.sender), key=key)


@pytest.fixture(name="postbox")
def _postbox() -> Iterator[tuple[Postbox, int]]:
    box = Postbox()
    with running(OnAnyPort(box, hostname="127.0.0.1", port=0)) as port:
        yield box, port


class OnAnyPort(Controller):
    """The system chooses the port."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types


@contextmanager
def running(controller: Controller) -> Iterator[int]:
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


# ------------------------------------------------------------------------------- what arrives


def test_a_german_letter_arrives_whole(write: Write, postbox: tuple[Postbox, int]) -> None:
    """Umlauts, amounts, both forms, and the headers by which programs know an automatic letter."""
    box, port = postbox
    messenger: Messenger = plain(port)
    written = evolve(write(reply_to="Hilfe <hilfe@acme.example>"), sender=SENDER)

    outcome = messenger.send(written, key="rk_5f2c-1")

    assert outcome == Sent(message_id="<rk_5f2c-1@acme.example>")
    (mail,) = box.mails
    assert box.envelopes == [("billing@acme.example", ["joerg@kunde.example"])]
    assert {
        name: str(mail[name])
        for name in (
            "From", "To", "Reply-To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language"
        )
    } == {
        "From": '"Müller & Söhne, Acme" <billing@acme.example>',
        "To": "joerg@kunde.example",
        "Reply-To": "Hilfe <hilfe@acme.example>",
        "Subject": "Deine Zahlung an Acme hat nicht geklappt",
        "Message-ID": "<rk_5f2c-1@acme.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "de",
    }  # fmt: skip
    assert abs(mail["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert _read(text) == written.text
    assert _read(html).rstrip() == written.html.rstrip()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert LINK in _read(text)


def _read(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def test_the_wire_carries_seven_bits_and_short_lines(
    write: Write, postbox: tuple[Postbox, int]
) -> None:
    """Any server passes it on unchanged: ASCII, CRLF, no line above 998 characters."""
    box, port = postbox

    send(plain(port), write())

    (raw,) = box.raw
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_line_with_a_dot_stays_a_line_with_a_dot(
    write: Write, postbox: tuple[Postbox, int]
) -> None:
    """A lone dot in a text doesn't end the letter."""
    box, port = postbox
    message = evolve(write(), text="one\n.\n..two\n.three\n")

    assert isinstance(send(plain(port), message), Sent)

    text, _ = box.mails[0].iter_parts()
    assert _read(text) == "one\n.\n..two\n.three\n"


def test_the_same_key_gives_the_same_message_id(write: Write, postbox: tuple[Postbox, int]) -> None:
    """A double, should one ever happen, can be told by its id."""
    box, port = postbox

    for _ in range(2):
        send(plain(port), write(), key="rk_7")
    send(plain(port), write(), key="rk_8")

    first, second, third = (mail["Message-ID"] for mail in box.mails)
    assert first == second != third


def test_a_domain_with_umlauts_is_written_in_ascii(
    write: Write, postbox: tuple[Postbox, int]
) -> None:
    """``müller.example`` has a form every server knows."""
    box, port = postbox

    send(plain(port), evolve(write(), to="info@müller.example"))

    assert box.envelopes[0][1] == ["info@xn--mller-kva.example"]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "joerg",
        "a@b.example, c@d.example",
        "<a@b.example> b",
        "jörg@kunde.example",
        "a@kunde..example",
        "a@" + "x" * 64 + ".example",
        "a" * 250 + "@kunde.example",
        "a b@c.d",
    ],
)
def test_what_is_no_mailbox_is_rejected_before_connecting(write: Write, to: str) -> None:
    """One recipient, one letter; a list of them is refused like a typo."""
    nobody_listens = plain(1)

    assert send(nobody_listens, evolve(write(), to=to)) == Rejected(code="address")


def test_a_key_that_would_break_a_header_is_refused(write: Write) -> None:
    """Nothing is sent, and the key is shown."""
    with pytest.raises(InvalidInput) as caught:
        send(plain(1), write(), key="rk\r\nBcc: x@y.example")

    assert (caught.value.code, caught.value.field) == ("message.bad_key", "key")


# --------------------------------------------------------------------------- when it goes wrong


class Conversation:
    """A server that answers from a list, one reply a line it is told; then it acts."""

    def __init__(self, replies: list[str], then: str, *, reset: bool) -> None:
        self.heard: list[bytes] = []
        self._replies, self._then, self._reset = replies, then, reset
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer, peer.makefile("rb") as lines, suppress(OSError):
            in_letter = False
            for reply in self._replies:
                peer.sendall(reply.encode() + b"\r\n")
                in_letter = reply.startswith("354")
                for line in lines:
                    self.heard.append(line)
                    if not in_letter or line == b".\r\n":
                        break
            if self._then == "silence":
                while lines.readline():
                    pass
            elif self._then:
                peer.sendall(self._then.encode() + b"\r\n")
                lines.readline()
            if self._reset:
                peer.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                )

    def close(self) -> None:
        self._listener.close()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


@contextmanager
def server(replies: list[str], then: str = "", *, reset: bool = False) -> Iterator[Conversation]:
    conversation = Conversation(replies, then, reset=reset)
    try:
        yield conversation
    finally:
        conversation.close()


HELLO, MAIL, RCPT, DATA = "220 mx ready", "250 mx", "250 sender ok", "250 recipient ok"
GO = "354 go ahead"
STAGES = {
    "greeting": [],
    "ehlo": [HELLO],
    "mail": [HELLO, MAIL],
    "rcpt": [HELLO, MAIL, RCPT],
    "data": [HELLO, MAIL, RCPT, DATA],
    "letter": [HELLO, MAIL, RCPT, DATA, GO],
}


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        ("greeting", "421 busy", NotSent(reason="smtp.connect.421")),
        ("greeting", "554 not you", NotSent(reason="smtp.connect.554")),
        ("mail", "451 later", NotSent(reason="smtp.mail.451")),
        ("mail", "550 no such sender", Rejected(code="550")),
        ("mail", "530 log in first", NotSent(reason="smtp.mail.530")),
        ("rcpt", "450 greylisted", NotSent(reason="smtp.rcpt.450")),
        ("rcpt", "452 full", NotSent(reason="smtp.rcpt.452")),
        ("rcpt", "550 no such mailbox", Rejected(code="550")),
        ("rcpt", "nonsense", NotSent(reason="smtp.rcpt.-1")),
        ("data", "451 later", NotSent(reason="smtp.data.451")),
        ("data", "554 no", Rejected(code="554")),
        ("data", "250 what?", NotSent(reason="smtp.data.250")),
        ("letter", "250 taken", Sent(message_id="<rk_1@acme.example>")),
        ("letter", "451 later", NotSent(reason="smtp.sending.451")),
        ("letter", "554 spam", Rejected(code="554")),
        ("letter", "nonsense", Unknown(reason="smtp.sending.-1")),
    ],
)
def test_a_reply_at_each_command(
    write: Write, stage: str, reply: str, expected: SendOutcome
) -> None:
    """Before the letter a refusal is certain; once it is on its way only a yes is."""
    with server(STAGES[stage], reply) as mx:
        outcome = send(plain(mx.port), write())

    assert outcome == expected


def test_a_server_that_knows_only_helo_is_spoken_to(write: Write) -> None:
    """RFC 5321 asks clients to fall back; a server that knows neither is not used."""
    with server([HELLO, "502 what?", MAIL, RCPT, DATA, GO], "250 taken") as old:
        assert send(plain(old.port), write()) == Sent(message_id="<rk_1@acme.example>")
    with server([HELLO, "502 what?"], "502 what?") as odd:
        assert send(plain(odd.port), write()) == NotSent(reason="smtp.connect.502")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fault", ["closed", "reset", "silence"])
def test_a_lost_connection_at_each_command(write: Write, stage: str, fault: str) -> None:
    """Closed, reset, or silent for too long: before the letter NotSent, from then on Unknown."""
    with server(
        STAGES[stage], "silence" if fault == "silence" else "", reset=fault == "reset"
    ) as mx:
        outcome = send(plain(mx.port, timeout=SHORT), write())

    if stage == "letter":
        assert outcome == Unknown(reason="smtp.sending")
    else:
        reason = {"greeting": "smtp.connect", "ehlo": "smtp.connect"}.get(stage, f"smtp.{stage}")
        assert outcome == NotSent(reason=reason)
        assert not any(b"Subject" in line for line in mx.heard)


def test_nobody_listening_is_not_sent(write: Write) -> None:
    """A refused connection, and a host nobody knows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert send(plain(port), write()) == NotSent(reason="smtp.connect")
    unknown = evolve(plain(port), host="mx.invalid")
    assert send(unknown, write()) == NotSent(reason="smtp.connect")


def test_a_server_that_does_not_say_goodbye_has_still_taken_the_letter(write: Write) -> None:
    """What happens at QUIT changes nothing: the yes was said."""
    with server([*STAGES["letter"], "250 taken"], reset=True) as mx:
        assert send(plain(mx.port), write()) == Sent(message_id="<rk_1@acme.example>")


# ------------------------------------------------------------------------------------ encryption


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for ``localhost`` and its key, of an authority nobody knows."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path) + ".crt",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(str(path) + ".crt").read_text())
    return path


def _serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data == LoginPassword(b"acme", b"s3cret"), handled=False)


@contextmanager
def encrypted(certificate: Path, tls: Tls) -> Iterator[tuple[Postbox, int]]:
    """A server on localhost that wants TLS and, after STARTTLS, a login."""
    box = Postbox()
    context = _serving(certificate)
    implicit = tls is Tls.IMPLICIT
    controller = OnAnyPort(
        box,
        hostname="127.0.0.1",
        port=0,
        ssl_context=context if implicit else None,
        tls_context=None if implicit else context,
        require_starttls=not implicit,
        authenticator=_login,
        auth_required=not implicit,  # aiosmtpd looks for STARTTLS alone before a login
    )
    with running(controller) as port:
        yield box, port


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


Build = Callable[[int], SmtpMessenger]


def secure(port: int, tls: Tls, context: ssl.SSLContext | None, **changes: str) -> SmtpMessenger:
    return SmtpMessenger(
        host=changes.get("host", "localhost"),
        port=port,
        sender=SENDER,
        tls=tls.value,
        username="acme" if tls is Tls.STARTTLS else None,
        password=changes.get("password", "s3cret"),
        context=context,
        timeout=timedelta(seconds=5),
        client="tests",
    )


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_letter_goes_through_an_encrypted_connection(
    write: Write, certificate: Path, tls: Tls
) -> None:
    """Encrypted, checked, taken; after STARTTLS, logged in as well."""
    with encrypted(certificate, tls) as (box, port):
        outcome = send(secure(port, tls, trusting(certificate)), write())

    assert outcome == Sent(message_id="<rk_1@acme.example>")
    assert len(box.mails) == 1


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_server_nobody_vouches_for_gets_nothing(
    write: Write, certificate: Path, tls: Tls
) -> None:
    """An unknown authority, or a certificate for another name: neither login nor letter."""
    with encrypted(certificate, tls) as (box, port):
        unknown = send(secure(port, tls, None), write())
        other_name = send(secure(port, tls, trusting(certificate), host="127.0.0.1"), write())

    assert unknown == other_name == NotSent(reason="smtp.certificate")
    assert box.mails == []


def test_a_wrong_password_is_nobodys_message_at_fault(write: Write, certificate: Path) -> None:
    """The letter waits until the login is put right; it is not refused for good."""
    with encrypted(certificate, Tls.STARTTLS) as (box, port):
        messenger = secure(port, Tls.STARTTLS, trusting(certificate), password="wrong")
        outcome = send(messenger, write())

    assert outcome == NotSent(reason="smtp.login.535")
    assert box.mails == []


def test_a_server_without_tls_gets_nothing(write: Write, postbox: tuple[Postbox, int]) -> None:
    """Who removes STARTTLS from the conversation reads neither the login nor the letter."""
    box, port = postbox

    starttls = send(evolve(plain(port), tls="starttls"), write())
    implicit = send(evolve(plain(port), tls="implicit"), write())

    assert starttls == NotSent(reason="smtp.not_offered")
    assert implicit == NotSent(reason="smtp.tls")
    assert box.mails == []


# -------------------------------------------------------------------------------- configuration


def refusal(build: Callable[[], SmtpMessenger]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        build()
    return caught.value


def test_a_password_never_travels_in_the_clear() -> None:
    """A login without TLS is refused when the messenger is built; and no repr shows a password."""
    error = refusal(lambda: evolve(plain(25), username="acme", password="s3cret"))

    assert (error.code, error.field, error.value) == ("smtp.plain_password", "tls", "none")
    assert error.remedy == 'use tls="starttls" or tls="implicit", or leave the username out'
    assert "s3cret" not in repr(secure(587, Tls.STARTTLS, None))


def test_certificates_are_always_checked() -> None:
    """A context that checks nothing, or not the name, is refused."""
    careless = ssl.create_default_context()
    careless.check_hostname = False
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE

    for context, mode in ((careless, "CERT_REQUIRED"), (blind, "CERT_NONE")):
        error = refusal(lambda context=context: evolve(plain(25), context=context))  # type: ignore[misc]

        assert (error.code, error.field, error.value) == ("smtp.unverified_tls", "context", mode)
        assert error.remedy.startswith("start from ssl.create_default_context(cafile=...)")


def test_an_unknown_way_to_encrypt_is_refused() -> None:
    """A typo doesn't become a connection in the clear."""
    error = refusal(lambda: evolve(plain(25), tls="ssl"))

    assert (error.code, error.field, error.value, error.remedy) == (
        "smtp.bad_tls",
        "tls",
        "ssl",
        "use one of: starttls, implicit, none",
    )


def test_a_timeout_is_some_time() -> None:
    """Zero would make the socket non-blocking, less is nothing."""
    error = refusal(lambda: plain(25, timeout=timedelta(0)))

    assert (error.code, error.field, error.value, error.remedy) == (
        "smtp.bad_timeout",
        "timeout",
        timedelta(0),
        "use some seconds",
    )


def test_a_login_that_cannot_be_sent_is_refused_at_once() -> None:
    """Python's smtplib encodes logins in ASCII; better to hear it now than at the first message."""
    error = refusal(lambda: evolve(plain(25), tls="starttls", username="acme", password="geheim-ß"))

    assert (error.code, error.field, error.value) == ("smtp.login_not_ascii", "password", None)
    assert error.remedy == "use a username and password of ASCII characters"
