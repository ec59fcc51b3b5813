"""What the customer sees: notes, and what retainkit says about access."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from retainkit.customers import Customer

from .shop import Shop
from .view import OurShop, person, shown


COOKIE = "notely_session"
READ_ONLY = ("limited", "blocked")

pages = APIRouter()


@pages.get("/", response_class=HTMLResponse)
def product(request: Request, shop: OurShop) -> Response:
    """Notes for who is signed in; a choice of people for who is not."""
    customer = _signed_in(request, shop)
    if customer is None:
        return shown(request, "home.html")
    return shown(
        request,
        "product.html",
        customer=customer,
        access=shop.kit.access(customer.id),
        ended=_ended(shop, customer),
        writable=_writable(shop, customer),
    )


@pages.post("/sign-in/{customer}")
def sign_in(customer: str, shop: OurShop) -> Response:
    """No password in this example."""
    answer = RedirectResponse("/", 303)
    token = shop.sign_in(person(shop, customer).id)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax")
    return answer


@pages.post("/sign-out")
def sign_out() -> Response:
    """Forget who it was."""
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE)
    return answer


@pages.post("/notes")
def new_note(request: Request, shop: OurShop) -> Response:
    """Write one, where the access allows it."""
    customer = _signed_in(request, shop)
    if customer is not None and _writable(shop, customer):
        shop.write_note(customer.id)
    return RedirectResponse("/", 303)


@pages.post("/payment-method")
def payment_method(request: Request, shop: OurShop) -> Response:
    """Straight to Stripe's page: who is signed in needs no link from a mail."""
    customer, payments = _signed_in(request, shop), shop.kit.payments
    if customer is None or customer.reference is None or payments is None:
        return RedirectResponse("/", 303)
    page = payments.payment_method_page(
        customer.reference, seller="stripe", return_url=str(request.base_url)
    )
    return RedirectResponse(page.url, 303)


def _ended(shop: Shop, customer: Customer) -> bool:
    happened = {recorded.event.name for recorded in shop.kit.timeline(customer.id)}
    return "subscription.cancelled" in happened


def _writable(shop: Shop, customer: Customer) -> bool:
    return shop.kit.access(customer.id).level not in READ_ONLY and not _ended(shop, customer)


def _signed_in(request: Request, shop: Shop) -> Customer | None:
    customer = shop.signed_in(request.cookies.get(COOKIE, ""))
    return None if customer is None else person(shop, customer)
