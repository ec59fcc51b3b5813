"""Stripe's error answers, shaped as its API shapes them; raising them is up to others."""

from __future__ import annotations

from retainkit.testing.stripe_server._json import JsonObject


class ApiError(Exception):
    """
    An answer that is no success.

    Args:
        status: The HTTP status.

        error: The ``error`` object of the body.

        executed: Whether the endpoint had begun its work, so that the answer is kept for the
            idempotency key (https://docs.stripe.com/api/idempotent_requests).
    """

    def __init__(self, status: int, error: JsonObject, *, executed: bool = True) -> None:
        super().__init__(error.get("message", ""))
        self.status = status
        self.error = {key: value for key, value in error.items() if value is not None}
        self.executed = executed


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request can't be carried out; kept for the key."""
    return ApiError(
        400, {"type": "invalid_request_error", "message": message, "param": param, "code": code}
    )


def bad_parameter(message: str, *, param: str, code: str | None = None) -> ApiError:
    """400 of the validation: nothing began, so the key stays free."""
    return ApiError(
        400,
        {"type": "invalid_request_error", "message": message, "param": param, "code": code},
        executed=False,
    )


def missing_parameter(param: str) -> ApiError:
    """400: a required parameter is absent."""
    return bad_parameter(f"Missing required param: {param}.", param=param, code="parameter_missing")


def no_such(kind: str, ref: str, *, param: str = "id", status: int = 404) -> ApiError:
    """404 for the object in the path, 400 for one named by another parameter."""
    return ApiError(
        status,
        {
            "type": "invalid_request_error",
            "code": "resource_missing",
            "doc_url": "https://docs.stripe.com/error-codes/resource-missing",
            "message": f"No such {kind}: '{ref}'",
            "param": param,
        },
    )


def unknown_url(method: str, path: str) -> ApiError:
    """404: no such endpoint in this server."""
    return ApiError(
        404,
        {
            "type": "invalid_request_error",
            "message": f"Unrecognized request URL ({method}: {path}). If you are trying to list "
            "objects, remove the trailing slash. If you are trying to retrieve an object, make "
            "sure you passed a valid (non-empty) identifier in your code.",
        },
        executed=False,
    )


def bad_key(key: str) -> ApiError:
    """401: the API key is not this account's."""
    hidden = f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "****"
    return ApiError(
        401,
        {"type": "invalid_request_error", "message": f"Invalid API Key provided: {hidden}"},
        executed=False,
    )


def no_key() -> ApiError:
    """401: no API key at all."""
    return ApiError(
        401,
        {
            "type": "invalid_request_error",
            "message": "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
        },
        executed=False,
    )


def expired_key() -> ApiError:
    """401: the API key has expired."""
    return ApiError(
        401,
        {
            "type": "invalid_request_error",
            "code": "api_key_expired",
            "message": "Expired API Key provided: sk_test_*********",
        },
        executed=False,
    )


def rate_limited() -> ApiError:
    """429: too many requests; nothing began."""
    return ApiError(
        429,
        {
            "type": "invalid_request_error",
            "code": "rate_limit",
            "doc_url": "https://docs.stripe.com/error-codes/rate-limit",
            "message": "Request rate limit exceeded.",
        },
        executed=False,
    )


def key_in_use(key: str) -> ApiError:
    """409: another request with this idempotency key is under way."""
    return ApiError(
        409,
        {
            "type": "idempotency_error",
            "code": "idempotency_key_in_use",
            "doc_url": "https://docs.stripe.com/error-codes/idempotency-key-in-use",
            "message": "There is currently another in-progress request using this Idempotency "
            f"Key (that probably means you submitted twice, and the other request is still "
            f"going through): {key}.",
        },
        executed=False,
    )


def key_reused(message: str) -> ApiError:
    """400: the idempotency key was used for something else."""
    return ApiError(400, {"type": "idempotency_error", "message": message}, executed=False)


def server_error() -> ApiError:
    """500: Stripe's own failure; kept for the key, as Stripe does."""
    return ApiError(
        500,
        {
            "type": "api_error",
            "message": "An unknown error occurred. If you were creating a payment, please check "
            "whether it exists before trying again.",
        },
    )
