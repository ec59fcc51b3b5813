"""Stripe's test cards and what the issuer says of each decline; charging lives in `_payments`.

Card names, tokens and which cards can't be attached: https://docs.stripe.com/testing.
Decline codes: https://docs.stripe.com/declines/codes. Advice codes:
https://docs.stripe.com/declines/card (``advice_code``). Network codes: Visa's categories as
listed by Checkout.com and Forte, Mastercard's merchant advice codes as listed by Braintree.
"""

from __future__ import annotations

from attrs import frozen

from retainkit.errors import InvalidInput
from retainkit.testing.stripe_server._json import JsonObject


@frozen(kw_only=True)
class TestCard:
    """
    A test card by its name.

    Args:
        name: What tests and the hosted page call it.

        last4: The digits a form shows; the server never takes or keeps a number.

        code: The error code of a charge; `None` for a card that works.

        decline_code: The decline code of a charge.

        tokens: Names Stripe gives the card in test mode.

        attachable: Whether it can be kept for a customer at all.

        asks: Whether the bank asks for authentication on each charge.

        blocked: Whether Stripe refuses the charge itself, before it reaches the network.
    """

    __test__ = False

    name: str
    last4: str
    brand: str = "visa"
    code: str | None = None
    decline_code: str | None = None
    tokens: tuple[str, ...] = ()
    attachable: bool = True
    asks: bool = False
    blocked: bool = False


@frozen(kw_only=True)
class Decline:
    """What the issuer says along with a decline code."""

    network_code: str | None = None
    advice: str | None = "try_again_later"
    mastercard: str | None = None


CARDS = (
    TestCard(name="visa", last4="4242", tokens=("pm_card_visa", "tok_visa")),
    TestCard(
        name="mastercard",
        last4="4444",
        brand="mastercard",
        tokens=("pm_card_mastercard", "tok_mastercard"),
    ),
    TestCard(name="amex", last4="8431", brand="amex", tokens=("pm_card_amex", "tok_amex")),
    TestCard(
        name="decline_after_attaching",
        last4="0341",
        code="card_declined",
        decline_code="generic_decline",
        tokens=("pm_card_chargeCustomerFail", "tok_chargeCustomerFail"),
    ),
    TestCard(
        name="lost_card_after_attaching",
        last4="0341",
        code="card_declined",
        decline_code="lost_card",
        tokens=("tok_visa_chargeCustomerFailLostCard",),
    ),
    TestCard(
        name="stolen_card_after_attaching",
        last4="0341",
        code="card_declined",
        decline_code="stolen_card",
        tokens=("tok_visa_chargeCustomerFailStolenCard",),
    ),
    TestCard(
        name="charge_declined",
        last4="0002",
        code="card_declined",
        decline_code="generic_decline",
        tokens=("pm_card_visa_chargeDeclined", "tok_visa_chargeDeclined"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_insufficient_funds",
        last4="9995",
        code="card_declined",
        decline_code="insufficient_funds",
        tokens=(
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "tok_visa_chargeDeclinedInsufficientFunds",
        ),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_lost_card",
        last4="9987",
        code="card_declined",
        decline_code="lost_card",
        tokens=("pm_card_visa_chargeDeclinedLostCard", "tok_visa_chargeDeclinedLostCard"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_stolen_card",
        last4="9979",
        code="card_declined",
        decline_code="stolen_card",
        tokens=("pm_card_visa_chargeDeclinedStolenCard", "tok_visa_chargeDeclinedStolenCard"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_expired_card",
        last4="0069",
        code="expired_card",
        tokens=("pm_card_chargeDeclinedExpiredCard", "tok_chargeDeclinedExpiredCard"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_incorrect_cvc",
        last4="0127",
        code="incorrect_cvc",
        tokens=("pm_card_chargeDeclinedIncorrectCvc", "tok_chargeDeclinedIncorrectCvc"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_processing_error",
        last4="0119",
        code="processing_error",
        tokens=("pm_card_chargeDeclinedProcessingError", "tok_chargeDeclinedProcessingError"),
        attachable=False,
    ),
    TestCard(
        name="charge_declined_velocity",
        last4="6975",
        code="card_declined",
        decline_code="card_velocity_exceeded",
        tokens=("pm_card_visa_chargeDeclinedVelocityLimitExceeded",),
        attachable=False,
    ),
    TestCard(
        name="radar_block",
        last4="0019",
        code="card_declined",
        decline_code="fraudulent",
        tokens=("pm_card_radarBlock",),
        blocked=True,
    ),
    TestCard(
        name="authentication_required",
        last4="3184",
        tokens=("pm_card_authenticationRequired", "tok_threeDSecure2Required"),
        asks=True,
    ),
    TestCard(
        name="authentication_then_decline",
        last4="1629",
        code="card_declined",
        decline_code="generic_decline",
        tokens=("pm_card_threeDSecureRequiredChargeDeclined",),
        asks=True,
    ),
)

# Error codes that Stripe gives without a decline code.
_OWN_ERROR_CODES = frozenset(
    {
        "expired_card",
        "incorrect_cvc",
        "incorrect_number",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "processing_error",
    }
)

_NEVER = "do_not_try_again"
_CORRECT = "confirm_card_data"

_DECLINES: dict[str, Decline] = {
    "approve_with_id": Decline(network_code="05"),
    "call_issuer": Decline(network_code="01"),
    "card_not_supported": Decline(network_code="57", advice=_NEVER),
    "card_velocity_exceeded": Decline(network_code="65", mastercard="02"),
    "currency_not_supported": Decline(network_code="57", advice=_NEVER),
    "do_not_honor": Decline(network_code="05", mastercard="02"),
    "do_not_try_again": Decline(network_code="05", advice=_NEVER, mastercard="03"),
    "duplicate_transaction": Decline(network_code="94", advice=None),
    "expired_card": Decline(network_code="54", advice=_CORRECT, mastercard="01"),
    "fraudulent": Decline(network_code="59", advice=_NEVER, mastercard="03"),
    "generic_decline": Decline(network_code="05", mastercard="02"),
    "incorrect_address": Decline(advice=_CORRECT),
    "incorrect_cvc": Decline(network_code="82", advice=_CORRECT),
    "incorrect_number": Decline(network_code="14", advice=_CORRECT),
    "incorrect_pin": Decline(network_code="55", advice=_CORRECT),
    "incorrect_zip": Decline(advice=_CORRECT),
    "insufficient_funds": Decline(network_code="51", mastercard="24"),
    "invalid_account": Decline(network_code="14", advice=_NEVER, mastercard="03"),
    "invalid_amount": Decline(network_code="13", advice=None),
    "invalid_cvc": Decline(advice=_CORRECT),
    "invalid_expiry_month": Decline(advice=_CORRECT),
    "invalid_expiry_year": Decline(advice=_CORRECT),
    "invalid_number": Decline(network_code="14", advice=_CORRECT),
    "invalid_pin": Decline(network_code="55", advice=_CORRECT),
    "issuer_not_available": Decline(network_code="91", mastercard="02"),
    "lost_card": Decline(network_code="41", advice=_NEVER, mastercard="03"),
    "merchant_blacklist": Decline(advice=_NEVER),
    "new_account_information_available": Decline(
        network_code="05", advice=_CORRECT, mastercard="01"
    ),
    "no_action_taken": Decline(network_code="05"),
    "not_permitted": Decline(network_code="57", advice=_NEVER),
    "offline_pin_required": Decline(network_code="55", advice=None),
    "online_or_offline_pin_required": Decline(network_code="55", advice=None),
    "pickup_card": Decline(network_code="04", advice=_NEVER, mastercard="03"),
    "pin_try_exceeded": Decline(network_code="75"),
    "previously_declined_do_not_retry": Decline(advice=_NEVER),
    "processing_error": Decline(network_code="96", mastercard="02"),
    "reenter_transaction": Decline(network_code="19"),
    "restricted_card": Decline(network_code="62", advice=_NEVER),
    "revocation_of_all_authorizations": Decline(network_code="R1", advice=_NEVER, mastercard="21"),
    "revocation_of_authorization": Decline(network_code="R1", advice=_NEVER, mastercard="21"),
    "security_violation": Decline(network_code="63", advice=_NEVER),
    "service_not_allowed": Decline(network_code="57", advice=None),
    "stolen_card": Decline(network_code="43", advice=_NEVER, mastercard="03"),
    "stop_payment_order": Decline(network_code="R0", advice=_NEVER, mastercard="21"),
    "testmode_decline": Decline(advice=None),
    "transaction_not_allowed": Decline(network_code="57", advice=_NEVER),
    "try_again_later": Decline(network_code="05"),
    "withdrawal_count_limit_exceeded": Decline(network_code="65"),
}

# Retries of these are scheduled but not carried out until there is another payment method:
# https://docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes
HARD_DECLINES = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)

_BY_TOKEN = {token: card for card in CARDS for token in card.tokens}
_BY_NAME = {card.name: card for card in CARDS}

LISTED = (
    "visa",
    "mastercard",
    "amex",
    "insufficient_funds",
    "expired_card",
    "lost_card",
    "do_not_honor",
    "authentication_required",
    "charge_declined",
)
"""The cards the hosted page offers, by name."""


def by_token(token: str) -> TestCard | None:
    """The card behind one of Stripe's test tokens."""
    return _BY_TOKEN.get(token)


def by_name(name: str) -> TestCard:
    """
    A card by its name, by one of Stripe's tokens, or by the decline code its charges meet.

    Raises:
        InvalidInput: There is no such card or decline code.
    """
    card = _BY_NAME.get(name) or _BY_TOKEN.get(name)
    if card is not None:
        return card
    if name not in _DECLINES:
        raise InvalidInput(
            "No such test card or decline code",
            code="stripe_server.card",
            field="card",
            value=name,
            remedy="use a name of CARDS, a token such as pm_card_visa, or one of Stripe's "
            "decline codes",
        )
    if name in _OWN_ERROR_CODES:
        return TestCard(name=name, last4="0341", code=name)
    return TestCard(name=name, last4="0341", code="card_declined", decline_code=name)


def behaviour(
    card: TestCard,
    *,
    brand: str,
    advice_code: str | None = None,
    network_decline_code: str | None = None,
    network_advice_code: str | None = None,
) -> JsonObject:
    """How charges of the card end; an empty code leaves the field out of the error."""
    said = _DECLINES.get(card.decline_code or card.code or "", Decline(advice=None))
    network_advice = said.mastercard if brand == "mastercard" else None
    return {
        "name": card.name,
        "code": card.code,
        "decline_code": card.decline_code,
        "advice_code": _chosen(advice_code, said.advice),
        "network_decline_code": _chosen(network_decline_code, said.network_code),
        "network_advice_code": _chosen(network_advice_code, network_advice),
        "attachable": card.attachable,
        "asks": card.asks,
        "blocked": card.blocked,
        "until": None,
        "left": None,
    }


def _chosen(override: str | None, default: str | None) -> str | None:
    return default if override is None else override or None
