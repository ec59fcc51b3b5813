"""What support sees: how a customer is and what comes next, with the reasons; and everybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from retainkit.core import Because
from retainkit.messages.reasons import explain_text
from retainkit.reports import Rated, health_page, html_page

from .usage import FELL_SILENT
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
        health=kit.health.why(who.id, locale=locale, zone=who.zone),
        silence=kit.rules.why(who.id, FELL_SILENT.id, locale=locale, zone=who.zone),
        cases=kit.dunning.open_cases(customer=who.id),
        events=kit.timeline(who.id),
        upcoming=kit.upcoming(who.id),
        why=why,
        at=at,
    )


@pages.get("/health", response_class=HTMLResponse)
def health(shop: OurShop) -> str:
    """Everybody at a glance: the page that `retainkit health report` writes."""
    kit, now = shop.kit, shop.kit.clock.now()
    rated: list[Rated] = []
    for customer in shop.customers():
        answer = kit.health.why(customer)
        if answer.health is not None:
            before = kit.health.of(customer, as_of=now - timedelta(days=7))
            rated.append(
                Rated(
                    customer=customer,
                    health=answer.health,
                    override=answer.override,
                    before=before,
                )
            )
    return html_page(health_page(rated, kit.health.models, at=now))
