"""What the mounted addresses answer, whatever the framework: webhooks and the pages of links."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from retainkit.contrib._pages import Face, page, spoken
from retainkit.engine import OpenLink, RetainKit
from retainkit.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    ProviderError,
    Refused,
    RetainkitError,
    StoreError,
)
from retainkit.payments.webhooks import BODY_LIMIT


__all__ = ["BODY_LIMIT", "Reply", "follow", "receive", "show", "too_large"]

_LOG: Final = logging.getLogger("retainkit.contrib")

_REFUSED: Final = MappingProxyType(
    {
        "webhook.signature": 400,
        "webhook.too_old": 400,
        "webhook.malformed": 400,
        "webhook.too_large": 413,
    }
)
_FACES: Final = MappingProxyType(
    {
        "link.expired": (410, Face.EXPIRED),
        "link.used": (410, Face.USED),
        "link.malformed": (404, Face.UNKNOWN),
        "link.bad_signature": (404, Face.UNKNOWN),
        "link.unknown": (404, Face.UNKNOWN),
        "customer.not_found": (404, Face.UNKNOWN),
    }
)
# A link's address is a key: it goes into no cache, no index and to no other site.
_PRIVATE: Final = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
    }
)


@frozen(kw_only=True)
class Reply:
    """
    An HTTP answer in no framework's words.

    Args:
        status: The HTTP status.

        headers: Content-Type among them.

        body: The text.
    """

    status: int
    headers: Mapping[str, str]
    body: str = field(default="", repr=False)


def receive(kit: RetainKit, body: bytes, headers: Mapping[str, str]) -> Reply:
    """
    Keep a webhook: 200 for everything that is verified, matched or not.

    400 when it is not the provider's, 413 when it is too large; 503 when nothing could be kept,
    so that the provider sends it again.
    """
    try:
        receipt = kit.receive_webhook(body, headers)
    except InvalidInput as exc:
        if exc.code not in _REFUSED:  # verified, and yet not kept: that is ours to mend
            raise
        return _refusal(_REFUSED[exc.code], exc)
    except (StoreError, Conflict) as exc:
        _LOG.warning("a webhook was not kept: %s", exc.code)
        return _refusal(503, exc)
    return _json(200, {"state": receipt.state.value})


def too_large() -> Reply:
    """The answer to a body that was not even read to its end."""
    return _json(413, {"code": "webhook.too_large", "remedy": f"send at most {BODY_LIMIT} bytes"})


def show(kit: RetainKit, token: str, accepted: str) -> Reply:
    """
    GET: what the link is for, with one button; changes nothing.

    Args:
        kit: Whose link it is.

        token: The last part of its address.

        accepted: The Accept-Language header; the customer's own locale comes first.
    """
    return _about_link(
        kit, token, accepted, lambda language: _page(200, Face.INVITE, kit, language)
    )


def follow(kit: RetainKit, token: str, accepted: str) -> Reply:
    """
    POST: use the link, once, and lead to the provider's page.

    The request's body is never read. No token against forged requests is asked for: the link's
    own is unguessable, and no cookie has a part in it.
    """

    def lead(language: str) -> Reply:
        del language
        return Reply(status=303, headers={**_PRIVATE, "Location": kit.follow_link(token).url})

    return _about_link(kit, token, accepted, lead)


def _about_link(kit: RetainKit, token: str, accepted: str, act: Callable[[str], Reply]) -> Reply:
    language = spoken(accepted)
    if kit.links is None:
        return _page(404, Face.UNKNOWN, kit, language)
    try:
        language = _language(kit, kit.open_link(token)) or language
        return act(language)
    except (InvalidInput, NotFound) as exc:
        if exc.code not in _FACES:
            raise
        status, face = _FACES[exc.code]
        return _page(status, face, kit, language)
    except (ProviderError, StoreError, Conflict, Refused) as exc:
        _LOG.warning("a link could not be followed: %s", exc.code)
        return _page(503, Face.LATER, kit, language)


def _language(kit: RetainKit, link: OpenLink) -> str | None:
    customer = kit.directory.get(link.customer, tenant=link.tenant)
    return None if customer is None else spoken(customer.locale)


def _page(status: int, face: Face, kit: RetainKit, language: str) -> Reply:
    made = page(face, language=language, branding=kit.branding)
    headers = {
        **_PRIVATE,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Content-Security-Policy": made.policy,
    }
    return Reply(status=status, headers=_retry(status) | headers, body=made.html)


def _refusal(status: int, exc: RetainkitError) -> Reply:
    return _json(status, {"code": exc.code, "remedy": exc.remedy})


def _json(status: int, content: Mapping[str, str]) -> Reply:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Reply(status=status, headers=_retry(status) | headers, body=json.dumps(content))


def _retry(status: int) -> dict[str, str]:
    return {"Retry-After": "60"} if status == 503 else {}  # noqa: PLR2004 - an HTTP status
