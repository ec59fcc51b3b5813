"""VIES, the Commission's register of VAT ids, by its REST interface; standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import IO, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from retainkit.billing.tax import EU_MEMBERS, VatIdCheck, VatIdStatus
from retainkit.errors import ConfigurationError, InvalidInput


__all__ = ["BASE_URL", "ViesRegister"]

BASE_URL = "https://ec.europa.eu/taxation_customs/vies/rest-api"
"""Where VIES answers: https://ec.europa.eu/taxation_customs/vies/#/technical-information"""

_PREFIXES = (EU_MEMBERS - {"GR"}) | {"EL", "XI"}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# A state that is down may come as `valid: false` with the reason beside it.
_NO_ERROR = (None, "", "INVALID", "VALID")
_LONGEST_ANSWER = 65_536


class ViesRegister:
    """
    Asks VIES. That it is down, busy or unreadable makes an id unverified, never valid or invalid.

    Args:
        requester: The seller's own VAT id: with it, VIES gives a consultation number, which proves
            the question later.

        base_url: Another address, such as a test server's.

        timeout: The limit of one request.

    Raises:
        ConfigurationError: ``vies.base_url`` for an address without encryption.

        InvalidInput: ``tax.vat_id_prefix`` for a requester without a prefix.
    """

    def __init__(
        self,
        *,
        requester: str | None = None,
        base_url: str = BASE_URL,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise ConfigurationError(
                "VIES would be asked unencrypted",
                code="vies.base_url",
                field="base_url",
                value=base_url,
                remedy="use https, or a server on this machine",
            )
        self._url = f"{base_url}/check-vat-number"
        self._timeout = timeout.total_seconds()
        self._requester = None if requester is None else _parted(requester, "requester")
        self._opener = build_opener(_NoRedirects)

    def check(self, vat_id: str, *, at: datetime) -> VatIdCheck:
        """
        What VIES says of an id; see `VatRegister.check`.

        Raises:
            InvalidInput: ``tax.vat_id_prefix`` for an id of a country that is not in VIES.
        """
        country, number = _parted(vat_id, "vat_id")
        question = {"countryCode": country, "vatNumber": number}
        if self._requester is not None:
            own_country, own_number = self._requester
            question["requesterMemberStateCode"] = own_country
            question["requesterNumber"] = own_number
        return _meaning(self._ask(question), at)

    def _ask(self, question: Mapping[str, str]) -> Mapping[str, object]:
        request = Request(  # noqa: S310 - the scheme is checked when this is made
            self._url,
            data=json.dumps(question).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        try:
            with self._answer(request) as answer:
                body = answer.read(_LONGEST_ANSWER)
        except (OSError, HTTPException) as exc:
            return {"unreachable": type(exc).__name__}
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return {"unreachable": "unreadable_answer"}
        return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}

    def _answer(self, request: Request) -> IO[bytes]:
        try:
            return cast("IO[bytes]", self._opener.open(request, timeout=self._timeout))
        except HTTPError as exc:  # its errors come with a body of the same shape
            return exc


class _NoRedirects(HTTPRedirectHandler):
    """A VAT id is sent to the address that was given, and to no other."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def _meaning(answer: Mapping[str, object], at: datetime) -> VatIdCheck:
    valid = answer.get("valid")
    if isinstance(valid, bool) and answer.get("userError") in _NO_ERROR:
        number = answer.get("requestIdentifier")
        return VatIdCheck(
            status=VatIdStatus.VALID if valid else VatIdStatus.INVALID,
            checked_at=at,
            consultation=number if isinstance(number, str) and number else None,
        )
    fault = _fault(answer)
    status = VatIdStatus.INVALID if fault == "INVALID_INPUT" else VatIdStatus.UNVERIFIED
    return VatIdCheck(status=status, checked_at=at, detail=fault)


def _fault(answer: Mapping[str, object]) -> str:
    """VIES's word for what went wrong, such as ``MS_UNAVAILABLE``; or ours."""
    wrappers = answer.get("errorWrappers")
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else None
    ours = answer.get("userError") or answer.get("unreachable")
    word = first.get("error") if isinstance(first, dict) else ours
    return word if isinstance(word, str) else "unreadable_answer"


def _parted(vat_id: str, field: str) -> tuple[str, str]:
    plain = "".join(sign for sign in vat_id.upper() if sign.isalnum() or sign in "+*")
    if plain[:2] in _PREFIXES and len(plain) > 2:  # noqa: PLR2004 - a prefix has two letters
        return plain[:2], plain[2:]
    raise InvalidInput(
        "VIES knows ids of the EU and of Northern Ireland, with their prefix",
        code="tax.vat_id_prefix",
        field=field,
        value=vat_id,
        remedy="give it with its prefix, such as DE or EL; other ids have registers of their own",
    )
