"""Sockets: an HTTP server on loopback that can also fall silent or reset a connection."""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

from retainkit.testing.stripe_server._api import Api, Cut, Request, Response
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._pages import HtmlAnswer


LOOPBACK = "127.0.0.1"
"""The only address the server listens on."""

LARGEST_BODY = 1_000_000
"""Bytes of a request's body that are read at most."""

_PAGES = ("/checkout/", "/portal/", "/invoice/")


class Listener(ThreadingHTTPServer):
    """The listening socket; a thread per connection, none outlives the server."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        *,
        page: Callable[[Request], HtmlAnswer],
        control: Callable[[Request], JsonObject],
    ) -> None:
        super().__init__((LOOPBACK, port), _Connection)
        self.api: Api
        self.page = page
        self.control = control
        self.closing = Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the plan; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "retainkit-stripe"
    sys_version = ""
    server: Listener
    # One answer is one write; without this, Nagle and delayed ACKs add 40 ms to each.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are kept by the API."""

    def _serve(self) -> None:
        if self.server.closing.is_set():
            # A kept-alive connection must not outlive the server.
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self._send(413, b"", "text/plain", {"Connection": "close"})
            return
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length).decode("utf-8", "replace"),
        )
        if request.path.startswith("/_test/"):
            self._send_json(Response(status=200, body=self.server.control(request), headers={}))
        elif request.path.startswith(_PAGES):
            page = self.server.page(request)
            headers = {} if page.location is None else {"Location": page.location}
            self._send(page.status, page.html.encode(), "text/html; charset=utf-8", headers)
        else:
            response = self.server.api.handle(request)
            self._cut(response.cut) if response.cut else self._send_json(response)

    def _send_json(self, response: Response) -> None:
        body = json.dumps(response.body, indent=2).encode()
        self._send(response.status, body, "application/json", response.headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cut(self, cut: Cut) -> None:
        self.close_connection = True
        if cut is Cut.RESET:
            # A zero linger makes the close a reset rather than a polite end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()
            return
        while not self.server.closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable:
                return
