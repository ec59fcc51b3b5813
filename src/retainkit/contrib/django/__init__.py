"""
retainkit in Django: webhooks, links and two commands; no model, the tables are the store's own.

::

    INSTALLED_APPS = [..., "retainkit.contrib.django"]
    RETAINKIT_KIT = "shop.billing:kit"

    urlpatterns = [..., path("", include("retainkit.contrib.django.urls"))]

``manage.py retainkit_migrate`` makes the tables, ``manage.py retainkit_run_due`` works off what is
due. In a view, ``with kit.join(connection) as k:`` works inside ``transaction.atomic()``.
"""

from __future__ import annotations

from retainkit.errors import ConfigurationError


__all__: list[str] = []

try:
    import django as _django  # noqa: F401 - asked for only to say what is missing
except ImportError as _exc:
    raise ConfigurationError(
        "Django is not installed",
        code="missing_extra",
        field="django",
        remedy="install retainkit-sdk[django]",
    ) from _exc
