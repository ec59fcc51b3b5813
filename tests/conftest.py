"""What all tests share: how hypothesis searches. A room's fixtures stay beside its tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


# Every run of CI tries the same examples, so that a red run is red again. A shared machine may be
# slow: pytest-timeout is the one that ends a test.
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "search")
