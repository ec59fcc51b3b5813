"""The command line of the server: prints one JSON line when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import datetime
from threading import Event

from retainkit.errors import RetainkitError
from retainkit.testing.stripe_server import API_KEY, AfterRetries, SignedAt, StripeServer
from retainkit.testing.stripe_server._versions import LATEST


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 when it can't start."""
    options = _parser().parse_args(arguments)
    try:
        server = StripeServer(
            seed=options.seed,
            now=options.now,
            port=options.port,
            db=options.db,
            api_key=options.api_key,
            api_version=options.api_version,
            smart_retries=options.smart_retries,
            after_retries=AfterRetries(options.after_retries),
            refuses_paid=not options.charges_paid,
            signed_at=SignedAt(options.signed_at),
            deliver_automatically=options.deliver,
        )
    except RetainkitError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stopped = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    with server:
        for url in options.webhook:
            server.webhook(url, secret=options.webhook_secret)
        ready = {"url": server.url, "api_key": server.api_key}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m retainkit.testing.stripe_server",
        description="A stateful Stripe on the loopback interface, for tests.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--db", help="SQLite file that keeps the state")
    parser.add_argument("--seed", type=int, default=0, help="ids derive from it")
    parser.add_argument(
        "--now",
        type=datetime.fromisoformat,
        help="where the clock stands, ISO 8601 with an offset; left out, the machine's clock",
    )
    parser.add_argument("--api-key", default=API_KEY)
    parser.add_argument("--api-version", default=LATEST)
    parser.add_argument("--smart-retries", action="store_true", help="try failed payments again")
    parser.add_argument(
        "--after-retries", choices=[each.value for each in AfterRetries], default="past_due"
    )
    parser.add_argument(
        "--charges-paid",
        action="store_true",
        help="let a second payment of a paid invoice take effect",
    )
    parser.add_argument("--webhook", action="append", default=[], help="URL of a receiver")
    parser.add_argument("--webhook-secret", default="whsec_retainkit")
    parser.add_argument("--deliver", action="store_true", help="deliver webhooks at once")
    parser.add_argument("--signed-at", choices=[each.value for each in SignedAt], default="machine")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
