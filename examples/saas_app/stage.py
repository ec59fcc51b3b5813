"""The example's own controls, which no product has: everybody's mails, and a clock to turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit, urlunsplit

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from .inbox import body
from .view import shown


def controls(
    mails: Sequence[EmailMessage],
    *,
    turn: Callable[[timedelta], None],
    settle: Callable[[], None],
) -> APIRouter:
    """
    The controls.

    Args:
        mails: What the mail server got.

        turn: Lets time pass, and waits until all that it brings has happened.

        settle: Waits until nothing is under way.
    """
    stage = APIRouter()

    @stage.get("/inbox", response_class=HTMLResponse)
    def inbox(request: Request) -> Response:
        return shown(request, "inbox.html", mails=list(enumerate(mails))[::-1])

    @stage.get("/inbox/{number}", response_class=HTMLResponse)
    def mail(number: int) -> Response:
        if not 0 <= number < len(mails):
            raise HTTPException(404, "There is no such mail.")
        return HTMLResponse(body(mails[number], "html"))

    @stage.post("/clock")
    def clock(request: Request) -> Response:
        turn(timedelta(days=1))
        back = urlsplit(request.headers.get("referer", "/"))
        return RedirectResponse(urlunsplit(("", "", back.path or "/", back.query, "")), 303)

    @stage.get("/thanks")
    def thanks() -> Response:
        """Back from Stripe's page, whose webhook may need a moment."""
        settle()
        return RedirectResponse("/", 303)

    return stage
