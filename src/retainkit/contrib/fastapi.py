"""retainkit in FastAPI: a router for webhooks and links; what it answers is in `_replies`."""

from __future__ import annotations

from retainkit.contrib import _replies
from retainkit.contrib._replies import Reply
from retainkit.engine import RetainKit
from retainkit.errors import ConfigurationError


try:
    from fastapi import APIRouter, Request, Response
    from fastapi.concurrency import run_in_threadpool
except ImportError as _exc:
    raise ConfigurationError(
        "FastAPI is not installed",
        code="missing_extra",
        field="fastapi",
        remedy="install retainkit-sdk[fastapi]",
    ) from _exc


__all__ = ["router"]


def router(
    kit: RetainKit, *, webhook_path: str = "/webhooks/stripe", link_path: str = "/pay"
) -> APIRouter:
    """
    The webhook of the payment provider, and the pages of the links in messages.

    ``app.include_router(router(kit))`` is all there is to do. The kit's calls run in threads, so
    that the event loop stays free.

    * ``POST webhook_path``: 200 for everything the provider signed; 400 or 413 with a code and a
      remedy as JSON; 503 when the store is away, and the provider sends it again.
    * ``GET link_path/{token}``: a page with one button; changes nothing.
    * ``POST link_path/{token}``: 303 to the provider's hosted page, once. Its body is never read.

    Pages are in English or German, by the customer's locale, else by Accept-Language.

    Args:
        kit: What answers.

        webhook_path: What the provider was told to send its webhooks to.

        link_path: Where links lead; ``Links(base_url=...)`` is the address of what stands before
            ``/pay``.
    """
    made = APIRouter(include_in_schema=False)

    @made.post(webhook_path)
    async def webhook(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return _response(_replies.too_large())
        return _response(await run_in_threadpool(_replies.receive, kit, body, request.headers))

    @made.api_route(f"{link_path}/{{token}}", methods=["GET", "HEAD"])
    def show_link(token: str, request: Request) -> Response:
        return _response(_replies.show(kit, token, request.headers.get("accept-language", "")))

    @made.post(f"{link_path}/{{token}}")
    def follow_link(token: str, request: Request) -> Response:
        return _response(_replies.follow(kit, token, request.headers.get("accept-language", "")))

    return made


async def _body(request: Request) -> bytes | None:
    """The raw body; None as soon as it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _replies.BODY_LIMIT:
            return None
    return bytes(body)


def _response(reply: Reply) -> Response:
    return Response(reply.body, status_code=reply.status, headers=dict(reply.headers))
