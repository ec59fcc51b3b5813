"""What all pages share: the shop they show, the templates, and who is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Response
from fastapi.templating import Jinja2Templates

from retainkit import CustomerId
from retainkit.customers import Customer
from retainkit.ids import TenantId

from .shop import Shop


_TEMPLATES = Jinja2Templates(Path(__file__).parent / "pages")


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


OurShop = Annotated[Shop, Depends(_shop)]


def shown(request: Request, name: str, **values: object) -> Response:
    """A page, with the time the product goes by."""
    shop = _shop(request)
    everybody = [person(shop, customer) for customer in shop.customers()]
    given = {"now": shop.kit.clock.now(), "people": everybody, **values}
    return _TEMPLATES.TemplateResponse(request, name, given)


def person(shop: Shop, customer: str) -> Customer:
    """The customer, or 404."""
    found = shop.kit.directory.get(CustomerId(customer), tenant=TenantId("main"))
    if found is None:
        raise HTTPException(404, "There is no such customer.")
    return found
