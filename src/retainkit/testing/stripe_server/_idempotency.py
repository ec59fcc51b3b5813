"""Idempotency keys: the first answer is kept and given again, for 24 hours of the server's clock.

https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import hashlib

from retainkit.testing.stripe_server._errors import key_in_use, key_reused
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._state import State


LIFETIME = 24 * 3600
"""Seconds a key is remembered; Stripe prunes keys after at least 24 hours."""


class Keys:
    """The keys of the account: kept answers in the state, requests under way in memory."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._under_way: set[str] = set()

    def begin(self, key: str, path: str, body: str) -> JsonObject | None:
        """
        The kept answer, or `None` after marking the key as under way.

        Raises:
            ApiError: Another request with the key is under way (409), or it was another
                request's key (400).
        """
        kept = self._state.find("_answer", key)
        if kept is not None and self._state.now - kept["created"] >= LIFETIME:
            self._state.forget("_answer", key)
            kept = None
        if kept is None:
            if key in self._under_way:
                raise key_in_use(key)
            self._under_way.add(key)
            return None
        if kept["path"] != path:
            raise key_reused(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{kept['path']}' vs '{path}'). Try using a key other than "
                f"'{key}' if you meant to execute a different request."
            )
        if kept["fingerprint"] != _fingerprint(body):
            raise key_reused(
                "Keys for idempotent requests can only be used with the same parameters they "
                f"were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request."
            )
        return kept

    def keep(
        self, key: str, path: str, body: str, *, status: int, answer: JsonObject, request: str
    ) -> None:
        """Keep the answer of an executed request."""
        self._state.save(
            {
                "id": key,
                "object": "_answer",
                "answer": answer,
                "created": self._state.now,
                "fingerprint": _fingerprint(body),
                "path": path,
                "request": request,
                "status": status,
            }
        )

    def end(self, key: str) -> None:
        """The request is no longer under way."""
        self._under_way.discard(key)


def _fingerprint(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
