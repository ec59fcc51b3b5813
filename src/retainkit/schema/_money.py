"""Money in documents; the type itself, and all arithmetic, is in `retainkit.money`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

import retainkit.money
from retainkit.errors import InvalidInput
from retainkit.money import from_json, to_json


class _Crossing:
    """Where documents and money meet: checks both ways with `from_json` and `to_json`."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(to_json),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "object",
            "title": "Money",
            "properties": {
                "amount": {"type": "string", "examples": ["12.34"]},
                "currency": {"type": "string", "examples": ["EUR"]},
            },
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }


Money: TypeAlias = Annotated[retainkit.money.Money, _Crossing]


def _read(value: object) -> retainkit.money.Money:
    try:
        if isinstance(value, retainkit.money.Money):
            value = to_json(value)
        return from_json(value)
    except InvalidInput as exc:
        raise PydanticCustomError(
            "money", "{problem}", {"problem": str(exc), "code": exc.code}
        ) from exc
