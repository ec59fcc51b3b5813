"""The webhook and the pages of links as Django views; what they answer is in `_replies`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from retainkit.contrib import _replies
from retainkit.contrib._replies import Reply
from retainkit.contrib.django._kit import configured_kit


__all__ = ["link", "webhook"]


@csrf_exempt  # the provider signs the body instead
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Keep a webhook: 200 when it is verified, else 400 or 413; 503 when the store is away."""
    body: bytes = request.read(_replies.BODY_LIMIT + 1)
    if len(body) > _replies.BODY_LIMIT:
        return _response(_replies.too_large())
    return _response(_replies.receive(configured_kit(), body, request.headers))


# The link's own token is the proof: whoever can forge the request holds the link already, and
# no cookie has a part in it. So it also works in a browser that keeps no cookies.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page with one button; POST leads to the provider's page, once."""
    act = _replies.follow if request.method == "POST" else _replies.show
    return _response(act(configured_kit(), token, request.headers.get("Accept-Language", "")))


def _response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
