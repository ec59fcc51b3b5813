"""VIES over HTTP: what it says of an id, and that its silence is neither valid nor invalid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from retainkit.billing.tax import VatIdStatus
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.taxes.simulated import SimulatedRegister
from retainkit.taxes.vies import ViesRegister


NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Vies(ThreadingHTTPServer):
    """Answers as VIES does; a test says what comes next and reads what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.body = b"{}"
        self.location: str | None = None
        self.length: int | None = None
        self.hang: Event | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/rest-api"

    def says(self, answer: object, status: int = 200) -> None:
        self.status, self.body = status, json.dumps(answer).encode()


class Handler(BaseHTTPRequestHandler):
    """One question."""

    server: Vies

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        if self.server.location is not None:
            self.send_header("Location", self.server.location)
        if self.server.length is not None:
            self.send_header("Content-Length", str(self.server.length))
        self.end_headers()
        self.wfile.write(self.server.body)
        if self.server.hang is not None:
            self.server.hang.wait(5)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def vies() -> Iterator[Vies]:
    server = Vies()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_registered_id_is_valid_and_the_question_is_proved(vies: Vies) -> None:
    """With the seller's own id, VIES gives a number for the consultation."""
    vies.says({"valid": True, "requestIdentifier": "WAPIAAAA1", "name": "---"})
    register = ViesRegister(requester="DE 136 695 976", base_url=vies.url)
    check = register.check("EL094259216", at=NOW)
    assert (check.status, check.consultation) == (VatIdStatus.VALID, "WAPIAAAA1")
    assert check.checked_at == NOW
    path, question = vies.asked[0]
    assert path == "/rest-api/check-vat-number"
    assert question == {
        "countryCode": "EL",
        "vatNumber": "094259216",
        "requesterMemberStateCode": "DE",
        "requesterNumber": "136695976",
    }


def test_an_unregistered_id_is_invalid(vies: Vies) -> None:
    """VIES says so, or says that it has the wrong form."""
    register = ViesRegister(base_url=vies.url)
    vies.says({"valid": False, "requestIdentifier": ""})
    assert register.check("DE136695976", at=NOW).status is VatIdStatus.INVALID
    vies.says({"actionSucceed": False, "errorWrappers": [{"error": "INVALID_INPUT"}]}, 400)
    assert register.check("DE1", at=NOW).status is VatIdStatus.INVALID


@pytest.mark.parametrize(
    "word", ["MS_UNAVAILABLE", "SERVICE_UNAVAILABLE", "TIMEOUT", "MS_MAX_CONCURRENT_REQ"]
)
@pytest.mark.parametrize("status", [200, 500])
def test_a_register_that_is_down_makes_nothing_valid(vies: Vies, word: str, status: int) -> None:
    """Nor invalid: the id waits, and the reason is kept."""
    vies.says({"actionSucceed": False, "errorWrappers": [{"error": word}]}, status)
    check = ViesRegister(base_url=vies.url).check("DE136695976", at=NOW)
    assert (check.status, check.detail) == (VatIdStatus.UNVERIFIED, word)


def test_a_no_for_want_of_an_answer_is_no_no(vies: Vies) -> None:
    """`valid: false` beside an outage of the state says nothing of the id."""
    vies.says({"valid": False, "userError": "MS_UNAVAILABLE"})
    check = ViesRegister(base_url=vies.url).check("DE136695976", at=NOW)
    assert (check.status, check.detail) == (VatIdStatus.UNVERIFIED, "MS_UNAVAILABLE")
    vies.says({"valid": False, "userError": "INVALID"})
    assert ViesRegister(base_url=vies.url).check("DE1", at=NOW).status is VatIdStatus.INVALID


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>", b"[]", b"[" * 60_000, b'{"valid": "yes"}', b"{}"]
)
def test_what_can_not_be_read_proves_nothing(vies: Vies, body: bytes) -> None:
    """A page of a proxy is no answer."""
    vies.body = body
    check = ViesRegister(base_url=vies.url).check("DE136695976", at=NOW)
    assert (check.status, check.detail) == (VatIdStatus.UNVERIFIED, "unreadable_answer")


def test_a_redirect_is_not_followed(vies: Vies) -> None:
    """The id goes to the address that was given, and to no other."""
    vies.status, vies.location = 302, f"{vies.url}/elsewhere"
    check = ViesRegister(base_url=vies.url).check("DE136695976", at=NOW)
    assert check.status is VatIdStatus.UNVERIFIED
    assert len(vies.asked) == 1


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_stops_half_way_is_unverified(vies: Vies, status: int) -> None:
    """Of an error as well: neither may break a checkout."""
    vies.status, vies.body, vies.length, vies.hang = status, b'{"va', 1000, Event()
    register = ViesRegister(base_url=vies.url, timeout=timedelta(milliseconds=200))
    check = register.check("DE136695976", at=NOW)
    vies.hang.set()
    assert (check.status, check.detail) == (VatIdStatus.UNVERIFIED, "TimeoutError")


def test_nobody_there_is_unverified() -> None:
    """A closed port is an outage."""
    register = ViesRegister(base_url="http://127.0.0.1:9", timeout=timedelta(seconds=1))
    assert register.check("DE136695976", at=NOW).status is VatIdStatus.UNVERIFIED


def test_an_id_without_its_prefix_can_not_be_asked_for() -> None:
    """VIES needs to know which state to ask."""
    with pytest.raises(InvalidInput) as caught:
        ViesRegister().check("136695976", at=NOW)
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.vat_id_prefix",
        "vat_id",
        "136695976",
    )
    assert caught.value.remedy


def test_ids_are_not_sent_unencrypted() -> None:
    """Only a server on this machine may be asked in the clear."""
    with pytest.raises(ConfigurationError) as caught:
        ViesRegister(base_url="http://vies.example")
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "vies.base_url",
        "base_url",
        "http://vies.example",
    )
    assert caught.value.remedy


def test_the_simulated_register_says_what_it_is_told() -> None:
    """For tests of the host's own checkout."""
    register = SimulatedRegister({"DE136695976": VatIdStatus.VALID})
    assert register.check("DE136695976", at=NOW).status is VatIdStatus.VALID
    assert register.check("DE999999999", at=NOW).status is VatIdStatus.INVALID
    register.down = True
    assert register.check("DE136695976", at=NOW).status is VatIdStatus.UNVERIFIED
