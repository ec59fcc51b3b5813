"""The server as a process of its own: driven over HTTP, killed, and judged from its file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe
from tests.stripe_server.conftest import SECRET, Connect, Receiver

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.testing.stripe_server import StripeServer


class Process:
    """A running server process and its control endpoints."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        self.process = started
        assert started.stdout is not None
        ready = json.loads(started.stdout.readline())
        self.url: str = ready["url"]
        self.api_key: str = ready["api_key"]

    def control(self, name: str, **values: Any) -> dict[str, Any]:
        """Ask one of the control endpoints; values make it a POST."""
        request = urllib.request.Request(
            f"{self.url}/_test/{name}", data=json.dumps(values).encode() if values else None
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def serving(*options: str) -> Iterator[Process]:
    """A server process that is stopped afterwards."""
    command = [sys.executable, "-m", "retainkit.testing.stripe_server", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield Process(started)
        finally:
            started.terminate()
            started.wait(10)


def test_a_killed_server_remembers_what_it_answered(tmp_path: Path, connect: Connect) -> None:
    """After kill -9 the objects, the keys and the clock are as the last answer left them."""
    db = str(tmp_path / "stripe.db")
    options = ("--db", db, "--now", "2026-11-02T09:00:00+00:00")
    with serving(*options) as first:
        client = connect(first)
        customer = client.v1.customers.create({"name": "Ada"}).id
        first.control("payment_methods", customer=customer, card="visa")
        invoice = client.v1.invoices.create({"customer": customer, "currency": "eur"}).id
        client.v1.invoice_items.create(
            {"customer": customer, "invoice": invoice, "amount": 500, "currency": "eur"}
        )
        first.control("faults", path="/v1/invoices/{id}/pay", fault="reset_after")
        with pytest.raises(stripe.APIConnectionError):
            client.v1.invoices.pay(invoice, {}, {"idempotency_key": "key"})
        first.control("advance", seconds=60)
        first.process.kill()
        first.process.wait(10)

    with closing(sqlite3.connect(db)) as judge:
        rows = judge.execute("SELECT invoice, amount, idempotency_key FROM effective_charge")
        assert rows.fetchall() == [(invoice, 500, "key")]
    with serving(*options) as second:
        client = connect(second)
        paid = client.v1.invoices.pay(invoice, {}, {"idempotency_key": "key"})
        assert paid.status == "paid"
        assert len(second.control("charges")["charges"]) == 1
        assert second.control("requests")["requests"][-1]["replayed"] is True
        assert second.control("status")["now"] == "2026-11-02T09:01:00+00:00"
        other = client.v1.customers.create({"name": "Bob"}).id
        assert other != customer


def test_another_process_turns_the_clock_and_delivers(receiver: Receiver, connect: Connect) -> None:
    """Every control a test needs is there over HTTP, a wrong one says so."""
    with serving("--seed", "3", "--now", "2026-11-02T09:00:00+00:00") as process:
        client = connect(process)
        process.control("webhooks", url=receiver.url, secret=SECRET)
        customer = client.v1.customers.create({"name": "Ada"}).id
        method = process.control(
            "payment_methods", customer=customer, card="insufficient_funds", expires=[12, 2030]
        )["id"]
        process.control("behave", payment_method=method, card="lost_card")
        delivered = process.control("deliver", duplicate=1, shuffle=1)["deliveries"]
        assert len(delivered) == len(receiver.events) == 2 * len(set(map(str, receiver.events)))
        process.control("resend", event=receiver.events[0]["id"])
        assert len(process.control("deliver", delay=0)["deliveries"]) == 1
        assert "now" in process.control("advance", seconds=3600)
        assert "no such control" in process.control("dance")["error"]
        assert "KeyError" in process.control("advance", hours=1)["error"]
        assert (
            "No such test card"
            in (process.control("payment_methods", customer=customer, card="golden")["error"])
        )
        process.control("reset", everything=True)
        assert client.v1.customers.list().data == []


def test_a_port_that_is_taken_is_named() -> None:
    """The server says which port it can't have, in code and on the command line."""
    with StripeServer() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError) as caught:
            StripeServer(port=port)
        done = subprocess.run(
            [sys.executable, "-m", "retainkit.testing.stripe_server", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert caught.value.code == "stripe_server.port"
    assert caught.value.field == "port"
    assert caught.value.value == port
    assert "port=0" in caught.value.remedy
    assert done.returncode == 2
    assert "can't listen" in done.stderr


def test_time_only_goes_forward_and_knows_its_zone(server: StripeServer) -> None:
    """A negative span and a naive datetime are refused, and the clock stays."""
    from datetime import datetime, timedelta

    before = server.now
    with pytest.raises(InvalidInput) as backwards:
        server.advance(timedelta(seconds=-1))
    with pytest.raises(InvalidInput) as naive:
        StripeServer(now=datetime(2026, 1, 1))
    assert (backwards.value.code, backwards.value.field) == ("stripe_server.clock", "span")
    assert backwards.value.value == timedelta(seconds=-1)
    assert "zero or more" in backwards.value.remedy
    assert (naive.value.code, naive.value.field) == ("time.naive", "now")
    assert naive.value.value == datetime(2026, 1, 1)
    assert "aware" in naive.value.remedy
    assert server.now == before


def test_it_listens_on_loopback_only(server: StripeServer) -> None:
    """Nobody else on the network can reach it."""
    assert server.url.startswith("http://127.0.0.1:")
