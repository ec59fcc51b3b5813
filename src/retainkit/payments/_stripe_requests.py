"""One request to Stripe by its SDK, and what its answer means; which requests is not said here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from retainkit.core import NotSent, Unknown
from retainkit.errors import InvalidInput, ProviderError


if TYPE_CHECKING:
    from retainkit.payments._stripe_errors import Refusal


S = TypeVar("S", bound=BaseModel)
_NOTHING: Mapping[str, object] = MappingProxyType({})


class NoAnswerError(Exception):
    """A read that Stripe didn't answer; caught before it leaves the adapter."""

    def __init__(self, outcome: NotSent | Unknown) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class _Response(Protocol):
    data: object


class _Client(Protocol):
    def raw_request(self, method_: str, url_: str, **params: object) -> _Response: ...


class Requests:
    """
    Sends requests, each one once; makes an SDK client for each process that uses it.

    Args:
        api_key: The secret or restricted key.

        account: The ``seller`` that is the key's own account.

        base_url: Another address of the API.

        timeout: The limit of one request: a quarter for connecting, the rest for the answer.

        version: The API version.
    """

    def __init__(
        self, *, api_key: str, account: str, base_url: str | None, timeout: timedelta, version: str
    ) -> None:
        self._api_key = api_key
        self._account = account
        self._base_url = base_url
        self._timeout = timeout
        self._version = version
        self._client: tuple[int, _Client] | None = None

    def send(
        self,
        method: str,
        path: str,
        seller: str,
        params: Mapping[str, object] = _NOTHING,
        *,
        key: str | None = None,
    ) -> Mapping[str, object] | NotSent | Unknown | Refusal:
        """One request, never repeated by the SDK."""
        import stripe

        from retainkit.payments._stripe_errors import translate

        options: dict[str, object] = {}
        if key is not None:
            options["idempotency_key"] = key
        if seller != self._account:
            options["stripe_account"] = _connected(seller)
        try:
            answer = self._sdk().raw_request(method, path, **params, **options).data
        except stripe.StripeError as exc:
            meaning = translate(exc)
            if isinstance(meaning, ProviderError):
                raise meaning from exc
            return meaning
        return answer if isinstance(answer, Mapping) else Unknown(reason="unreadable_answer")

    def must_read(
        self, shape: type[S], path: str, seller: str, params: Mapping[str, object] = _NOTHING
    ) -> S:
        """The object at the path, which another object has named."""
        found = self.read(path, seller, params)
        if found is None:
            raise unreadable(path)
        return parsed(shape, found)

    def read(
        self, path: str, seller: str, params: Mapping[str, object] = _NOTHING
    ) -> Mapping[str, object] | None:
        """The object at the path; None when there is none."""
        answer = self.send("get", path, seller, params)
        if isinstance(answer, Mapping):
            return answer
        if isinstance(answer, NotSent | Unknown):
            raise NoAnswerError(answer)
        if answer.missing:
            return None
        raise ProviderError(
            "Stripe refused to show an object",
            code="stripe.refused",
            field="path",
            value=answer.code,
            remedy="check the API version and the account",
        )

    def _sdk(self) -> _Client:
        process = os.getpid()
        if self._client is not None and self._client[0] == process:
            return self._client[1]
        import stripe

        seconds = self._timeout.total_seconds()
        connecting, waiting = seconds / 4, seconds * 3 / 4
        client = stripe.StripeClient(
            self._api_key,
            stripe_version=self._version,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=(connecting, waiting)),
            base_addresses={} if self._base_url is None else {"api": self._base_url},
        )
        # `raw_request` is untyped in the SDK; its answers are plain JSON in every major version.
        made = cast("_Client", client)
        self._client = (process, made)
        return made


def parsed(shape: type[S], data: Mapping[str, object]) -> S:
    """
    Stripe's JSON as a shape of ours.

    Raises:
        ProviderError: ``stripe.unreadable``.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as exc:
        raise unreadable(shape.__name__) from exc


def unreadable(what: str) -> ProviderError:
    """The error of an answer in a shape we don't know."""
    return ProviderError(
        "Stripe's answer is not in a shape we know",
        code="stripe.unreadable",
        field="answer",
        value=what,
        remedy="update retainkit, and report this",
    )


def _connected(seller: str) -> str:
    if seller.startswith("acct_"):
        return seller
    raise InvalidInput(
        "This is no Stripe account",
        code="stripe.seller",
        field="seller",
        value=seller,
        remedy="use the adapter's `account`, or the id of a connected account (acct_...)",
    )
