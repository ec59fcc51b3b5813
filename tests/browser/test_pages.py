"""The pages in a real browser: narrow and wide, light and dark, with axe-core finding nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from examples.saas_app.customer import COOKIE
from examples.saas_app.inbox import body
from examples.saas_app.world import World, running


pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).with_name("axe.mjs")
TOOLS = ("playwright-core@1.56.1", "axe-core@4.11.0")


def program(*names: str) -> str:
    """The path of the first of these programs that there is."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"this machine has no {' or '.join(names)}")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """playwright-core and axe-core, installed by npm outside the repository."""
    folder = tmp_path_factory.mktemp("axe")
    (folder / "package.json").write_text("{}")
    done = subprocess.run(
        [program("npm"), "install", "--no-audit", "--no-fund", *TOOLS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"npm could not install {' '.join(TOOLS)}: {done.stderr.strip()[-300:]}")
    return folder


def cookies(world: World, customer: str) -> dict[str, str]:
    """Those of somebody who signed in."""
    with httpx2.Client(base_url=world.url) as browser:
        browser.post(f"/sign-in/{customer}")
        return {COOKIE: str(browser.cookies[COOKIE])}


def link(world: World, number: int) -> str:
    """The link of a mail."""
    (found,) = re.findall(rf"{world.url}/pay/\S+", body(world.inbox.mails[number], "plain"))
    return str(found)


def test_axe_finds_nothing_on_any_page(tools: Path, tmp_path: Path) -> None:
    """Nor is a page wider than its window, nor loads it anything from elsewhere."""
    chromium, node = program("chromium", "chromium-browser", "google-chrome"), program("node")
    shots = os.environ.get("RETAINKIT_SHOTS")

    def look(**pages: str | tuple[str, Mapping[str, str]]) -> None:
        opened = [
            {"name": name, "url": page}
            if isinstance(page, str)
            else {"name": name, "url": page[0], "cookies": page[1]}
            for name, page in pages.items()
        ]
        done = subprocess.run(
            [node, str(SCRIPT), str(tools), chromium, *([shots] if shots else [])],
            input=json.dumps(opened),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == []

    with running(database=f"sqlite:///{tmp_path / 'app.db'}") as world:
        url, anna = world.url, cookies(world, "anna")
        look(home=f"{url}/", inbox_empty=f"{url}/inbox", timeline_new=f"{url}/customers/anna")
        world.turn(timedelta(days=1))
        look(product_notice=(f"{url}/", anna), product=(f"{url}/", cookies(world, "ben")))
        world.turn(timedelta(days=7))
        look(
            product_limited=(f"{url}/", anna),
            timeline_english=f"{url}/customers/anna",
            timeline_german=f"{url}/customers/anna?language=de",
            timeline_silent=f"{url}/customers/ben",
            health=f"{url}/health",
            inbox=f"{url}/inbox",
            mail=f"{url}/inbox/0",
            link=link(world, 1),
            link_expired=link(world, 0),
            link_unknown=f"{url}/pay/x",
        )
        hosted = httpx2.post(link(world, 1)).headers["location"]
        look(link_used=link(world, 1), hosted=hosted)
        httpx2.post(hosted, data={"card": "visa"}, follow_redirects=True, timeout=20)
        look(product_recovered=(f"{url}/", anna), timeline_recovered=f"{url}/customers/anna")
