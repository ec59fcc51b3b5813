"""`kit.health`: how customers are, now and as it was known; scoring itself is in `health`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from retainkit.engine._signals import KitSignals
from retainkit.errors import ConfigurationError
from retainkit.health import Health, HealthModels, score
from retainkit.ids import CustomerId


if TYPE_CHECKING:
    from retainkit.engine._join import JoinedKit
    from retainkit.engine._kit import RetainKit

Opened: TypeAlias = "Callable[[], AbstractContextManager[JoinedKit]]"


class KitHealth:
    """How customers are, as ``kit.health``."""

    def __init__(self, kit: RetainKit, opened: Opened) -> None:
        self._kit = kit
        self._opened = opened

    @property
    def models(self) -> HealthModels:
        """
        How health is told.

        Raises:
            ConfigurationError: ``kit.no_health``.
        """
        models = self._kit.health_models
        if models is None:
            raise ConfigurationError(
                "This kit has no health models",
                code="kit.no_health",
                field="health",
                remedy="pass RetainKit(health=HealthModels(...)), or what read_health_models gives",
            )
        return models

    def of(self, customer: CustomerId, *, as_of: int | datetime | None = None) -> Health | None:
        """
        The health of a customer; None when no model is for it, as far as is known.

        Args:
            customer: The host's id.

            as_of: As it was known then, at that time; see :meth:`KitSignals.of`. None is now.

        Raises:
            InvalidInput: ``signals.as_of``, ``time.naive``.
            ConfigurationError: ``kit.no_health``.
        """
        models = self.models
        known, at = KitSignals(self._kit, self._opened).known(customer, as_of)
        model = models.of(known, at)
        return None if model is None else score(model, known, at)
