"""Where the views are mounted: ``path("", include("retainkit.contrib.django.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, path

from retainkit.contrib.django.views import link, webhook


__all__ = ["app_name", "urlpatterns"]

app_name = "retainkit"

urlpatterns: list[URLPattern] = [
    path("webhooks/stripe", webhook, name="webhook"),
    path("pay/<str:token>", link, name="link"),
]
