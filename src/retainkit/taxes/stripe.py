"""Stripe Tax, through Stripe's own SDK: calculations, and transactions for the return."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol, TypeVar, cast
from urllib.parse import urlsplit

from attrs import frozen
from pydantic import BaseModel, ValidationError

from retainkit.billing.tax import (
    Buyer,
    Finding,
    QuoteState,
    TaxableLine,
    TaxArea,
    TaxBehavior,
    TaxCategory,
    TaxComponent,
    TaxedLine,
    TaxQuote,
    TaxReason,
    TaxRequest,
    TaxTreatment,
    UnverifiedVatId,
    VatIdStatus,
    quote_of,
)
from retainkit.errors import ConfigurationError, InvalidInput, ProviderError
from retainkit.money import STRIPE, Rounding, from_minor, round_fraction, rounded, to_minor
from retainkit.taxes import Filing, FilingState


__all__ = ["API_VERSION", "SAAS", "StripeTaxes"]

API_VERSION = "2025-03-31.basil"
"""The API version our requests ask for, so that one shape is read whatever SDK is installed."""

SAAS = "txcd_10103001"
"""Stripe's code of software as a service for businesses: https://docs.stripe.com/tax/tax-codes"""

S = TypeVar("S", bound=BaseModel)

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# https://docs.stripe.com/api/tax/calculations/object, `taxability_reason`.
_CATEGORIES = {
    "customer_exempt": TaxCategory.EXEMPT,
    "excluded_territory": TaxCategory.OUTSIDE_SCOPE,
    "not_collecting": TaxCategory.OUTSIDE_SCOPE,
    "not_subject_to_tax": TaxCategory.OUTSIDE_SCOPE,
    "portion_product_exempt": TaxCategory.EXEMPT,
    "portion_reduced_rated": TaxCategory.STANDARD,
    "portion_standard_rated": TaxCategory.STANDARD,
    "product_exempt": TaxCategory.EXEMPT,
    "product_exempt_holiday": TaxCategory.EXEMPT,
    "proportionally_rated": TaxCategory.STANDARD,
    "reduced_rated": TaxCategory.STANDARD,
    "reverse_charge": TaxCategory.REVERSE_CHARGE,
    "standard_rated": TaxCategory.STANDARD,
    "taxable_basis_reduced": TaxCategory.STANDARD,
    "zero_rated": TaxCategory.ZERO,
}


class _RateDetails(BaseModel):
    display_name: str = ""
    percentage_decimal: str = "0"


class _Jurisdiction(BaseModel):
    country: str
    state: str | None = None


class _Breakdown(BaseModel):
    amount: int
    jurisdiction: _Jurisdiction
    tax_rate_details: _RateDetails | None = None
    taxability_reason: str
    taxable_amount: int


class _Line(BaseModel):
    id: str
    amount: int
    amount_tax: int
    reference: str
    tax_behavior: TaxBehavior
    tax_breakdown: list[_Breakdown]


class _Lines(BaseModel):
    data: list[_Line]
    has_more: bool


class _Calculation(BaseModel):
    id: str
    line_items: _Lines


class _Transaction(BaseModel):
    id: str


class _Response(Protocol):
    data: object


class _Client(Protocol):
    def raw_request(self, method_: str, url_: str, **params: object) -> _Response: ...


@frozen
class _NoAnswer:
    """Why there is none; the finding that says so."""

    finding: Finding


class StripeTaxes:
    """
    Asks Stripe Tax, and reports sales to it.

    Stripe believes every VAT id of the right form; here one is sent only if a register has called
    it valid, or the request says that an unverified one is believed.

    Args:
        api_key: The secret or restricted key.

        tax_codes: Stripe's tax code for each category of lines.

        account: A connected account (``acct_...``) to ask for; else the key's own.

        base_url: Another address of the API, such as a test server's.

        timeout: The limit of one request.

        api_version: The API version of our requests.

    Raises:
        ConfigurationError: ``missing_extra``, ``stripe.api_key``, ``stripe.base_url``.
    """

    def __init__(
        self,
        api_key: str,
        *,
        tax_codes: Mapping[str, str] = MappingProxyType({"standard": SAAS}),
        account: str | None = None,
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=15),
        api_version: str = API_VERSION,
    ) -> None:
        _check(api_key, base_url)
        self._api_key = api_key
        self._tax_codes = dict(tax_codes)
        self._account = account
        self._base_url = base_url
        self._timeout = timeout
        self._version = api_version
        self._client: tuple[int, _Client] | None = None

    @property
    def name(self) -> str:
        """``stripe``."""
        return "stripe"

    def quote(self, request: TaxRequest) -> TaxQuote:
        """
        The tax by Stripe; see `TaxProvider.quote`.

        Raises:
            InvalidInput: ``tax.provider_credit`` for lines that credit others or are negative:
                Stripe takes sales back by `void`. ``tax.provider_category`` without a tax code.
        """
        if request.buyer.country is None:
            return _unknown(request, Finding(key="tax.buyer_country_unknown"))
        answer = self._ask("post", "/v1/tax/calculations", self._question(request))
        if isinstance(answer, _NoAnswer):
            return _unknown(request, answer.finding)
        calculation = _read(_Calculation, answer)
        answered = self._lines(calculation)
        if isinstance(answered, _NoAnswer):
            return _unknown(request, answered.finding)
        found = {line.reference: line for line in answered}
        if found.keys() != {line.id for line in request.lines}:
            raise _unreadable("line_items")
        taxed = []
        findings: list[Finding] = []
        for line in request.lines:
            made = _taxed(line, found[line.id], request)
            if isinstance(made, Finding):
                return _unknown(request, made)
            taxed.append(made)
            findings += _not_collected(made, found[line.id])
        return quote_of(taxed, request.currency, findings=tuple(findings), reference=calculation.id)

    def commit(self, quote: TaxQuote, *, reference: str) -> Filing:
        """Make a tax transaction of a calculation; see `TaxProvider.commit`."""
        if quote.state is not QuoteState.OK or quote.reference is None:
            raise InvalidInput(
                "Only a known quote of this provider can be reported",
                code="tax.quote_not_known",
                field="quote",
                value=quote.state.value,
                remedy="ask for a quote again, and report it when it is ok",
            )
        answer = self._ask(
            "post",
            "/v1/tax/transactions/create_from_calculation",
            {"calculation": quote.reference, "reference": reference},
            key=f"retainkit-tax-commit-{reference}",
        )
        return _filing(answer, reference, FilingState.FILED)

    def void(self, filing: Filing, *, reference: str) -> Filing:
        """Reverse a tax transaction wholly; see `TaxProvider.void`."""
        if filing.id is None:
            raise InvalidInput(
                "This sale is not known to be reported",
                code="tax.not_filed",
                field="filing",
                value=filing.reference,
                remedy="report it again with the same reference, and take that back",
            )
        answer = self._ask(
            "post",
            "/v1/tax/transactions/create_reversal",
            {"mode": "full", "original_transaction": filing.id, "reference": reference},
            key=f"retainkit-tax-void-{reference}",
        )
        return _filing(answer, reference, FilingState.VOIDED)

    # ------------------------------------------------------------------------------- requests

    def _question(self, request: TaxRequest) -> dict[str, object]:
        point = request.tax_point
        day = point.on or point.performed or point.invoiced or point.paid
        question: dict[str, object] = {
            "currency": request.currency.lower(),
            "customer_details": _customer(request.buyer, request.unverified),
            "expand": ["line_items.data.tax_breakdown"],
            "line_items": [self._item(line) for line in request.lines],
        }
        if day is not None:
            question["tax_date"] = int(datetime.combine(day, time(), UTC).timestamp())
        return question

    def _item(self, line: TaxableLine) -> dict[str, object]:
        if line.credits is not None or line.amount.amount < 0:
            raise InvalidInput(
                "Stripe Tax calculates sales, not credits",
                code="tax.provider_credit",
                field=f"lines[{line.id}]",
                value=str(line.amount.amount),
                remedy="take the sale back with void(), or hand the credit to calculate()",
            )
        code = self._tax_codes.get(line.category)
        if code is None:
            raise InvalidInput(
                "There is no tax code for this category",
                code="tax.provider_category",
                field=f"lines[{line.id}].category",
                value=line.category,
                remedy="name it in StripeTaxes(tax_codes={...})",
            )
        return {
            "amount": to_minor(rounded(line.amount, Rounding.HALF_UP), profile=STRIPE),
            "reference": line.id,
            "tax_behavior": line.behavior.value,
            "tax_code": code,
        }

    def _lines(self, calculation: _Calculation) -> list[_Line] | _NoAnswer:
        """All of them: an answer holds the first few alone."""
        page = calculation.line_items
        found = page.data
        while page.has_more and page.data:
            answer = self._ask(
                "get",
                f"/v1/tax/calculations/{calculation.id}/line_items",
                {"expand": ["data.tax_breakdown"], "limit": 100, "starting_after": found[-1].id},
            )
            if isinstance(answer, _NoAnswer):
                return answer
            page = _read(_Lines, answer)
            found = [*found, *page.data]
        return found

    def _ask(
        self, method: str, path: str, params: Mapping[str, object], *, key: str | None = None
    ) -> object | _NoAnswer:
        """One request, never repeated by the SDK."""
        import stripe

        options: dict[str, object] = {} if key is None else {"idempotency_key": key}
        if self._account is not None:
            options["stripe_account"] = self._account
        try:
            return self._sdk().raw_request(method, path, **params, **options).data
        except (stripe.AuthenticationError, stripe.PermissionError) as exc:
            raise ProviderError(
                "Stripe refuses the key",
                code="stripe.authentication",
                field="api_key",
                value=exc.code,
                remedy="set a key of this account that may use Stripe Tax",
            ) from exc
        except stripe.InvalidRequestError as exc:
            values = {"by": "stripe", "code": exc.code or "request_refused"}
            return _NoAnswer(Finding(key="tax.provider_refused", values=values))
        except stripe.StripeError as exc:
            values = {"by": "stripe", "error": type(exc).__name__}
            return _NoAnswer(Finding(key="tax.provider_unreachable", values=values))

    def _sdk(self) -> _Client:
        process = os.getpid()
        if self._client is not None and self._client[0] == process:
            return self._client[1]
        import stripe

        made = cast(
            "_Client",  # `raw_request` is untyped in the SDK
            stripe.StripeClient(
                self._api_key,
                stripe_version=self._version,
                max_network_retries=0,
                http_client=stripe.RequestsClient(timeout=self._timeout.total_seconds()),
                base_addresses={} if self._base_url is None else {"api": self._base_url},
            ),
        )
        self._client = (process, made)
        return made


def _check(api_key: str, base_url: str | None) -> None:
    try:
        import stripe  # noqa: F401
    except ImportError as exc:
        raise ConfigurationError(
            "The Stripe SDK is not installed",
            code="missing_extra",
            field="stripe",
            remedy="install retainkit-sdk[stripe]",
        ) from exc
    if not api_key:
        raise ConfigurationError(
            "Stripe needs a key",
            code="stripe.api_key",
            field="api_key",
            remedy="pass a secret or restricted key (sk_..., rk_...)",
        )
    address = urlsplit(base_url or "https://")
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise ConfigurationError(
            "The key would be sent unencrypted",
            code="stripe.base_url",
            field="base_url",
            value=base_url,
            remedy="use https, or a server on this machine",
        )


def _customer(buyer: Buyer, unverified: UnverifiedVatId) -> dict[str, object]:
    country, state = (buyer.country or "").strip().upper(), buyer.region
    address = {
        "country": {"EL": "GR", "UK": "GB"}.get(country, country),
        "postal_code": buyer.postcode,
        "state": None if state is None else state.strip().upper().removeprefix(f"{country}-"),
    }
    details: dict[str, object] = {
        "address": {name: value for name, value in address.items() if value is not None},
        "address_source": "billing",
    }
    status = buyer.vat_id_check.status
    believed = status is VatIdStatus.VALID or (
        status is VatIdStatus.UNVERIFIED and unverified is UnverifiedVatId.REVERSE_CHARGE
    )
    kind = _tax_id_type(buyer)
    if buyer.vat_id is not None and believed and kind is not None:
        details["tax_ids"] = [{"type": kind, "value": buyer.vat_id}]
    if buyer.exemption is not None:
        details["taxability_override"] = "customer_exempt"
    return details


def _tax_id_type(buyer: Buyer) -> str | None:
    place = buyer.territory
    if place is None:
        return None
    if place.area is TaxArea.EU or (buyer.vat_id or "").upper().startswith("XI"):
        return "eu_vat"
    return {"CH": "ch_vat", "GB": "gb_vat", "NO": "no_vat"}.get(place.country)


# -------------------------------------------------------------------------------------- answers


def _taxed(line: TaxableLine, answer: _Line, request: TaxRequest) -> TaxedLine | Finding:
    reasons = [part.taxability_reason for part in answer.tax_breakdown]
    unknown = [reason for reason in reasons if reason not in _CATEGORIES]
    if unknown or not reasons:
        values = {"by": "stripe", "line": line.id, "reason": " ".join(unknown)}
        return Finding(key="tax.provider_does_not_know", values=values)
    gross = answer.amount
    if answer.tax_behavior is TaxBehavior.EXCLUSIVE:
        gross += answer.amount_tax
    currency = request.currency
    net = gross - answer.amount_tax
    return TaxedLine(
        id=line.id,
        net=from_minor(net, currency, profile=STRIPE),
        tax=from_minor(answer.amount_tax, currency, profile=STRIPE),
        gross=from_minor(gross, currency, profile=STRIPE),
        treatment=_treatment(line, answer, net),
        source=line.id,
        period=line.period,
    )


def _treatment(line: TaxableLine, answer: _Line, net: int) -> TaxTreatment:
    """Of several jurisdictions, the one that taxes decides the category."""
    categories = [_CATEGORIES[part.taxability_reason] for part in answer.tax_breakdown]
    taxed = TaxCategory.STANDARD in categories
    category = TaxCategory.STANDARD if taxed else categories[0]
    where = answer.tax_breakdown[0].jurisdiction
    rate = _effective_rate(answer, net)
    if not rate and category is TaxCategory.STANDARD:
        category = TaxCategory.ZERO
    return TaxTreatment(
        category=category,
        rate=None if category is TaxCategory.OUTSIDE_SCOPE else rate,
        country=where.country,
        region=None if where.state is None else f"{where.country}-{where.state}",
        rate_category=line.category,
        reason=TaxReason.PROVIDER,
        exemption_code="VATEX-EU-AE" if category is TaxCategory.REVERSE_CHARGE else None,
        components=tuple(
            TaxComponent(name=part.tax_rate_details.display_name, rate=_share(part))
            for part in answer.tax_breakdown
            if part.tax_rate_details is not None and part.amount
        ),
        rate_source="stripe",
    )


def _effective_rate(answer: _Line, net: int) -> Fraction:
    """All rates together; where only a part of the charge is taxed, as a part of the whole."""
    if not answer.amount_tax:
        return Fraction(0)
    return sum((_share(part) * _base(part, net) for part in answer.tax_breakdown), Fraction(0))


def _base(part: _Breakdown, net: int) -> Fraction:
    """The taxed part of the charge in whole percents, as laws state it; cents would blur it."""
    if not net:
        return Fraction(1)
    return Fraction(round_fraction(Fraction(part.taxable_amount * 100, net), Rounding.HALF_UP), 100)


def _share(part: _Breakdown) -> Fraction:
    details = part.tax_rate_details
    return Fraction(0) if details is None else Fraction(Decimal(details.percentage_decimal)) / 100


def _not_collected(line: TaxedLine, answer: _Line) -> list[Finding]:
    if any(part.taxability_reason == "not_collecting" for part in answer.tax_breakdown):
        values = {"country": line.treatment.country, "line": line.id}
        return [Finding(key="tax.not_registered", values=values)]
    return []


def _unknown(request: TaxRequest, finding: Finding) -> TaxQuote:
    return TaxQuote(state=QuoteState.UNKNOWN, currency=request.currency, findings=(finding,))


def _filing(answer: object | _NoAnswer, reference: str, state: FilingState) -> Filing:
    if isinstance(answer, _NoAnswer):
        return Filing(state=FilingState.UNKNOWN, reference=reference, findings=(answer.finding,))
    return Filing(state=state, reference=reference, id=_read(_Transaction, answer).id)


def _read(shape: type[S], data: object) -> S:
    try:
        return shape.model_validate(data)
    except ValidationError as exc:
        raise _unreadable(shape.__name__) from exc


def _unreadable(what: str) -> ProviderError:
    return ProviderError(
        "Stripe's answer is not in a shape we know",
        code="stripe.unreadable",
        field="answer",
        value=what,
        remedy="update retainkit, and report this",
    )
