"""One call of the API as an endpoint sees it, the server's settings, and how lists are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum

from attrs import field, frozen

from retainkit.testing.stripe_server._errors import bad_parameter
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._state import State
from retainkit.testing.stripe_server._versions import LATEST


class AfterRetries(StrEnum):
    """What becomes of a subscription when Smart Retries are used up."""

    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCEL = "cancel"


SMART_RETRIES = tuple(timedelta(days=day) for day in (1, 3, 5, 7, 9, 11, 13, 14))
"""Eight tries within two weeks, Stripe's default.

https://docs.stripe.com/billing/revenue-recovery/smart-retries
"""


@frozen(kw_only=True)
class Settings:
    """
    How the account is set up; what Stripe's Dashboard would hold.

    Args:
        api_key: The only key that is let in.

        api_version: The account's version: for requests without a ``Stripe-Version`` header
            and for webhook endpoints without one of their own.

        smart_retries: Whether failed automatic payments are tried again by the server.

        retry_after: When, counted from the first failure.

        after_retries: What becomes of the subscription then.

        finalize_after: How long an automatic invoice stays a draft.

        refuses_paid: Whether a paid invoice refuses to be paid again, as Stripe's does.
            Without that guard a second payment takes effect, so that a test which looks for
            double charges is able to fail.
    """

    api_key: str
    api_version: str = LATEST
    smart_retries: bool = False
    retry_after: tuple[timedelta, ...] = SMART_RETRIES
    after_retries: AfterRetries = field(default=AfterRetries.PAST_DUE, converter=AfterRetries)
    finalize_after: timedelta = timedelta(hours=1)
    refuses_paid: bool = True


@frozen(kw_only=True)
class Call:
    """One call: the state to change, the settings, the ids of the path and the parameters."""

    state: State
    settings: Settings
    url: str
    path: tuple[str, ...]
    params: Params


@frozen(kw_only=True)
class Page:
    """A cut of a list."""

    items: list[JsonObject]
    url: str
    more: bool


Endpoint = Callable[[Call], "JsonObject | Page"]

PAGING = frozenset({"limit", "starting_after", "ending_before", "created"})


def page(call: Call, items: Iterable[JsonObject], url: str) -> Page:
    """Cut a list that is newest first: `limit`, cursors and the `created` range."""
    chosen = [item for item in items if _within(call.params, item)]
    limit = call.params.integer("limit", 10) or 0
    if not 1 <= limit <= 100:
        raise bad_parameter(
            "Invalid limit: must be between 1 and 100", param="limit", code="parameter_invalid"
        )
    ids = [item["id"] for item in chosen]
    before, after = call.params.text("ending_before"), call.params.text("starting_after")
    if after is not None:
        chosen = chosen[_position(ids, after, "starting_after") + 1 :]
    if before is not None:
        chosen = chosen[: _position(ids, before, "ending_before")]
        return Page(items=chosen[-limit:], url=url, more=len(chosen) > limit)
    return Page(items=chosen[:limit], url=url, more=len(chosen) > limit)


def _position(ids: list[str], ref: str, param: str) -> int:
    if ref not in ids:
        raise bad_parameter(f"No such object: '{ref}'", param=param, code="resource_missing")
    return ids.index(ref)


def _within(params: Params, item: JsonObject) -> bool:
    if "created" not in params:
        return True
    span = params.nested("created")
    at = item["created"]
    bounds = {name: span.integer(name) for name in ("gt", "gte", "lt", "lte")}
    gt, gte, lt, lte = bounds.values()
    return (
        (gt is None or at > gt)
        and (gte is None or at >= gte)
        and (lt is None or at < lt)
        and (lte is None or at <= lte)
    )
