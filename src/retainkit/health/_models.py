"""Health models together: whose health is told by which; one model is in ``_model``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.health._given import each_of_kind
from retainkit.health._model import SEGMENT, HealthModel
from retainkit.rules import (
    Condition,
    Readings,
    Signal,
    Signals,
    Truth,
    declared,
    meant,
    signal_data,
)


_DECLARE: Final = "declare it in your class of Signals"
_NAMELESS: Final = "it has no name: take it out of declared(signals), where it has one"


def _models(models: Iterable[HealthModel]) -> tuple[HealthModel, ...]:
    remedy = "pass a list: HealthModels(models=[model])"
    return each_of_kind(models, HealthModel, "models", remedy)


@frozen(kw_only=True)
class HealthModels:
    """
    The models of all customers: whose health is told by which.

    Args:
        models: Of those whose segment is true of a customer, the first one counts; one without a
            segment is for everybody who is left, so it stands last.

        signals: The class that declares what they read, or the signals by name; then a model that
            reads another one is refused.

    Raises:
        InvalidInput: ``health.model_twice``, ``health.unreachable``, ``health.no_models``,
            ``health.form``;
            ``rules.unknown_signal``, ``rules.signal_clash``.
    """

    models: tuple[HealthModel, ...] = field(converter=_models)
    signals: type[Signals] | Mapping[str, Signal] | None = None

    def __attrs_post_init__(self) -> None:
        _check_models(self.models)
        if self.signals is not None:
            self.check(declared(self.signals))

    def of(self, known: Readings, now: datetime) -> HealthModel | None:
        """
        The model for a customer; None when no segment is known to be true.

        Raises:
            InvalidInput: ``time.naive``, ``time.out_of_range``.
        """
        for model in self.models:
            if model.segment is None:
                return model
            if model.asked.truths(known, now, only=(SEGMENT,))[SEGMENT] is Truth.TRUE:
                return model
        return None

    def model(self, id: str) -> HealthModel:
        """
        The model of this name.

        Raises:
            InvalidInput: ``health.unknown_model``.
        """
        for model in self.models:
            if model.id == id:
                return model
        ids = [model.id for model in self.models]
        raise InvalidInput(
            "There is no such health model",
            code="health.unknown_model",
            field="id",
            value=id,
            remedy=meant(id, ids, "name one of the models"),
        )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition in them: what `Measures` must count for."""
        return tuple(when for model in self.models for when in model.conditions)

    @property
    def reads(self) -> frozenset[str]:
        """The names of the signals they read."""
        return frozenset(name for model in self.models for name in model.signals)

    def check(self, signals: Mapping[str, Signal]) -> None:
        """
        Refuse a model that reads what is not declared, or is declared otherwise.

        Raises:
            InvalidInput: ``rules.unknown_signal``, ``rules.signal_clash``.
        """
        for model in self.models:
            for name, signal in model.signals.items():
                if signal.derivation is not None and name not in signals:
                    continue  # made by the model itself
                _check_signal(signal, signals, f"models.{model.id}")


def _check_signal(signal: Signal, signals: Mapping[str, Signal], place: str) -> None:
    known = signals.get(signal.name)
    if known is None:
        raise InvalidInput(
            "There is no such signal",
            code="rules.unknown_signal",
            field=place,
            value=signal.name,
            remedy=meant(signal.name, signals, _DECLARE if signal.name else _NAMELESS),
        )
    if signal_data(known) != signal_data(signal):
        raise InvalidInput(
            "A signal of this name is declared otherwise",
            code="rules.signal_clash",
            field=place,
            value=signal.name,
            remedy="pass the class that the model was written with",
        )


def _check_models(models: tuple[HealthModel, ...]) -> None:
    if not models:
        raise InvalidInput(
            "There are no health models",
            code="health.no_models",
            field="models",
            value=[],
            remedy="pass at least one, or no health at all",
        )
    seen: set[str] = set()
    for index, model in enumerate(models):
        if model.id in seen:
            raise InvalidInput(
                "Each health model has an id of its own",
                code="health.model_twice",
                field="models",
                value=model.id,
                remedy="rename one of the two",
            )
        seen.add(model.id)
        if model.segment is None and index < len(models) - 1:
            raise InvalidInput(
                "After a model for everybody, no other one is reached",
                code="health.unreachable",
                field=f"models.{model.id}.segment",
                value=models[index + 1].id,
                remedy="put the model without a segment last",
            )
