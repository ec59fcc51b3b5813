"""What support sees: a customer's timeline with the reasons, and what comes next."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from retainkit.core import Because
from retainkit.messages.reasons import explain_text

from .view import OurShop, person, shown


LANGUAGES = {"de": "Deutsch", "en": "English"}

pages = APIRouter()


@pages.get("/customers/{customer}", response_class=HTMLResponse)
def timeline(request: Request, customer: str, shop: OurShop, language: str = "en") -> Response:
    """In the reader's language, and in the customer's time zone."""
    who, kit = person(shop, customer), shop.kit
    locale = language if language in LANGUAGES else "en"

    def why(because: Because) -> str:
        return explain_text(because.key, because.values, locale, zone=who.zone)

    def at(moment: datetime) -> str:
        there = moment.astimezone(ZoneInfo(who.zone))
        day = format_date(there, "medium", locale=locale)
        return f"{day}, {format_time(there, 'short', tzinfo=there.tzinfo, locale=locale)}"

    return shown(
        request,
        "timeline.html",
        customer=who,
        locale=locale,
        languages=LANGUAGES,
        access=kit.access(who.id),
        cases=kit.dunning.open_cases(customer=who.id),
        events=kit.timeline(who.id),
        upcoming=kit.upcoming(who.id),
        why=why,
        at=at,
    )
