"""What is Django's alone: commands, the setting, the names of the URLs, the missing extra."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse
from tests.contrib.conftest import Shop, django_settings

from retainkit.contrib.django._kit import configured_kit
from retainkit.errors import ConfigurationError


@pytest.fixture(autouse=True)
def project(shop: Shop) -> Iterator[None]:
    with django_settings(shop.kit):
        yield


def said(command: str, **options: object) -> str:
    """What a management command prints."""
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue().strip()


def test_the_views_have_names() -> None:
    """``reverse`` finds the addresses."""
    assert reverse("webhook") == "/webhooks/stripe"
    assert reverse("link", args=["token"]) == "/pay/token"


def test_the_tables_are_made_by_a_command_that_may_be_repeated(shop: Shop) -> None:
    """``retainkit_migrate`` works on the kit's own store."""
    assert said("retainkit_migrate") == said("retainkit_migrate")
    assert said("retainkit_migrate") == "retainkit's tables are up to date"
    assert shop.names() == []


def test_what_is_due_is_worked_off_by_a_command(shop: Shop) -> None:
    """``retainkit_run_due`` says how much it did, and whether more is due."""
    shop.fail()

    assert said("retainkit_run_due", limit=1) == "1 items worked off; more is due"
    assert said("retainkit_run_due", seconds=0) == "0 items worked off; more is due"
    assert said("retainkit_run_due").endswith("nothing more is due")
    assert "message.sent" in shop.names()
    shop.clock.advance(timedelta(days=1))
    assert "0 items" not in said("retainkit_run_due")


@pytest.mark.parametrize("named", [None, "shop_of_the_tests", "shop_of_the_tests:nothing", ":kit"])
def test_a_setting_that_names_no_kit_says_so(named: str | None) -> None:
    """The error shows the setting and how it is written."""
    with override_settings(RETAINKIT_KIT=named), pytest.raises(ConfigurationError) as caught:
        configured_kit()

    assert caught.value.code == "django.no_kit"
    assert caught.value.field == "RETAINKIT_KIT"
    assert caught.value.value == named
    assert caught.value.remedy == 'set RETAINKIT_KIT = "module:kit", where kit is a RetainKit'


PROJECT = """
import sys
from datetime import timedelta
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["retainkit.contrib.django"],
    RETAINKIT_KIT="__main__:kit",
    ROOT_URLCONF="__main__",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
)
import django
django.setup()
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import include, path
from retainkit import Event, RetainKit
from retainkit.ids import CustomerId, EventId
from retainkit.stores.sql import SqlStore
from retainkit.timing import utc
from datetime import UTC, datetime

kit = RetainKit(store=SqlStore("sqlite:///" + sys.argv[1]))
urlpatterns = [path("retainkit/", include("retainkit.contrib.django.urls"))]
call_command("check")
call_command("retainkit_migrate")
signed_up = Event(
    id=EventId("e1"), name="customer.signed_up", customer=CustomerId("ada"),
    occurred_at=datetime(2026, 11, 2, tzinfo=UTC),
)
try:
    with transaction.atomic(), kit.join(connection) as k:
        k.record(signed_up)
        raise KeyError
except KeyError:
    print(len(kit.timeline(CustomerId("ada"))))
with transaction.atomic(), kit.join(connection) as k:
    k.record(signed_up)
print(len(kit.timeline(CustomerId("ada"))))
from django.urls import reverse
print(reverse("retainkit:link", args=["t"]))
"""


def test_a_project_of_its_own_joins_its_transactions(tmp_path: Path) -> None:
    """In a fresh process: checks pass, and the kit commits or rolls back with ``atomic()``."""
    done = subprocess.run(
        [sys.executable, "-c", PROJECT, str(tmp_path / "project.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stderr == ""
    assert done.stdout.split("\n")[-4:-1] == ["0", "1", "/retainkit/pay/t"]


def test_a_missing_extra_says_what_to_install() -> None:
    """Importing the mount without Django is a named error with the way out."""
    code = """
import sys
sys.modules["django"] = None
from retainkit.errors import ConfigurationError
try:
    import retainkit.contrib.django
except ConfigurationError as exc:
    print(exc.code, exc.field, exc.value, exc.remedy)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "missing_extra django None install retainkit-sdk[django]"
