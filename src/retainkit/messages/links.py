"""Signed links: one purpose, for a while, in a token; whether one was used is not known here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import Attribute, field, frozen

from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.ids import TenantId
from retainkit.timing import utc


__all__ = ["LinkSigner", "SignedLink"]

_LONGEST = timedelta(days=7)
_LEAST_BYTES = 32
_LARGEST_TOKEN = 2048
_TOKEN = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@frozen(kw_only=True)
class SignedLink:
    """
    What a genuine token says.

    Args:
        id: The opaque id of the link's record.

        tenant: Whose it is.

        purpose: The one thing it is good for.

        issued_at: When it was signed, to the second; UTC.
    """

    id: str
    tenant: TenantId
    purpose: str
    issued_at: datetime


def _strong(
    signer: object, attribute: Attribute[tuple[str, ...]], secrets: tuple[str, ...]
) -> None:
    del signer
    shortest = min((len(secret.encode()) for secret in secrets), default=0)
    if shortest >= _LEAST_BYTES:
        return
    raise ConfigurationError(
        f"A secret that signs links has at least {_LEAST_BYTES} bytes",
        code="link.weak_secret",
        field=attribute.name,
        value=shortest,
        remedy="make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
    )


def _short_lived(signer: object, attribute: Attribute[timedelta], ttl: timedelta) -> None:
    del signer
    if timedelta(0) < ttl <= _LONGEST:
        return
    raise ConfigurationError(
        "A signed link is good for some time, and for a week at most",
        code="link.bad_ttl",
        field=attribute.name,
        value=ttl,
        remedy="use a time of up to 7 days; a later message brings a fresh link",
    )


def _several(secrets: Sequence[str]) -> tuple[str, ...]:
    # One string is a sequence of characters, and would be many very short secrets.
    return (secrets,) if isinstance(secrets, str) else tuple(secrets)


@frozen(kw_only=True)
class LinkSigner:
    """
    Signs and reads links with HMAC-SHA256; a token holds ids and no personal data.

    A token is not encrypted and may be used more than once: keep a record of each and let only a
    POST act on it, for mail scanners follow links.

    Args:
        secrets: At least 32 bytes each. The last one signs, all are accepted: to rotate, append
            the new one, and drop the old one when ``ttl`` has passed.

        ttl: How long a link is good; at most 7 days.

    Raises:
        ConfigurationError: ``link.weak_secret``, ``link.bad_ttl``.
    """

    secrets: tuple[str, ...] = field(converter=_several, validator=_strong, repr=False)
    ttl: timedelta = field(default=timedelta(hours=72), validator=_short_lived)

    def sign(self, id: str, *, tenant: TenantId, purpose: str, now: datetime) -> str:
        """A token, safe in a URL, for one purpose."""
        from retainkit.messages._signing import serializer

        payload = {"i": id, "t": tenant, "p": purpose}
        token: str = serializer(self.secrets, _salt(purpose), utc(now, "now")).dumps(payload)
        return token

    def read(self, token: str, *, purpose: str, now: datetime) -> SignedLink:
        """
        What the token says, if we signed it for this purpose and its time is not over.

        Raises:
            InvalidInput: ``link.malformed``, ``link.bad_signature``, ``link.expired``, a naive
                ``now``.
        """
        from retainkit.messages._signing import BadData, serializer

        moment = utc(now, "now")
        if len(token) > _LARGEST_TOKEN or not _TOKEN.fullmatch(token):
            raise _refused(
                "This is not a link of ours",
                "link.malformed",
                "open the link from the message again, uncut",
            )
        try:
            payload, issued_at = serializer(self.secrets, _salt(purpose), moment).loads(
                token, return_timestamp=True
            )
        except BadData as exc:
            raise _refused(
                "This link was not signed for this purpose by a secret of ours",
                "link.bad_signature",
                "open the link from the message again; a secret is kept until its links expire",
            ) from exc
        if moment - issued_at > self.ttl:
            raise _refused(
                "The time of this link is over",
                "link.expired",
                "ask for a fresh link",
                value=issued_at.isoformat(),
            )
        return SignedLink(
            id=payload["i"],
            tenant=TenantId(payload["t"]),
            purpose=payload["p"],
            issued_at=issued_at,
        )


def _salt(purpose: str) -> str:
    return f"rk.link.v1.{purpose}"


def _refused(message: str, code: str, remedy: str, value: str | None = None) -> InvalidInput:
    """A token is a key to a door: errors do not show it."""
    return InvalidInput(message, code=code, field="token", value=value, remedy=remedy)
