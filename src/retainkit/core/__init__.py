"""Past, now and future as frozen values; no store, no clock, no feature lives here."""

from __future__ import annotations

from retainkit.core._because import Because
from retainkit.core._caseless import Caseless
from retainkit.core._decision import (
    EVERY_NAME,
    Case,
    Decision,
    Due,
    Facts,
    Feature,
    Measuring,
    Performed,
    Trigger,
    Woken,
)
from retainkit.core._event import Event, EventState, Origin, RecordedEvent
from retainkit.core._json import (
    JsonObject,
    JsonValue,
    check_id,
    check_json,
    check_text,
    content_hash,
    dumps,
    loads,
)
from retainkit.core._one_case import OneCase
from retainkit.core._outcome import Answer, NoEffect, NotSent, Outcome, Settled, Unknown
from retainkit.core._projection import STANDING, Bucket, Member, Part, Wanted
from retainkit.core._record import Record
from retainkit.core._schedule import Effect, EffectState, Intent, Item, Lease, Skills, Timer


__all__ = [
    "EVERY_NAME",
    "STANDING",
    "Answer",
    "Because",
    "Bucket",
    "Case",
    "Caseless",
    "Decision",
    "Due",
    "Effect",
    "EffectState",
    "Event",
    "EventState",
    "Facts",
    "Feature",
    "Intent",
    "Item",
    "JsonObject",
    "JsonValue",
    "Lease",
    "Measuring",
    "Member",
    "NoEffect",
    "NotSent",
    "OneCase",
    "Origin",
    "Outcome",
    "Part",
    "Performed",
    "Record",
    "RecordedEvent",
    "Settled",
    "Skills",
    "Timer",
    "Trigger",
    "Unknown",
    "Wanted",
    "Woken",
    "check_id",
    "check_json",
    "check_text",
    "content_hash",
    "dumps",
    "loads",
]
