"""Health: a score that says what it is made of, how much of it is known, and why it moved.

Pure values and functions above `signals`; what is kept of it is on the timeline.
"""

from __future__ import annotations

from retainkit.health._backtest import backtest
from retainkit.health._bands import UNKNOWN, Band, Bands, Edge
from retainkit.health._change import MODEL, Shift, explain_change
from retainkit.health._checks import LIMITS, START
from retainkit.health._columns import HealthColumns, score_columns
from retainkit.health._data import model_data
from retainkit.health._document import read_health_models
from retainkit.health._engagement import ATTENDED, CAUTION, Engagement, engagement_effect
from retainkit.health._feature import (
    RESCORE_REQUESTED,
    HealthCase,
    HealthFeature,
    health_case,
    rescore_request,
)
from retainkit.health._fixed import Points, decayed
from retainkit.health._found import (
    BackTest,
    BandOutcome,
    ComponentTest,
    FalseGreen,
    GroupTest,
    LeadTime,
    Look,
)
from retainkit.health._history import (
    BAND_CHANGED,
    HISTORY_EVENTS,
    SCORED,
    history,
    point_at,
)
from retainkit.health._mappings import (
    Bound,
    Case,
    Direction,
    Factors,
    Linear,
    MappingOf,
    Outside,
    Steps,
    Table,
)
from retainkit.health._model import Cap, Combine, Component, HealthModel
from retainkit.health._models import HealthModels
from retainkit.health._override import (
    OVERRIDE_END_REQUESTED,
    OVERRIDE_REQUESTED,
    Override,
    request_end,
    request_override,
)
from retainkit.health._score import Contribution, Health, Silence, Standing, score
from retainkit.health._statistics import FEWEST, Estimate, Unclaimed
from retainkit.health._stays import (
    KnownValue,
    ReadingsAt,
    Stay,
    known_events,
    known_values,
    stay_of,
)
from retainkit.health._told import Found, Verdict
from retainkit.health._trend import HealthPoint


__all__ = [
    "ATTENDED",
    "BAND_CHANGED",
    "CAUTION",
    "FEWEST",
    "HISTORY_EVENTS",
    "LIMITS",
    "MODEL",
    "OVERRIDE_END_REQUESTED",
    "OVERRIDE_REQUESTED",
    "RESCORE_REQUESTED",
    "SCORED",
    "START",
    "UNKNOWN",
    "BackTest",
    "Band",
    "BandOutcome",
    "Bands",
    "Bound",
    "Cap",
    "Case",
    "Combine",
    "Component",
    "ComponentTest",
    "Contribution",
    "Direction",
    "Edge",
    "Engagement",
    "Estimate",
    "Factors",
    "FalseGreen",
    "Found",
    "GroupTest",
    "Health",
    "HealthCase",
    "HealthColumns",
    "HealthFeature",
    "HealthModel",
    "HealthModels",
    "HealthPoint",
    "KnownValue",
    "LeadTime",
    "Linear",
    "Look",
    "MappingOf",
    "Outside",
    "Override",
    "Points",
    "ReadingsAt",
    "Shift",
    "Silence",
    "Standing",
    "Stay",
    "Steps",
    "Table",
    "Unclaimed",
    "Verdict",
    "backtest",
    "decayed",
    "engagement_effect",
    "explain_change",
    "health_case",
    "history",
    "known_events",
    "known_values",
    "model_data",
    "point_at",
    "read_health_models",
    "request_end",
    "request_override",
    "rescore_request",
    "score",
    "score_columns",
    "stay_of",
]
