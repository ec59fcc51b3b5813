"""A folder with a product's database, and its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.toy import Parcels

from retainkit.engine import RetainKit
from retainkit.stores.sql import SqlStore


ROOT = Path(__file__).parents[2]


class Shop:
    """The product: its kit seen from here, its commands run as a host runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqlStore(f"sqlite:///{folder / 'app.db'}")
        self.kit = RetainKit(store=self.store, features=[Parcels()])
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, slowness: str = "0") -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        started = subprocess.Popen(
            [sys.executable, "-m", "retainkit", *arguments],
            env={
                **os.environ,
                "PYTHONPATH": paths,
                "SHOP_FOLDER": str(self.folder),
                "SHOP_SLOWNESS": slowness,
            },
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(started)
        return started

    def close(self) -> None:
        """Leave no process behind, however the story ended."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.store.close()

    def done(self) -> list[str]:
        """What left the house, in order."""
        book = self.folder / "done"
        return book.read_text().split() if book.exists() else []


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A product with a migrated database."""
    shop = Shop(tmp_path)
    shop.store.migrate()
    yield shop
    shop.close()
