"""The app as Django lists it."""

from __future__ import annotations

from django.apps import AppConfig


__all__ = ["RetainkitConfig"]


class RetainkitConfig(AppConfig):
    """For ``INSTALLED_APPS``: ``"retainkit.contrib.django"``."""

    name: str = "retainkit.contrib.django"
    label: str = "retainkit"
    verbose_name: str = "retainkit"
