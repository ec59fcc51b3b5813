"""A scanner for card numbers: runs of 13 to 19 digits, with separators, that pass Luhn's check.

The first digit is one of a payment network's (2 to 6), which a time in microseconds has not.
"""

from __future__ import annotations

import re


_RUN = re.compile(r"(?<![0-9A-Za-z])[2-6](?:[ .+-]?[0-9]){12,18}(?![0-9A-Za-z])")


def card_numbers(text: str) -> list[str]:
    """What looks like a card number."""
    runs = (re.sub(r"\D", "", run) for run in _RUN.findall(text))
    return [run for run in runs if _luhn(run) and len(set(run)) > 1]


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
