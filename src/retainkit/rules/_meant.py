"""The word that was probably meant, of those that are known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def meant(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """
    The remedy for a word that nobody knows: the nearest one that is known.

    Args:
        word: What was written.

        known: What would have a meaning.

        otherwise: Said when none is near; by default all of them are named.
    """
    options = tuple(known)
    near = get_close_matches(word, options, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return otherwise or f"use one of {', '.join(options)}"
