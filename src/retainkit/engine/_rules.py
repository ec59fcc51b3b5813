"""`kit.rules`: who is in which segment, what is true of a customer, and why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias


if TYPE_CHECKING:
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._kit import RetainKit

Opened: TypeAlias = "Callable[[], AbstractContextManager[JoinedKit]]"


class KitRules:
    """What is true of customers, as ``kit.rules``."""

    def __init__(self, kit: RetainKit, opened: Opened) -> None:
        self._kit = kit
        self._opened = opened
