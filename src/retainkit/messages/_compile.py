"""Compiles the catalogues: run ``python -m retainkit.messages._compile`` after each change."""

from __future__ import annotations

from pathlib import Path

from retainkit.messages._catalogues import compiled


LOCALE = Path(__file__).parent / "locale"


def main() -> None:
    """Write the .mo file beside each .po file of the package."""
    for source in sorted(LOCALE.rglob("*.po")):
        source.with_suffix(".mo").write_bytes(compiled(source.read_bytes()))


if __name__ == "__main__":
    main()
