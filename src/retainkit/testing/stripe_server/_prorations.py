"""Changes of a subscription's items within a period, and what Stripe prorates for them.

The arithmetic is Stripe's own rule written out, https://docs.stripe.com/billing/subscriptions/prorations:
by seconds of the current period, each line rounded to the minor unit, half away from zero. It
shares nothing with `retainkit.billing`, which is tested against it.
"""

from __future__ import annotations

from retainkit.testing.stripe_server._billing import bill_prorations
from retainkit.testing.stripe_server._call import Call
from retainkit.testing.stripe_server._catalog import plan_of
from retainkit.testing.stripe_server._errors import bad_parameter, invalid
from retainkit.testing.stripe_server._invoice_life import collect, finalize, usable_method
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._state import State, instant


BEHAVIOURS = ("create_prorations", "always_invoice", "none")


def prorated(amount: int, left: int, whole: int) -> int:
    """So many seconds' part of an amount, to the minor unit, half away from zero."""
    part = (2 * abs(amount) * left + whole) // (2 * whole)
    return part if amount >= 0 else -part


def change_items(call: Call, subscription: JsonObject) -> JsonObject:
    """Change, add and delete items; gives what the subscription had before."""
    state, params = call.state, call.params
    behaviour = params.choice("proration_behavior", BEHAVIOURS, "create_prorations")
    if params.choice("billing_cycle_anchor", ("now", "unchanged"), "unchanged") == "now":
        raise bad_parameter("This server keeps the anchor.", param="billing_cycle_anchor")
    at = _moment(call, subscription)
    before = {"items": copied(subscription["items"])}
    changed = [
        _change(state, subscription, f"items[{number}]", wanted)
        for number, wanted in enumerate(params.each("items"))
    ]
    items = subscription["items"]["data"]
    if not items:
        raise invalid("A subscription must have at least one active plan.", param="items")
    state.save(subscription)
    for item, old in changed:
        if behaviour != "none":
            _prorate(state, subscription, item, old, at)
    if behaviour == "always_invoice":
        _invoice_now(call, subscription)
    return before


def _moment(call: Call, subscription: JsonObject) -> int:
    """When the change counts as made: now, or at the date sent."""
    item = subscription["items"]["data"][0]
    at = call.params.integer("proration_date")
    if at is None:
        return call.state.now
    if not item["current_period_start"] <= at <= item["current_period_end"]:
        raise invalid(
            "Invalid proration_date: it must be within the subscription's current period.",
            param="proration_date",
        )
    return at


def _change(
    state: State, subscription: JsonObject, param: str, wanted: Params
) -> tuple[JsonObject, JsonObject | None]:
    """The item after the change, and before it; None when it is a new one."""
    wanted.only(frozenset({"id", "price", "quantity", "deleted"}))
    items = subscription["items"]["data"]
    first = items[0]
    ref = wanted.text("id")
    price = _price(state, first, wanted, param)
    if ref is None:
        if price is None:
            raise bad_parameter(f"Missing required param: {param}[price].", param=param)
        item = {
            **copied(first),
            "id": state.new_id("si"),
            "created": state.now,
            "plan": plan_of(price),
            "price": copied(price),
            "quantity": wanted.integer("quantity", 1),
        }
        items.append(item)
        return item, None
    known = {each["id"]: each for each in items}
    if ref not in known:
        raise invalid(f"No such subscription item: '{ref}'", param=f"{param}[id]")
    item = known[ref]
    old = copied(item)
    if wanted.boolean("deleted"):
        items.remove(item)
        return {**item, "quantity": 0}, old
    if price is not None:
        item |= {"plan": plan_of(price), "price": copied(price)}
    if "quantity" in wanted:
        item["quantity"] = wanted.integer("quantity")
    elif price is not None:
        item["quantity"] = 1  # https://docs.stripe.com/api/subscriptions/update: the default
    return item, old


def _price(state: State, first: JsonObject, wanted: Params, param: str) -> JsonObject | None:
    ref = wanted.text("price")
    if ref is None:
        return None
    price = state.get("price", ref, param=f"{param}[price]", status=400)
    spans = [
        None if each is None else (each["interval"], each["interval_count"])
        for each in (price["recurring"], first["price"]["recurring"])
    ]
    if spans[0] != spans[1] or price["currency"] != first["price"]["currency"]:
        raise bad_parameter(
            "This server changes to prices of the same interval and currency only.",
            param=f"{param}[price]",
        )
    return price


def _prorate(
    state: State, subscription: JsonObject, item: JsonObject, old: JsonObject | None, at: int
) -> None:
    start, end = item["current_period_start"], item["current_period_end"]
    hidden = subscription[HIDDEN]["billed"]
    same = old is not None and (old["price"]["id"], old["quantity"]) == (
        item["price"]["id"],
        item["quantity"],
    )
    if same or at >= end:
        return
    # Flexible billing credits what was last billed, classic what the item costs now.
    flexible = subscription["billing_mode"]["type"] == "flexible"
    credited = hidden.get(item["id"]) if flexible else old
    day = f"{instant(at):%d %b %Y}"
    for basis, sign, word in ((credited, -1, "Unused time on"), (item, 1, "Remaining time on")):
        if basis is None or not basis["quantity"]:
            continue
        price, quantity = basis["price"], basis["quantity"]
        product = state.get("product", price["product"])
        counted = f"{quantity} × " if quantity != 1 else ""  # noqa: RUF001 - as Stripe writes it
        _pending(
            state,
            subscription,
            item["id"],
            price,
            quantity,
            amount=prorated(sign * price["unit_amount"] * quantity, end - at, end - start),
            description=f"{word} {counted}{product['name']} after {day}",
            period=(at, end),
        )
    hidden[item["id"]] = {"price": copied(item["price"]), "quantity": item["quantity"]}
    state.save(subscription)


def _pending(
    state: State,
    subscription: JsonObject,
    item: str,
    price: JsonObject,
    quantity: int,
    *,
    amount: int,
    description: str,
    period: tuple[int, int],
) -> None:
    """An invoice item that the subscription's next invoice takes."""
    made = state.save(
        {
            "id": state.new_id("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": subscription["currency"],
            "customer": subscription["customer"],
            "customer_account": None,
            "date": state.now,
            "description": description,
            "discountable": False,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "net_amount": amount,
            "parent": {
                "subscription_details": {
                    "subscription": subscription["id"],
                    "subscription_item": item,
                },
                "type": "subscription_details",
            },
            "period": {"start": period[0], "end": period[1]},
            "pricing": {
                "price_details": {"price": price["id"], "product": price["product"]},
                "type": "price_details",
                "unit_amount_decimal": price["unit_amount_decimal"],
            },
            "proration": True,
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "tax_rates": [],
            "test_clock": None,
            HIDDEN: {"price": copied(price)},
        }
    )
    state.emit("invoiceitem.created", made)


def _invoice_now(call: Call, subscription: JsonObject) -> None:
    state = call.state
    invoice = bill_prorations(state, subscription)
    if invoice is None:
        return
    state.change(subscription, latest_invoice=invoice["id"])
    finalize(state, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(state, call.settings, invoice, usable_method(state, invoice), automatic=True)
