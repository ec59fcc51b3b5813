"""``python -m retainkit``: the command line; its commands are in ``retainkit.cli``."""

from __future__ import annotations

import sys

from retainkit.cli import main


__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
