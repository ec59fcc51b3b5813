"""itsdangerous with the time as an argument; the only module that names it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer


__all__ = ["BadData", "serializer"]


class _At(TimestampSigner):
    """Signs as of a given second; the wall clock is never read."""

    def __init__(self, *args: Any, second: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._second = second

    def get_timestamp(self) -> int:
        return self._second


def serializer(secrets: Sequence[str], salt: str, now: datetime) -> URLSafeTimedSerializer:
    """HMAC-SHA256 with a key derived from secret and salt; the last secret signs, all verify."""
    return URLSafeTimedSerializer(
        list(secrets),
        salt=salt,
        signer=_At,
        signer_kwargs={
            "digest_method": sha256,
            "key_derivation": "hmac",
            "second": int(now.timestamp()),
        },
    )
