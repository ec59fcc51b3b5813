"""What a kit is made of is what it takes, or is refused where it is made; no feature is here."""

from __future__ import annotations

from collections.abc import Mapping

from retainkit.errors import ConfigurationError
from retainkit.rules import Rulebook, Signals


def check_parts(signals: object, rules: object, health: object) -> None:
    """
    A list of rules is no rulebook: whoever passes one is told so, not where it breaks later.

    Raises:
        ConfigurationError: ``kit.part``.
    """
    is_class = isinstance(signals, type) and issubclass(signals, Signals)
    if signals is not None and not is_class and not isinstance(signals, Mapping):
        raise _wrong_part("signals", signals, "pass the class that declares them")
    if rules is not None and not isinstance(rules, Rulebook):
        raise _wrong_part("rules", rules, "pass Rulebook(signals=..., rules=[...])")
    if health is not None and not hasattr(health, "models"):
        raise _wrong_part("health", health, "pass HealthModels(models=[model])")


def _wrong_part(field: str, value: object, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        "The kit was given another thing than it takes",
        code="kit.part",
        field=field,
        value=type(value).__name__,
        remedy=remedy,
    )
