"""What is FastAPI's alone: paths of the host's choice, the free event loop, the missing extra."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from threading import Event, get_ident

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.contrib.conftest import Shop

from retainkit.contrib.fastapi import router


def test_the_host_chooses_the_paths_and_its_schema_stays_its_own(shop: Shop) -> None:
    """Paths and a prefix; none of them stands in the host's OpenAPI."""
    app = FastAPI()
    app.include_router(
        router(shop.kit, webhook_path="/hooks", link_path="/billing/pay"), prefix="/app"
    )
    token = shop.link().rpartition("/")[2]

    with TestClient(app) as client:
        assert client.post("/app/hooks", content=b"").status_code == 400
        assert client.get(f"/app/billing/pay/{token}").status_code == 200
        assert client.get("/openapi.json").json()["paths"] == {}


def test_the_event_loop_stays_free(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one webhook waits for the database, others are answered; the kit runs in a thread."""
    waiting, go_on, threads = Event(), Event(), []
    receive = shop.kit.receive_webhook

    def slowly(body: bytes, headers: dict[str, str]) -> object:
        threads.append(get_ident())
        if body == b"slow":
            waiting.set()
            assert go_on.wait(10)
        return receive(body, headers)

    monkeypatch.setattr(shop.kit, "receive_webhook", slowly)
    app = FastAPI()
    app.include_router(router(shop.kit))

    @app.get("/loop")
    async def loop() -> int:
        return get_ident()

    async def two_at_once() -> tuple[int, int]:
        import httpx2

        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop") as client:
            slow = asyncio.create_task(client.post("/webhooks/stripe", content=b"slow"))
            await asyncio.to_thread(waiting.wait, 10)
            quick = await client.post("/webhooks/stripe", content=b"quick")
            assert not slow.done()
            go_on.set()
            assert (await client.get("/loop")).json() not in threads
            return quick.status_code, (await slow).status_code

    assert asyncio.run(two_at_once()) == (400, 400)


def test_a_missing_extra_says_what_to_install() -> None:
    """Importing the mount without FastAPI is a named error with the way out."""
    code = """
import sys
sys.modules["fastapi"] = None
from retainkit.errors import ConfigurationError
try:
    import retainkit.contrib.fastapi
except ConfigurationError as exc:
    print(exc.code, exc.field, exc.value, exc.remedy)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "missing_extra fastapi None install retainkit-sdk[fastapi]"
