"""Mounts for web frameworks, one module each; what they answer is in `_replies`, once for all."""

from __future__ import annotations


__all__: list[str] = []
