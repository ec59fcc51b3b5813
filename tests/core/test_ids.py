"""Ids that are derived from natural keys."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from retainkit.ids import derive


NAMESPACE = UUID("6f1f0f5e-3d0a-5b0e-9c53-7a1d5a0c2b11")


@given(st.lists(st.text(alphabet="ab~/01é☃ ", max_size=8), min_size=1, max_size=4))
def test_an_id_is_the_uuid_of_its_parts(parts: list[str]) -> None:
    """Whoever knows the parts can make the id with any library that knows version 5."""
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in parts]
    assert derive(*parts) == str(uuid5(NAMESPACE, "/".join(escaped)))


def test_a_separator_inside_a_part_is_no_separator() -> None:
    """Two keys never have one id."""
    assert derive("a", "b") != derive("a/b") != derive("a~1b")
