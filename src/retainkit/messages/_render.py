"""From a request to a message in the customer's language; nothing is sent or stored here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from retainkit.core import JsonObject
from retainkit.customers import Customer
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.messages._branding import Branding, web_address
from retainkit.messages._catalogues import Language, language, roots, translations
from retainkit.messages._message import Message
from retainkit.messages._request import Request, Step, read_request
from retainkit.timing import utc, zone


if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

DOMAIN = "mail"
"""The gettext domain of what customers read."""

_SUFFIX = ".jinja"


def render(
    request: JsonObject,
    customer: Customer,
    *,
    branding: Branding,
    sender: str,
    reply_to: str | None,
    link: str | None,
    now: datetime,
) -> Message:
    """
    Write a message to a customer, in their language, with their amounts and dates.

    A locale nobody wrote a catalogue for is answered in English; an unknown reason reads as
    ``generic``, an unknown access level or end as a general sentence.

    Args:
        request: The data of ``message.requested``: ``message``, ``tone`` (friendly, neutral,
            firm), ``reason``, ``invoices`` (``invoice`` and ``amount`` each), ``total``,
            ``next_try``, ``access`` (``level``, ``at``), ``end`` (``action``, ``at``), ``link``.

        customer: Who reads it; dates are shown in their zone.

        branding: How the product appears.

        sender: ``Name <address>``.

        reply_to: Where answers go; the sender when None.

        link: Where the button leads, used when the request asks for one. Without it the text asks
            to do the same in the product.

        now: Tells what already began from what will.

    Raises:
        InvalidInput: ``message.unknown_template``, ``message.unknown_tone``,
            ``message.bad_request``, ``message.bad_address``, a naive ``now``.

        ConfigurationError: ``message.broken_template``: a template or catalogue of yours.
    """
    asked = read_request(request)
    spoken = language(customer.locale, branding.directories, DOMAIN)
    name = _template(asked.message, branding)
    words = {
        **_product(branding, spoken),
        **_matter(asked, customer, spoken, utc(now, "now")),
        "link": web_address(link, "link") if asked.link and link is not None else None,
    }
    plain = _environment(branding.directories, spoken.catalogues, html=False)
    rich = _environment(branding.directories, spoken.catalogues, html=True)
    try:
        subject = _block(plain, name, "subject", {**words, "format": "txt"})
        text = plain.get_template(name).render({**words, "format": "txt"})
        html = rich.get_template(name).render({**words, "format": "html"})
    except Exception as exc:  # whatever a template of the host's may run into
        raise ConfigurationError(
            "This template or one of its strings can't be rendered",
            code="message.broken_template",
            field="message",
            value=asked.message,
            remedy=f"correct the template or catalogue: {type(exc).__name__}: {exc}",
        ) from exc
    return Message(
        to=customer.email,
        sender=sender,
        reply_to=reply_to,
        subject=" ".join(subject.split()),
        text=re.sub(r"[ \t]*\n(?:[ \t]*\n)+", "\n\n", text).strip() + "\n",
        html=html,
        locale=spoken.tag,
    )


def known_messages(branding: Branding) -> tuple[str, ...]:
    """The names a policy may use: the messages retainkit brings and those of the directories."""
    names = {
        entry.name.removesuffix(_SUFFIX)
        for place in roots(branding.directories)
        if (place / "templates").is_dir()
        for entry in (place / "templates").iterdir()
        if entry.name.endswith(_SUFFIX) and not entry.name.startswith("_")
    }
    return tuple(sorted(names))


def _template(message: str, branding: Branding) -> str:
    known = known_messages(branding)
    if message in known:
        return message + _SUFFIX
    raise InvalidInput(
        "There is no such message",
        code="message.unknown_template",
        field="message",
        value=message,
        remedy=(
            f"use one of: {', '.join(known)}; or add templates/NAME.jinja to a folder of"
            " Branding(directories=...)"
        ),
    )


@lru_cache(maxsize=64)
def _environment(
    directories: tuple[Path, ...], catalogues: tuple[str, ...], *, html: bool
) -> SandboxedEnvironment:
    """One a language and format: its translations are fixed, so threads may share it."""
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(name: str) -> str | None:
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name):  # one file in the folder, never a path
            return None
        for place in roots(directories):
            source = place / "templates" / name
            if source.is_file():
                return source.read_text(encoding="utf-8")
        return None

    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load),
        autoescape=html,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The method comes with the extension, so the environment's type does not know it.
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        translations(catalogues, directories, DOMAIN), newstyle=True
    )
    return environment


def _block(
    environment: SandboxedEnvironment, name: str, block: str, words: Mapping[str, object]
) -> str:
    template = environment.get_template(name)
    return "".join(template.blocks[block](template.new_context(dict(words))))


def _product(branding: Branding, spoken: Language) -> dict[str, object]:
    """What every template may speak of: who writes, and in which language."""
    from babel import Locale

    return {
        "branding": branding,
        "product": branding.product,
        "language": spoken.tag,
        "direction": Locale.parse(spoken.cldr).text_direction,
    }


def _matter(
    asked: Request, customer: Customer, spoken: Language, now: datetime
) -> dict[str, object]:
    """What this message is about: texts, ready to be shown; a template formats nothing itself."""
    from babel.dates import format_date

    from retainkit.money import format_money

    there = zone(customer.zone)

    def day(at: datetime) -> str:
        return format_date(at.astimezone(there), format="full", locale=spoken.cldr)

    def step(planned: Step | None) -> dict[str, object] | None:
        if planned is None:
            return None
        return {"what": planned.what, "day": day(planned.at), "begun": planned.at <= now}

    return {
        "customer": customer.name.strip(),
        "tone": asked.tone,
        "reason": asked.reason,
        "count": len(asked.invoices),
        "invoices": [
            {"id": invoice, "amount": format_money(amount, spoken.cldr)}
            for invoice, amount in asked.invoices
        ],
        "amount": format_money(asked.total, spoken.cldr),
        "next_try": None if asked.next_try is None else day(asked.next_try),
        "access": step(asked.access),
        "end": step(asked.end),
    }
