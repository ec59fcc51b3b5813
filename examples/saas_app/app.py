"""The product as FastAPI serves it; its pages are in the modules beside."""

from __future__ import annotations

from fastapi import FastAPI

from retainkit.contrib.fastapi import router

from . import customer, support
from .shop import Shop


def create_app(shop: Shop) -> FastAPI:
    """The whole product; retainkit's router brings the webhook and the pages of links in mails."""
    app = FastAPI(title="Notely", openapi_url=None)
    app.state.shop = shop
    app.include_router(router(shop.kit))
    app.include_router(customer.pages)
    app.include_router(support.pages)
    return app
