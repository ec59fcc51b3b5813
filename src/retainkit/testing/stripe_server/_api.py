"""A request's way through the API: key, faults, idempotency, endpoint; no sockets here."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import Enum, auto
from threading import Condition
from urllib.parse import urlsplit

from attrs import evolve, frozen

from retainkit.testing.stripe_server import _errors as errors
from retainkit.testing.stripe_server._billing import run
from retainkit.testing.stripe_server._call import Call, Page, Settings
from retainkit.testing.stripe_server._errors import ApiError
from retainkit.testing.stripe_server._expand import answer, listing
from retainkit.testing.stripe_server._faults import Fault, take
from retainkit.testing.stripe_server._idempotency import Keys
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._params import Params, decode
from retainkit.testing.stripe_server._routes import Route, find
from retainkit.testing.stripe_server._state import State
from retainkit.testing.stripe_server._versions import render


class Cut(Enum):
    """How the connection ends when there is no answer."""

    SILENCE = auto()
    RESET = auto()


@frozen(kw_only=True)
class Request:
    """A request as it came in; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def form(self) -> str:
        """The encoded parameters, wherever they are."""
        query = urlsplit(self.target).query
        return "&".join(part for part in (query, self.body) if part)


@frozen(kw_only=True)
class Response:
    """An answer, or the way it is cut off."""

    status: int
    body: JsonObject
    headers: dict[str, str]
    cut: Cut | None = None


@frozen(kw_only=True)
class RequestRecord:
    """
    One request the API has seen.

    Args:
        status: The answer, `None` when nothing was executed and none was sent.

        replayed: Whether it was a kept answer.

        idempotency_key: The key that came with it.
    """

    method: str
    path: str
    status: int | None
    replayed: bool
    idempotency_key: str | None


_CUTS_BEFORE = {Fault.TIMEOUT_BEFORE: Cut.SILENCE, Fault.RESET_BEFORE: Cut.RESET}
_CUTS_AFTER = {Fault.TIMEOUT_AFTER: Cut.SILENCE, Fault.RESET_AFTER: Cut.RESET}


class Api:
    """The API over one state."""

    def __init__(self, state: State, settings: Settings, url: str) -> None:
        self.settings = settings
        self.seen: list[RequestRecord] = []
        self._state = state
        self._url = url
        self._keys = Keys(state)
        self._slow = Condition()
        self._held = 0
        self._releases = 0
        self._ended = False

    @property
    def held(self) -> int:
        """How many requests `Fault.SLOW` holds now."""
        with self._slow:
            return self._held

    def close(self) -> None:
        """Let the held requests go, unanswered and without effect."""
        self._ended = True
        self.release()

    def release(self) -> None:
        """Let the held requests go on."""
        with self._slow:
            self._releases += 1
            self._slow.notify_all()

    def handle(self, request: Request) -> Response:
        """Answer one request; blocks only for a slow one."""
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        with self._state.lock:
            number = self._state.new_id("req")
            run(self._state, self.settings, self._state.now)
            fault = take(self._state, request.method, request.path)
            try:
                self._check_key(request)
                early = self._fail_early(fault, key)
            except ApiError as error:
                return self._closed(request, self._refusal(error, number, request), key)
            if early is not None:
                return self._closed(request, early, key)
        return self._keyed(request, key, number, fault)

    def _keyed(
        self, request: Request, key: str | None, number: str, fault: Fault | None
    ) -> Response:
        if key is None:
            return self._executed(request, None, number, fault)
        with self._state.lock:
            try:
                kept = self._keys.begin(key, request.path, request.form)
            except ApiError as error:
                return self._closed(request, self._refusal(error, number, request), key)
            if kept is not None:
                headers = self._headers(number, request) | {
                    "Idempotent-Replayed": "true",
                    "Original-Request": kept["request"],
                }
                again = Response(status=kept["status"], body=kept["answer"], headers=headers)
                return self._closed(request, again, key, replayed=True)
        try:
            return self._executed(request, key, number, fault)
        finally:
            self._keys.end(key)

    def _executed(
        self, request: Request, key: str | None, number: str, fault: Fault | None
    ) -> Response:
        if fault is Fault.SLOW:
            self._hold()
        with self._state.lock:
            self._state.request = {"id": number, "idempotency_key": key}
            try:
                response, executed = self._run(request, number, fault)
            finally:
                self._state.request = {"id": None, "idempotency_key": None}
            if key is not None and executed:
                self._keys.keep(
                    key,
                    request.path,
                    request.form,
                    status=response.status,
                    answer=response.body,
                    request=number,
                )
            if fault in _CUTS_AFTER:
                response = evolve(response, cut=_CUTS_AFTER[fault])
            return self._closed(request, response, key)

    def _hold(self) -> None:
        with self._slow:
            before = self._releases
            self._held += 1
            self._slow.wait_for(lambda: self._releases > before)
            self._held -= 1
        if self._ended:
            raise ConnectionAbortedError

    def _run(self, request: Request, number: str, fault: Fault | None) -> tuple[Response, bool]:
        headers = self._headers(number, request)
        try:
            if fault is Fault.SERVER_ERROR_500:
                raise errors.server_error()
            body = self._endpoint(request)
            if fault is Fault.SERVER_ERROR_500_AFTER:
                raise errors.server_error()
        except ApiError as error:
            return self._refusal(error, number, request), error.executed
        return Response(status=200, body=body, headers=headers), True

    def _endpoint(self, request: Request) -> JsonObject:
        found: tuple[Route, tuple[str, ...]] | None = find(request.method, request.path)
        if found is None:
            raise errors.unknown_url(request.method, request.path)
        route, path = found
        params = Params(decode(request.form))
        params.only(route.fields)
        call = Call(
            state=self._state, settings=self.settings, url=self._url, path=path, params=params
        )
        version, expand = self._version(request), params.texts("expand")
        result = route.endpoint(call)
        if isinstance(result, Page):
            return listing(self._state, result, version, expand)
        return answer(self._state, result, version, expand)

    def _fail_early(self, fault: Fault | None, key: str | None) -> Response | None:
        match fault:
            case Fault.KEY_EXPIRED:
                raise errors.expired_key()
            case Fault.RATE_LIMIT_429:
                raise errors.rate_limited()
            case Fault.CONFLICT_409:
                raise errors.key_in_use(key or "")
            case Fault.TIMEOUT_BEFORE | Fault.RESET_BEFORE:
                return Response(status=0, body={}, headers={}, cut=_CUTS_BEFORE[fault])
            case _:
                return None

    def _check_key(self, request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            credentials = base64.b64decode(credentials).decode().partition(":")[0]
        if not credentials:
            raise errors.no_key()
        if credentials != self.settings.api_key:
            raise errors.bad_key(credentials)

    def _refusal(self, error: ApiError, number: str, request: Request) -> Response:
        version = self._version(request)
        body = {
            name: render(value, version) if isinstance(value, dict) and "object" in value else value
            for name, value in error.error.items()
        }
        body["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{number}"
        return Response(
            status=error.status,
            body={"error": body},
            headers=self._headers(number, request),
        )

    def _version(self, request: Request) -> str:
        return request.headers.get("stripe-version") or self.settings.api_version

    def _headers(self, number: str, request: Request) -> dict[str, str]:
        headers = {"Request-Id": number, "Stripe-Version": self._version(request)}
        key = request.headers.get("idempotency-key")
        return headers if key is None else {**headers, "Idempotency-Key": key}

    def _closed(
        self,
        request: Request,
        response: Response,
        key: str | None,
        *,
        replayed: bool = False,
    ) -> Response:
        self.seen.append(
            RequestRecord(
                method=request.method,
                path=request.path,
                status=response.status or None,
                replayed=replayed,
                idempotency_key=key,
            )
        )
        self._state.commit()
        return response
