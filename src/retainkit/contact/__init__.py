"""Who may be written to, now: requests come in, grants go out. Texts and mail are elsewhere."""

from __future__ import annotations

from retainkit.contact._grants import SEND, Contact


__all__ = ["SEND", "Contact"]
