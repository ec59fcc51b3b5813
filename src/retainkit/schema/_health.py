"""Files of health models: YAML with places for every mistake, and JSON Schema; no model is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retainkit.health import HealthModels, read_health_models
from retainkit.rules import Signal, Signals, declared
from retainkit.schema._rules import read_document
from retainkit.schema._rules_schema import closed, rules_schema


Schema = Mapping[str, object]


def read_health(
    text: str,
    signals: type[Signals] | Mapping[str, Signal] | None = None,
    *,
    file: str = "health.yaml",
) -> HealthModels:
    """
    The health models that a YAML or JSON text holds.

    Args:
        text: The file's content.

        signals: Declared in Python, beside those that the file declares.

        file: Its name, for errors.

    Raises:
        InvalidInput: ``health.mistakes``; its value has every `FileMistake`, in the order of the
            file, and its message has them as lines. ``yaml.too_large``.
        ConfigurationError: ``yaml.missing``.
    """
    return read_document(
        text, lambda data: read_health_models(data, signals), file, "health.mistakes"
    )


_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_TEXT: Schema = {"type": "string"}
_LENGTH: Schema = {"anyOf": [{"type": "string", "pattern": "^[0-9]+(w|d|h|min|s)$"}, {"const": 0}]}
_LIMIT: Schema = {"type": ["number", "string"]}
_EDGE: Schema = {"enum": ["upper_included", "lower_included"]}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}
_ENDS: Schema = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}


def health_schema(
    signals: type[Signals] | Mapping[str, Signal] | None = None,
) -> Mapping[str, object]:
    """
    The JSON Schema (2020-12) of files of health models over these signals.

    An editor that knows it offers names and words, and underlines the rest. It is weaker than
    `read_health`, which also knows weights, directions, gaps and currencies.

    Args:
        signals: Declared in Python. A file that declares signals of its own needs a schema without
            these, or with them.
    """
    known = dict(declared({} if signals is None else signals))
    rules = rules_schema(known)
    definitions = rules["$defs"]
    return {
        "$schema": rules["$schema"],
        "title": "Health models",
        **closed(
            {
                "signals": {"type": "object"},
                "segments": {"type": "object", "additionalProperties": _CONDITION},
                "models": _listed({"$ref": "#/$defs/model"}),
            },
            ("models",),
        ),
        "$defs": {
            **(definitions if isinstance(definitions, Mapping) else {}),
            "model": _model(),
            "component": _component(sorted(known)),
        },
    }


def _model() -> Schema:
    band = {
        "type": "array",
        "prefixItems": [_TEXT, _NUMBER, _NUMBER],
        "minItems": 3,
        "maxItems": 3,
    }
    return closed(
        {
            "id": {"type": "string", "minLength": 1},
            "doc": _TEXT,
            "segment": _CONDITION,
            "scale": _ENDS,
            "combine": {"enum": ["mean", "sum"]},
            "total": _NUMBER,
            "start": _NUMBER,
            "components": _listed({"$ref": "#/$defs/component"}),
            "caps": {
                "type": "array",
                "items": closed(
                    {"name": _TEXT, "when": _CONDITION, "at": _NUMBER}, ("name", "when", "at")
                ),
            },
            "bands": {"anyOf": [{"type": "object", "additionalProperties": _ENDS}, _listed(band)]},
            "edge": _EDGE,
            "hysteresis": _NUMBER,
            "minimum_coverage": _NUMBER,
            "trend_over": _LENGTH,
            "step": _NUMBER,
            "places": {"type": "integer", "minimum": 0, "maximum": 4},
        },
        ("id", "components", "bands"),
    )


def _component(names: Sequence[str]) -> Schema:
    mappings = _mappings()
    words: Schema = {
        "name": _TEXT,
        "doc": _TEXT,
        "signal": {"enum": list(names)} if names else _TEXT,
        "event": {"$ref": "#/$defs/event"},
        "direction": {"enum": ["higher_is_better", "lower_is_better"]},
        "weight": _NUMBER,
        "half_life": _LENGTH,
    }
    return {
        **closed({**words, **mappings}),
        "oneOf": [{"required": [word]} for word in mappings],
    }


def _mappings() -> Mapping[str, Schema]:
    """How a value becomes points, by the word; a component has one of them."""
    table = {"type": "object", "additionalProperties": _NUMBER}
    case = closed({"when": _CONDITION, "points": _NUMBER}, ("when", "points"))
    outside = {"enum": ["clamp", "ignore"]}
    return {
        "linear": closed(
            {"low": _LIMIT, "high": _LIMIT, "points": _ENDS, "outside": outside}, ("low", "high")
        ),
        "steps": closed(
            {"edges": _listed(_LIMIT), "points": _listed(_NUMBER), "edge": _EDGE},
            ("edges", "points"),
        ),
        "table": closed({"points": table, "otherwise": _NUMBER}, ("points",)),
        "factors": closed({"cases": _listed(case), "otherwise": _NUMBER}, ("cases",)),
    }


def _listed(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}
