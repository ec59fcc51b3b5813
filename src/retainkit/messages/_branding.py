"""How a product appears in its messages: name, footer, help, colour, own words; no transport."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import Attribute, field, frozen

from retainkit.errors import InvalidInput
from retainkit.messages._message import one_line_field


def _colour(branding: object, attribute: Attribute[str], value: str) -> None:
    del branding
    if re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        return
    raise InvalidInput(
        "This is not a colour of six hexadecimal digits",
        code="message.bad_colour",
        field=attribute.name,
        value=value,
        remedy="write it like #1f5fbf",
    )


def web_address(value: str, name: str) -> str:
    """The address, if a browser opens a page at it; ``javascript:`` and the like are refused."""
    if re.fullmatch(r"https?://[^\s/?#\"'<>\\]+[^\s\"'<>\\]*", value):
        return value
    raise InvalidInput(
        "This is not the address of a web page",
        code="message.bad_address",
        field=name,
        value=value.partition(":")[0],
        remedy="use an absolute address that begins with https://",
    )


def _page(branding: object, attribute: Attribute[str], value: str) -> None:
    del branding
    if value:
        web_address(value, attribute.name)


@frozen(kw_only=True)
class Branding:
    """
    How a product appears in its messages. Nothing in it is loaded from elsewhere when one is read.

    Args:
        product: The name customers know it by.

        footer: Who writes, as the law of your country wants it; line breaks are kept.

        support_email: Where to ask for help; without it and ``support_url``, people are asked to
            reply.

        support_url: A page with help.

        colour: Of the button, as ``#1f5fbf``; the text on it is black or white, whichever reads
            better.

        directories: Your own words, searched first, laid out as in ``retainkit/messages``:
            ``templates/payment_failed.jinja`` replaces a message or adds one,
            ``locale/de/LC_MESSAGES/mail.po`` (or ``.mo``) replaces single strings or adds a
            language. Read once in a process.

    Raises:
        InvalidInput: ``message.header_injection``, ``message.bad_colour``, ``message.bad_address``.
    """

    product: str = field(validator=one_line_field)
    footer: str = ""
    support_email: str = field(default="", validator=one_line_field)
    support_url: str = field(default="", validator=_page)
    colour: str = field(default="#1f5fbf", validator=_colour)
    directories: tuple[Path, ...] = ()

    @property
    def text_colour(self) -> str:
        """Black or white: the one with the higher contrast on ``colour`` (WCAG 2, 1.4.3)."""
        # The contrast with black and with white is the same where (L + 0.05)^2 = 1.05 * 0.05.
        # For the shades where it matters, WCAG's curve is the power alone.
        shares = (int(self.colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (((share + 0.055) / 1.055) ** 2.4 for share in shares)
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
