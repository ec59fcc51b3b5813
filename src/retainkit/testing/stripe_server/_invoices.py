"""The endpoints of invoices and invoice items; what becomes of one is in `_invoice_life`."""

from __future__ import annotations

from typing import Any

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._errors import bad_parameter, invalid
from retainkit.testing.stripe_server._invoice_life import (
    add_line,
    collect,
    finalize,
    new_invoice,
    settle,
    usable_method,
    void,
    write_off,
)
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied
from retainkit.testing.stripe_server._payment_methods import owned
from retainkit.testing.stripe_server._payments import close_payment
from retainkit.testing.stripe_server._state import State, seconds


FIELDS = frozenset(
    {
        "auto_advance",
        "collection_method",
        "currency",
        "customer",
        "days_until_due",
        "default_payment_method",
        "description",
        "due_date",
        "footer",
        "metadata",
        "pending_invoice_items_behavior",
    }
)
UPDATABLE = frozenset(
    {"auto_advance", "default_payment_method", "description", "footer", "metadata"}
)
LISTED = PAGING | {"collection_method", "customer", "status", "subscription"}
PAYING = frozenset({"payment_method", "off_session", "paid_out_of_band", "forgive"})
FINALIZING = frozenset({"auto_advance"})
ITEM_FIELDS = frozenset(
    {"amount", "currency", "customer", "description", "invoice", "metadata", "period"}
)
STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def create(call: Call) -> JsonObject:
    """POST /v1/invoices"""
    state, params = call.state, call.params
    customer = state.get("customer", params.required("customer"), param="customer", status=400)
    method = params.text("default_payment_method")
    if method is not None:
        owned(state, method, customer["id"], param="default_payment_method")
    collection = params.choice(
        "collection_method", ("charge_automatically", "send_invoice"), "charge_automatically"
    )
    days = params.integer("days_until_due")
    due = params.integer("due_date")
    if collection == "send_invoice" and days is None and due is None:
        raise bad_parameter(
            "If invoice.collection_method=send_invoice, you must specify due_date or "
            "days_until_due.",
            param="days_until_due",
        )
    invoice = new_invoice(
        state,
        customer,
        currency=params.text("currency") or customer["currency"] or "usd",
        auto_advance=params.boolean("auto_advance"),
        collection_method=collection,
        days_until_due=days,
        url=call.url,
    )
    changes: dict[str, Any] = {
        "default_payment_method": method,
        "description": params.text("description"),
        "footer": params.text("footer"),
        "metadata": params.metadata(),
    }
    if due is not None:
        changes["due_date"] = due
    if invoice["auto_advance"]:
        changes["automatically_finalizes_at"] = state.now + seconds(call.settings.finalize_after)
    state.change(invoice, **changes)
    if params.choice("pending_invoice_items_behavior", ("include", "exclude"), "exclude") == (
        "include"
    ):
        for item in state.all("invoiceitem"):
            if item["customer"] == customer["id"] and item["invoice"] is None:
                _bill(state, invoice, item)
    state.emit("invoice.created", invoice)
    return invoice


def retrieve(call: Call) -> JsonObject:
    """GET /v1/invoices/{id}"""
    return call.state.get("invoice", call.path[0], param="invoice")


def update(call: Call) -> JsonObject:
    """POST /v1/invoices/{id}"""
    state, params = call.state, call.params
    invoice = retrieve(call)
    changes: dict[str, Any] = {
        name: params.text(name) for name in ("description", "footer") if name in params
    }
    if "metadata" in params:
        changes["metadata"] = params.metadata(invoice["metadata"])
    if "default_payment_method" in params:
        method = params.text("default_payment_method")
        if method is not None:
            owned(state, method, invoice["customer"], param="default_payment_method")
        changes["default_payment_method"] = method
    if "auto_advance" in params:
        changes["auto_advance"] = params.boolean("auto_advance")
        if not changes["auto_advance"]:
            changes |= {"next_payment_attempt": None, "automatically_finalizes_at": None}
    previous = state.change(invoice, **changes)
    if previous:
        state.emit("invoice.updated", invoice, previous)
    return invoice


def finalize_one(call: Call) -> JsonObject:
    """POST /v1/invoices/{id}/finalize: an automatic first try follows an hour later."""
    state, invoice = call.state, retrieve(call)
    if "auto_advance" in call.params:
        state.change(invoice, auto_advance=call.params.boolean("auto_advance"))
    finalize(state, invoice)
    automatic = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    if invoice["status"] == "open" and automatic:
        state.change(
            invoice, next_payment_attempt=state.now + seconds(call.settings.finalize_after)
        )
    return invoice


def pay(call: Call) -> JsonObject:
    """POST /v1/invoices/{id}/pay: the paid invoice, or 402 with the decline."""
    state, params, invoice = call.state, call.params, retrieve(call)
    if invoice["status"] == "paid" and not call.settings.refuses_paid:
        _reopen(state, invoice)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid")
    if invoice["status"] == "void":
        raise invalid("Invoice is voided and can't be paid")
    if invoice["status"] == "draft":
        finalize(state, invoice)
        if invoice["status"] == "paid":
            return invoice
    if params.boolean("paid_out_of_band"):
        invoice[HIDDEN]["paid_out_of_band"] = True
        close_payment(state, invoice, "requested_by_customer")
        settle(state, invoice, amount=invoice["amount_remaining"])
        return invoice
    given = params.text("payment_method")
    method = (
        usable_method(state, invoice)
        if given is None
        else owned(state, given, invoice["customer"], param="payment_method")
    )
    if method is None:
        raise invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a "
            "`default_payment_method`."
        )
    tried = collect(
        state,
        call.settings,
        invoice,
        method,
        automatic=False,
        off_session=params.boolean("off_session", default=True),
    )
    assert tried is not None
    if not tried.approved:
        raise tried.refusal()
    return invoice


def void_one(call: Call) -> JsonObject:
    """POST /v1/invoices/{id}/void"""
    return void(call.state, retrieve(call))


def write_off_one(call: Call) -> JsonObject:
    """POST /v1/invoices/{id}/mark_uncollectible"""
    return write_off(call.state, retrieve(call))


def delete_draft(call: Call) -> JsonObject:
    """DELETE /v1/invoices/{id}: drafts only."""
    invoice = retrieve(call)
    if invoice["status"] != "draft":
        raise invalid("You can only delete draft invoices.", code="invoice_not_editable")
    call.state.forget("invoice", invoice["id"])
    call.state.emit("invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def list_all(call: Call) -> Page:
    """GET /v1/invoices"""
    params = call.params
    customer, collection = params.text("customer"), params.text("collection_method")
    status = params.text("status")
    if status is not None and status not in STATUSES:
        raise bad_parameter(f"Invalid status: must be one of {', '.join(STATUSES)}", param="status")
    subscription = params.text("subscription")
    found = (
        invoice
        for invoice in (
            call.state.latest("invoice")
            if customer is None
            else reversed(call.state.of("invoice", customer))
        )
        if collection in {None, invoice["collection_method"]}
        and status in {None, invoice["status"]}
        and subscription in {None, _subscription_id(invoice)}
    )
    return page(call, found, "/v1/invoices")


def list_lines(call: Call) -> Page:
    """GET /v1/invoices/{id}/lines"""
    invoice = retrieve(call)
    lines = [{**line, "created": invoice["created"]} for line in invoice["lines"]["data"]]
    cut = page(call, lines, f"/v1/invoices/{invoice['id']}/lines")
    for line in cut.items:
        del line["created"]
    return cut


def create_item(call: Call) -> JsonObject:
    """POST /v1/invoiceitems: an amount for one draft invoice, or for the next one."""
    state, params = call.state, call.params
    customer = state.get("customer", params.required("customer"), param="customer", status=400)
    amount = params.integer("amount")
    if amount is None:
        raise bad_parameter("Missing required param: amount.", param="amount")
    into = params.text("invoice")
    invoice = None if into is None else state.get("invoice", into, param="invoice", status=400)
    if invoice is not None and invoice["status"] != "draft":
        raise invalid(
            "The invoice is no longer editable.", param="invoice", code="invoice_not_editable"
        )
    item = state.save(
        {
            "id": state.new_id("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": params.text("currency") or (invoice or {}).get("currency") or "usd",
            "customer": customer["id"],
            "customer_account": None,
            "date": state.now,
            "description": params.text("description"),
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": params.metadata(),
            "net_amount": amount,
            "parent": None,
            "period": {"start": state.now, "end": state.now},
            "pricing": None,
            "proration": False,
            "quantity": 1,
            "quantity_decimal": "1",
            "tax_rates": [],
            "test_clock": None,
        }
    )
    if invoice is not None:
        _bill(state, invoice, item)
    state.emit("invoiceitem.created", item)
    return item


def _bill(state: State, invoice: JsonObject, item: JsonObject) -> None:
    add_line(
        state,
        invoice,
        item["amount"],
        description=item["description"],
        period=(item["period"]["start"], item["period"]["end"]),
        parent={
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": None,
                "subscription": None,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        metadata=copied(item["metadata"]),
    )
    state.change(item, invoice=invoice["id"])


def _reopen(state: State, invoice: JsonObject) -> None:
    """Let a paid invoice be charged again: the server was told to lack the guard."""
    invoice |= {"status": "open", "amount_remaining": invoice["amount_due"]}
    state.save(invoice)


def _subscription_id(invoice: JsonObject) -> str | None:
    parent = invoice["parent"]
    return None if parent is None else parent["subscription_details"]["subscription"]
