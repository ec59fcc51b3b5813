"""Which endpoint answers which method and path, and which parameters it knows."""

from __future__ import annotations

import re

from attrs import frozen

from retainkit.testing.stripe_server import (
    _catalog,
    _customers,
    _events,
    _invoices,
    _payment_methods,
    _payments,
    _sessions,
    _subscriptions,
    _tax,
)
from retainkit.testing.stripe_server._call import PAGING, Endpoint


_NOTHING: frozenset[str] = frozenset()


@frozen
class Route:
    """An endpoint under its method and path."""

    method: str
    path: str
    endpoint: Endpoint
    fields: frozenset[str] = _NOTHING


_ROUTES = (
    Route("POST", "/v1/customers", _customers.create, _customers.FIELDS),
    Route("GET", "/v1/customers", _customers.list_all, _customers.LISTED),
    Route("GET", "/v1/customers/{}", _customers.retrieve),
    Route("POST", "/v1/customers/{}", _customers.update, _customers.UPDATABLE),
    Route(
        "GET",
        "/v1/customers/{}/payment_methods",
        _payment_methods.list_of_customer,
        _payment_methods.LISTED,
    ),
    Route("GET", "/v1/customers/{}/payment_methods/{}", _payment_methods.retrieve_of_customer),
    Route("POST", "/v1/payment_methods", _payment_methods.create, _payment_methods.FIELDS),
    Route("GET", "/v1/payment_methods", _payment_methods.list_all, _payment_methods.LISTED),
    Route("GET", "/v1/payment_methods/{}", _payment_methods.retrieve),
    Route("POST", "/v1/payment_methods/{}", _payment_methods.update, _payment_methods.UPDATABLE),
    Route(
        "POST",
        "/v1/payment_methods/{}/attach",
        _payment_methods.attach_one,
        frozenset({"customer"}),
    ),
    Route("POST", "/v1/payment_methods/{}/detach", _payment_methods.detach),
    Route("POST", "/v1/products", _catalog.create_product, _catalog.PRODUCT_FIELDS),
    Route("GET", "/v1/products", _catalog.list_products, PAGING),
    Route("GET", "/v1/products/{}", _catalog.retrieve_product),
    Route("POST", "/v1/prices", _catalog.create_price, _catalog.PRICE_FIELDS),
    Route("GET", "/v1/prices", _catalog.list_prices, _catalog.PRICES_LISTED),
    Route("GET", "/v1/prices/{}", _catalog.retrieve_price),
    Route("POST", "/v1/invoiceitems", _invoices.create_item, _invoices.ITEM_FIELDS),
    Route("POST", "/v1/invoices", _invoices.create, _invoices.FIELDS),
    Route("GET", "/v1/invoices", _invoices.list_all, _invoices.LISTED),
    Route("GET", "/v1/invoices/{}", _invoices.retrieve),
    Route("POST", "/v1/invoices/{}", _invoices.update, _invoices.UPDATABLE),
    Route("DELETE", "/v1/invoices/{}", _invoices.delete_draft),
    Route("GET", "/v1/invoices/{}/lines", _invoices.list_lines, PAGING),
    Route("POST", "/v1/invoices/{}/finalize", _invoices.finalize_one, _invoices.FINALIZING),
    Route("POST", "/v1/invoices/{}/pay", _invoices.pay, _invoices.PAYING),
    Route("POST", "/v1/invoices/{}/void", _invoices.void_one),
    Route("POST", "/v1/invoices/{}/mark_uncollectible", _invoices.write_off_one),
    Route("GET", "/v1/invoice_payments", _payments.list_payments, _payments.PAYMENTS_LISTED),
    Route("GET", "/v1/invoice_payments/{}", _payments.retrieve_payment),
    Route("GET", "/v1/payment_intents", _payments.list_intents, _payments.INTENTS_LISTED),
    Route("GET", "/v1/payment_intents/{}", _payments.retrieve_intent),
    Route("GET", "/v1/charges", _payments.list_charges, _payments.CHARGES_LISTED),
    Route("GET", "/v1/charges/{}", _payments.retrieve_charge),
    Route("POST", "/v1/subscriptions", _subscriptions.create, _subscriptions.FIELDS),
    Route("GET", "/v1/subscriptions", _subscriptions.list_all, _subscriptions.LISTED),
    Route("GET", "/v1/subscriptions/{}", _subscriptions.retrieve),
    Route("POST", "/v1/subscriptions/{}", _subscriptions.update, _subscriptions.UPDATABLE),
    Route("DELETE", "/v1/subscriptions/{}", _subscriptions.cancel, _subscriptions.CANCELLING),
    Route("POST", "/v1/setup_intents", _sessions.create_setup, _sessions.SETUP_FIELDS),
    Route("GET", "/v1/setup_intents", _sessions.list_setups, _sessions.SETUPS_LISTED),
    Route("GET", "/v1/setup_intents/{}", _sessions.retrieve_setup),
    Route(
        "POST",
        "/v1/setup_intents/{}/confirm",
        _sessions.confirm_one,
        frozenset({"payment_method"}),
    ),
    Route("POST", "/v1/checkout/sessions", _sessions.create_checkout, _sessions.CHECKOUT_FIELDS),
    Route("GET", "/v1/checkout/sessions", _sessions.list_checkouts, _sessions.CHECKOUTS_LISTED),
    Route("GET", "/v1/checkout/sessions/{}", _sessions.retrieve_checkout),
    Route("POST", "/v1/checkout/sessions/{}/expire", _sessions.expire_checkout),
    Route("POST", "/v1/billing_portal/sessions", _sessions.create_portal, _sessions.PORTAL_FIELDS),
    Route("POST", "/v1/tax/calculations", _tax.calculate, _tax.CALCULATION_FIELDS),
    Route("GET", "/v1/tax/calculations/{}/line_items", _tax.list_lines, _tax.LINES_LISTED),
    Route(
        "POST",
        "/v1/tax/transactions/create_from_calculation",
        _tax.commit,
        _tax.COMMIT_FIELDS,
    ),
    Route("POST", "/v1/tax/transactions/create_reversal", _tax.reverse, _tax.REVERSAL_FIELDS),
    Route("GET", "/v1/events", _events.list_all, _events.LISTED),
    Route("GET", "/v1/events/{}", _events.retrieve),
)

_PATTERNS = [(route, re.compile(route.path.replace("{}", "([^/]+)"))) for route in _ROUTES]


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a request and the ids in its path."""
    for route, pattern in _PATTERNS:
        if route.method == method and (match := pattern.fullmatch(path)):
            return route, match.groups()
    return None
