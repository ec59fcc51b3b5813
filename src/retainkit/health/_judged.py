"""The models that a back-test judges together: their bands and which are bad, on one scale."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.health._found import Look
from retainkit.health._model import HealthModel
from retainkit.health._models import HealthModels
from retainkit.rules import meant


_Named: TypeAlias = tuple[str, str]
"""The id of a model, and a band of it."""


@frozen(kw_only=True)
class Judged:
    """
    What is judged.

    Args:
        bands: Model by model, each from the worst to the best.

        bad: Those of them that warn.

        scales: Of each model, its lowest score and how long its scale is.
    """

    bands: tuple[_Named, ...]
    bad: frozenset[_Named]
    scales: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def several(self) -> bool:
        """Whether there are models to be told apart."""
        return len(self.scales) > 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """The bad bands, as they are told."""
        return tuple(
            f"{model}: {band}" if self.several else band
            for model, band in self.bands
            if (model, band) in self.bad
        )

    def is_bad(self, look: Look) -> bool:
        """Whether the band of a look warns."""
        return (look.model, look.band) in self.bad

    def placed(self, look: Look, points: Decimal) -> Decimal:
        """Where points lie on the scale of the model that gave them, 0 to 1: so those of several
        models can be compared.
        """
        low, length = self.scales[look.model]
        return (points - low) / length


def judged(models: HealthModel | HealthModels, warnings: Collection[str] | None) -> Judged:
    """
    The models with the bands that warn: by default all but the best one of each.

    Raises:
        InvalidInput: ``health.unknown_band``.
    """
    each_of = models.models if isinstance(models, HealthModels) else (models,)
    bands = [(model.id, band) for model in each_of for band in model.bands.names]
    return Judged(
        bands=tuple(bands),
        bad=frozenset(_default(each_of) if warnings is None else _said(warnings, bands)),
        scales={
            model.id: (model.bands.low, model.bands.high - model.bands.low) for model in each_of
        },
    )


def _default(models: Sequence[HealthModel]) -> list[_Named]:
    return [(model.id, band) for model in models for band in model.bands.names[:-1]]


def _said(warnings: Collection[str], bands: Sequence[_Named]) -> list[_Named]:
    """By the name of a band, in every model that has it, or with the model before it."""
    found: list[_Named] = []
    for word in warnings:
        of = [(model, band) for model, band in bands if word in (band, f"{model}: {band}")]
        if not of:
            names = tuple(dict.fromkeys(band for _, band in bands))
            raise InvalidInput(
                "There is no such band",
                code="health.unknown_band",
                field="warnings",
                value=word,
                remedy=meant(word, names, f"name one of {', '.join(names)}"),
            )
        found += of
    return found
