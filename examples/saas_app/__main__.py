"""Start the product with everything around it: ``python -m examples.saas_app``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from .world import running


def main() -> None:
    """Serve until Ctrl-C; SAAS_APP_DATABASE names another database than a SQLite file."""
    parser = argparse.ArgumentParser(prog="saas_app")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="notely-", ignore_cleanup_errors=True) as folder:
        database = os.environ.get("SAAS_APP_DATABASE") or f"sqlite:///{Path(folder) / 'app.db'}"
        with running(database=database, port=options.port) as world:
            print(f"Notely runs at {world.url} - stop it with Ctrl-C", flush=True)
            try:
                Event().wait()
            except KeyboardInterrupt:
                print("stopping")


if __name__ == "__main__":
    main()
