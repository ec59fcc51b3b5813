"""Speed, shown: `python bench/run.py NAME` prints one JSON line with value, anchor and ratio.

The anchor does the same work the best plain way, in the same run and in turns with ours: machines
are noisy, so the ratio of medians counts, not the times. `--list` names the benches.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


BENCHES = {
    "import-time": "import_time",
    "steps-sqlite": "steps",
    "steps-postgres": "steps",
    "steps-postgres-8": "steps",
    "due-scan": "due_scan",
    "ingest": "ingest",
    "signals-ingest": "signals_ingest",
    "demo": "demo",
    "preview": "previews",
    "preview-batch": "previews",
    "allocate": "previews",
    "health-nightly": "health_nightly",
    "rules-one": "rules_one",
    "rules-batch": "rules_batch",
    "rules-event": "rules_event",
}


def main() -> int:
    """Run one bench; 1 when its bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES))
    parser.add_argument("--list", action="store_true", help="one name a line")
    asked = parser.parse_args()
    if asked.list or asked.name is None:
        print("\n".join(BENCHES))
        return 0
    run: Callable[[str], dict[str, object]] = import_module(BENCHES[asked.name]).run
    result = run(asked.name)
    print(json.dumps({"bench": asked.name, **result}))
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
