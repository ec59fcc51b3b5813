"""How Stripe's form encoding becomes nested parameters; what they mean is decided elsewhere."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from retainkit.testing.stripe_server._errors import bad_parameter, missing_parameter
from retainkit.testing.stripe_server._json import JsonObject


_PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def decode(encoded: str) -> JsonObject:
    """``a[b]=1&c[0][d]=2&e[]=3`` as ``{"a": {"b": "1"}, "c": [{"d": "2"}], "e": ["3"]}``."""
    root: JsonObject = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        parts = _PART.findall(name)
        inside = root
        for part in parts[:-1]:
            inside = inside.setdefault(part or str(len(inside)), {})
        last = parts[-1]
        inside[last or str(len(inside))] = value
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}


class Params:
    """
    The parameters of one request, read by type; a wrong one is Stripe's 400 before any effect.

    An empty string unsets a value, as Stripe has it.
    """

    def __init__(self, values: JsonObject) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def only(self, names: frozenset[str]) -> None:
        """Refuse every parameter this endpoint doesn't know, rather than ignore it."""
        for name in self._values:
            if name not in names and name != "expand":
                raise bad_parameter(
                    f"Received unknown parameter: {name}", param=name, code="parameter_unknown"
                )

    def text(self, name: str, default: str | None = None) -> str | None:
        """A string; empty is `None`."""
        value = self._values.get(name, default)
        if value is not None and not isinstance(value, str):
            raise bad_parameter("Invalid string", param=name)
        return value or None

    def required(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise missing_parameter(name)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """One of a few strings."""
        value = self.text(name) or default
        if value not in allowed:
            raise bad_parameter(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise bad_parameter(
                f"Invalid integer: {value}", param=name, code="parameter_invalid_integer"
            ) from None

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """``true`` or ``false``."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false"}:
            raise bad_parameter(f"Invalid boolean: {value}", param=name)
        return value.lower() == "true"

    def nested(self, name: str) -> Params:
        """A hash; absent or empty is an empty one."""
        value = self._values.get(name) or {}
        if not isinstance(value, dict):
            raise bad_parameter("Invalid object", param=name)
        return Params(value)

    def plain(self, name: str) -> JsonObject | None:
        """A hash as it was sent; empty is `None`."""
        value = self._values.get(name) or None
        if value is not None and not isinstance(value, dict):
            raise bad_parameter("Invalid object", param=name)
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        value = self._values.get(name) or []
        if not isinstance(value, list):
            raise bad_parameter("Invalid array", param=name)
        return [str(item) for item in value]

    def each(self, name: str) -> list[Params]:
        """A list of hashes."""
        value = self._values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_parameter("Invalid array", param=name)
        return [Params(item) for item in value]

    def metadata(self, before: JsonObject | None = None) -> JsonObject:
        """The metadata after this request: sent keys are set, empty ones dropped."""
        if self._values.get("metadata") == "":
            return {}
        merged = {**(before or {}), **(self.plain("metadata") or {})}
        return {key: value for key, value in merged.items() if value != ""}
