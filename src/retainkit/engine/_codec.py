"""Cases as JSON and back, by cattrs; loaded at first use, because cattrs costs import time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

from retainkit.core import JsonObject
from retainkit.money import Money, from_json, to_json


if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)


def dump(value: object) -> JsonObject:
    """A frozen value as a JSON object without floats."""
    body: JsonObject = _converter().unstructure(value)
    return body


def load(body: Mapping[str, object], type_: type[T]) -> T:
    """The frozen value of a type in a JSON object."""
    return _converter().structure(body, type_)


@cache
def _converter() -> Converter:
    from cattrs.preconf.json import make_converter

    # What is read was written here: nobody needs all that is wrong with it at once.
    converter = make_converter(omit_if_default=False, detailed_validation=False)
    converter.register_unstructure_hook(Money, to_json)
    converter.register_structure_hook(Money, lambda value, _: from_json(value))
    converter.register_unstructure_hook(datetime, _written)
    converter.register_structure_hook(datetime, lambda value, _: _read(value))
    converter.register_unstructure_hook(timedelta, lambda value: value // _MICROSECOND)
    converter.register_structure_hook(timedelta, lambda value, _: timedelta(microseconds=value))
    converter.register_unstructure_hook(Fraction, str)
    converter.register_structure_hook(Fraction, lambda value, _: Fraction(value))
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    converter.register_unstructure_hook(frozenset, sorted)
    converter.register_unstructure_hook_factory(_is_sparse, lambda type_: _lean(type_, converter))
    return converter


# A case waits for few instants, and says each of them many times.
_read = lru_cache(maxsize=4096)(datetime.fromisoformat)
_written_utc = lru_cache(maxsize=4096)(datetime.isoformat)


def _written(at: datetime) -> str:
    """The same instant in two zones is equal, and written otherwise: only UTC is looked up."""
    return _written_utc(at) if at.tzinfo is UTC else at.isoformat()


def _is_sparse(type_: object) -> bool:
    return getattr(type_, "is_sparse", False) is True


def _lean(type_: type, converter: Converter) -> Callable[[object], JsonObject]:
    """How a value is written that is mostly empty: without what is as it is by default."""
    from cattrs.gen import make_dict_unstructure_fn

    return make_dict_unstructure_fn(type_, converter, _cattrs_omit_if_default=True)
