"""What an error of Stripe's SDK means: nothing happened, unclear, refused, or set up wrongly."""

from __future__ import annotations

from datetime import timedelta

import stripe
from attrs import frozen

from retainkit.core import NotSent, Unknown
from retainkit.errors import ProviderError
from retainkit.payments._stripe_shapes import PaymentError


_CONFLICT = 409
_PAYMENT_REQUIRED = 402
_FORBIDDEN = 403
_UNAUTHORIZED = 401
_NOT_FOUND = 404

# Causes of a connection that never stood, so that nothing was sent. Not any SSLError: a TLS
# connection may break while the answer is read.
_NEVER_CONNECTED = frozenset(
    {
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "NameResolutionError",
        "NewConnectionError",
        "SSLCertVerificationError",
        "gaierror",
    }
)


@frozen(kw_only=True)
class Refusal:
    """
    Stripe understood and refused; this call changed nothing but the tries of a payment.

    Args:
        declined: Whether a payment was declined (402), rather than the request refused.

        missing: Whether the object in the path does not exist (404).

        error: The ``error`` object.
    """

    declined: bool
    missing: bool
    error: PaymentError

    @property
    def code(self) -> str:
        """A machine-readable word for the reason."""
        return self.error.code or "request_refused"


def translate(exc: stripe.StripeError) -> NotSent | Unknown | Refusal | ProviderError:
    """The meaning of an SDK error; a `ProviderError` is to be raised."""
    status = exc.http_status
    if isinstance(exc, stripe.APIConnectionError):
        return _connection(exc)
    if isinstance(exc, stripe.RateLimitError):
        return NotSent(reason="rate_limited", retry_after=_retry_after(exc))
    if status == _CONFLICT:
        # Somebody is at it with this key, or holds the object: nothing began, and the same key
        # will find what the other one did.
        return NotSent(reason="key_in_use", retry_after=_retry_after(exc))
    if isinstance(exc, stripe.IdempotencyError):
        # The key belongs to a request of another content, and that one may have had its effect.
        return Unknown(reason="key_of_another_request")
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return _set_up_wrongly(exc, status)
    if isinstance(exc, stripe.CardError | stripe.InvalidRequestError):
        return Refusal(
            declined=status == _PAYMENT_REQUIRED,
            missing=status == _NOT_FOUND,
            error=_error_of(exc),
        )
    # 5xx, and bodies that are no JSON: a proxy's page or a half answer proves nothing.
    return Unknown(reason="server_error")


def _connection(exc: stripe.APIConnectionError) -> NotSent | Unknown:
    words = _words(exc)
    if words & _NEVER_CONNECTED:
        return NotSent(reason="not_connected")
    if words & {"ReadTimeout", "ReadTimeoutError", "TimeoutError", "timeout"}:
        return Unknown(reason="timeout")
    return Unknown(reason="connection_lost")


def _words(exc: BaseException) -> set[str]:
    """The class names of the error, its causes and what urllib3 wraps."""
    words: set[str] = set()
    waiting: list[BaseException] = [exc]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        words.add(type(one).__name__)
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting.extend(each for each in inner if isinstance(each, BaseException))
    return words


def _retry_after(exc: stripe.StripeError) -> timedelta | None:
    for name, value in (exc.headers or {}).items():
        if name.lower() == "retry-after" and value.isascii() and value.isdigit():
            return timedelta(seconds=min(int(value), 86_400))
    return None


def _set_up_wrongly(exc: stripe.StripeError, status: int | None) -> ProviderError:
    refused = status == _FORBIDDEN
    return ProviderError(
        "Stripe refuses this key the right to do that" if refused else "Stripe refuses the key",
        code="stripe.permission" if refused else "stripe.authentication",
        field="api_key",
        value=exc.code or _error_of(exc).code,
        remedy="give the restricted key the missing permission"
        if refused
        else "set a valid secret key of this Stripe account",
    )


def _error_of(exc: stripe.StripeError) -> PaymentError:
    body = exc.json_body
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return PaymentError(code=exc.code)
    return PaymentError.model_validate(error)
