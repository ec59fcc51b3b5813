"""Documents: pydantic types for what people write in YAML or JSON; rules live in the domain rooms.

The only room, beside adapters, that knows pydantic. Nothing loads it unless it is named.
"""

from __future__ import annotations

from retainkit.schema._health import health_schema, read_health
from retainkit.schema._money import Money
from retainkit.schema._rules import FileMistake, read_rules
from retainkit.schema._rules_schema import rules_schema


__all__ = [
    "FileMistake",
    "Money",
    "health_schema",
    "read_health",
    "read_rules",
    "rules_schema",
]
