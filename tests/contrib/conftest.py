"""One shop whose customer owes something, and the two frameworks it may be mounted in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest
from attrs import field, frozen

from retainkit import DunningPolicy, Links, RetainKit, Stage
from retainkit.customers import Customer, StaticDirectory
from retainkit.ids import CustomerId
from retainkit.messages import Branding
from retainkit.messages.console import ConsoleMessenger
from retainkit.money import money
from retainkit.payments.simulated import Declines, SimulatedPayments
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ADA = CustomerId("ada")
POLICY = DunningPolicy(
    collector="retainkit",
    retries=(timedelta(days=1),),
    stages=(
        Stage(after=timedelta(0), message="payment_failed"),
        Stage(after=timedelta(days=5), message="last_notice"),
        Stage(after=timedelta(days=9), end="cancel"),
    ),
)


@frozen(kw_only=True)
class Shop:
    """A kit on a SQLite file, with a simulated provider and printed mail."""

    kit: RetainKit
    payments: SimulatedPayments
    clock: ManualClock
    mail: StringIO = field(repr=False)
    file: Path

    def webhooks(self) -> list[tuple[bytes, dict[str, str]]]:
        """The provider's waiting webhooks as they come over the wire."""
        bodies = [self.payments.webhook(event) for event in self.payments.take_events()]
        return [(body, self.payments.sign(body, at=self.clock.now())) for body in bodies]

    def fail(self) -> None:
        """Ada's payment fails, and the provider says so; nobody has worked on it yet."""
        self.payments.open_invoice(reference="cus_ada", amount=money("19.90", "EUR"))
        for body, headers in self.webhooks():
            self.kit.receive_webhook(body, headers)

    def link(self) -> str:
        """The path of the link in the mail that Ada gets."""
        self.fail()
        self.kit.run_due()
        (path,) = re.findall(r"https://shop\.example(/pay/\S+)", self.mail.getvalue())
        return str(path)

    def names(self) -> list[str]:
        """What happened to Ada."""
        return [recorded.event.name for recorded in self.kit.timeline(ADA)]


def build_shop(folder: Path, *, locale: str = "de", links: bool = True) -> Shop:
    """A shop with one customer, whose card declines."""
    clock, mail, file = ManualClock(NOW), StringIO(), folder / "shop.db"
    payments = SimulatedPayments(seed=7, clock=clock)
    payments.add_method(Declines(), reference="cus_ada")
    ada = Customer(
        id=ADA, email="ada@customer.example", name="Ada", locale=locale, reference="cus_ada"
    )
    kit = RetainKit(
        store=SqlStore(f"sqlite:///{file}", lock_timeout=1),
        payments=payments,
        messages=ConsoleMessenger(sender="Notely <billing@notely.example>", out=mail),
        dunning=POLICY,
        customers=StaticDirectory({ADA: ada}, {"cus_ada": ADA}),
        branding=Branding(product="Notes & <Co>", support_email="help@notely.example"),
        links=Links(base_url="https://shop.example", secrets=["k" * 32]) if links else None,
        clock=clock,
    )
    kit.store.migrate()
    return Shop(kit=kit, payments=payments, clock=clock, mail=mail, file=file)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return build_shop(tmp_path)


@frozen(kw_only=True)
class Answered:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


class Web(Protocol):
    """A browser, or a provider, before the mounted shop; it follows no redirect."""

    def __call__(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answered:
        """One request."""
        ...


@contextmanager
def in_fastapi(kit: RetainKit) -> Iterator[Web]:
    """The kit mounted in a FastAPI application."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from retainkit.contrib.fastapi import router

    app = FastAPI()
    app.include_router(router(kit))
    with TestClient(app, follow_redirects=False, base_url="https://shop.example") as client:

        def ask(
            method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
        ) -> Answered:
            got = client.request(method, path, content=body, headers=dict(headers or {}))
            return Answered(status=got.status_code, headers=dict(got.headers), text=got.text)

        yield ask


MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


@contextmanager
def django_settings(kit: RetainKit) -> Iterator[None]:
    """Django with the app installed, and the kit where the setting says."""
    import django
    from django.apps import apps
    from django.conf import settings
    from django.test import override_settings

    if not settings.configured:
        settings.configure()
    settings.SECRET_KEY = "s" * 50  # also while an override ends
    if not apps.ready:
        django.setup()
    module = ModuleType("shop_of_the_tests")
    vars(module)["kit"] = kit
    sys.modules[module.__name__] = module
    with override_settings(
        INSTALLED_APPS=["retainkit.contrib.django"],
        RETAINKIT_KIT="shop_of_the_tests:kit",
        ROOT_URLCONF="retainkit.contrib.django.urls",
        MIDDLEWARE=MIDDLEWARE,
        ALLOWED_HOSTS=["shop.example"],
    ):
        yield
    del sys.modules[module.__name__]


@contextmanager
def in_django(kit: RetainKit) -> Iterator[Web]:
    """The kit mounted in Django, with the middleware of a new project, CSRF checks included."""
    with django_settings(kit):
        from django.test import Client

        client = Client(enforce_csrf_checks=True)

        def ask(
            method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
        ) -> Answered:
            got = client.generic(
                method,
                path,
                body,
                content_type="application/json",
                headers={"host": "shop.example", **(headers or {})},
                secure=True,
            )
            return Answered(
                status=got.status_code,
                headers={name.lower(): value for name, value in got.headers.items()},
                text=got.content.decode(),
            )

        yield ask


@pytest.fixture(params=[in_fastapi, in_django])
def web(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Web]:
    """The shop in each framework."""
    with request.param(shop.kit) as ask:
        yield ask
