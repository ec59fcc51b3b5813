"""The kit that the setting ``RETAINKIT_KIT`` names."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings

from retainkit.engine import RetainKit
from retainkit.errors import ConfigurationError


def configured_kit() -> RetainKit:
    """
    The kit of ``RETAINKIT_KIT = "module:kit"``, imported when it is first needed.

    Raises:
        ConfigurationError: ``django.no_kit``: the setting is missing, or names no kit.
    """
    named: object = getattr(settings, "RETAINKIT_KIT", None)
    module, colon, name = named.partition(":") if isinstance(named, str) else ("", "", "")
    kit = getattr(import_module(module), name, None) if module and colon else None
    if isinstance(kit, RetainKit):
        return kit
    raise ConfigurationError(
        "The settings name no kit",
        code="django.no_kit",
        field="RETAINKIT_KIT",
        value=named,
        remedy='set RETAINKIT_KIT = "module:kit", where kit is a RetainKit',
    )
