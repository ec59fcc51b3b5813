"""``python tests/vectors/run.py FILE...``: vectors against the public API, a line a kind.

Each row is translated into calls by `_proration`, `_tax`, `_invoices` or `_health`, by its kind,
and what comes back is compared. Rows of metrics have other keys for the same: metric, convention,
inputs. Printed are, per system and kind, passed, failed and not applicable, each
failure, the reason why a row is not applicable, ours beside the other's for TRAP rows, and last
the totals. The status is 1 when anything failed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


_ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]

from tests.vectors._rows import (  # noqa: E402  # the path comes first
    NotApplicable,
    Row,
    Translation,
    is_trap,
    verdict,
)


_MODULES = (
    "tests.vectors._proration",
    "tests.vectors._tax",
    "tests.vectors._invoices",
    "tests.vectors._health",
)


def translations() -> dict[str, Translation]:
    """Every translation, by the kind of row."""
    found: dict[str, Translation] = {}
    for name in _MODULES:
        if find_spec(name) is not None:
            module = import_module(name)
            found |= module.KINDS if hasattr(module, "KINDS") else {module.KIND: module.check}
    return found


def rows(path: Path) -> Iterator[Row]:
    """The rows of a file, one JSON object a line."""
    with path.open(encoding="utf-8") as lines:
        yield from (_row(json.loads(line)) for line in lines if line.strip())


def _row(read: Row) -> Row:
    """A row of metrics in the words of the others; one may state a rule without a result."""
    if "metric" not in read:
        return read
    return {
        **read,
        "kind": read["metric"],
        "system": read.get("convention"),
        "input": read.get("inputs", {}),
    }


class Tally:
    """What became of the rows; printed at the end, since systems are mixed in a file."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.details: list[str] = []

    def run(self, given: Iterable[Row]) -> None:
        """Translates and compares every row."""
        known = translations()
        for row in given:
            self._run(row, known.get(str(row.get("kind"))))

    def _run(self, row: Row, translate: Translation | None) -> None:
        needed = ("id", "system", "kind", "input", "expected")
        stated = {"expected"} if "metric" in row else set()
        missing = [key for key in needed if not row.get(key) and row.get(key) != {}]
        missing = [key for key in missing if key not in stated]
        if missing:
            self._count(row, "failed", f"this is no row: it lacks {', '.join(missing)}")
            return
        try:
            if translate is None:
                reason = f"no translation for the kind {row['kind']}"
                raise NotApplicable(reason)  # noqa: TRY301  # counted as the others are
            outcome, detail = verdict(row, translate(row))
        except NotApplicable as exc:
            outcome, detail = "not applicable", str(exc)
        except KeyError as exc:
            outcome, detail = "failed", f"the row lacks {exc}: {sorted(row.get('input', {}))}"
        except Exception as exc:  # noqa: BLE001  # a row that breaks must not hide the others
            outcome, detail = "failed", f"{type(exc).__name__}: {exc}"
        self._count(row, outcome, detail)

    def _count(self, row: Row, outcome: str, detail: str) -> None:
        kind = str(row.get("kind"))
        self.counts[str(row.get("system")), kind][outcome] += 1
        if outcome != "passed" or is_trap(row):
            mark = "TRAP" if outcome == "passed" else outcome
            self.details.append(f"  {mark}: {row.get('id')} ({kind}): {detail}")

    def totals(self) -> Counter[str]:
        """All systems and kinds together."""
        return sum(self.counts.values(), Counter())

    def text(self) -> str:
        """The whole report."""
        lines = [
            f"{system} {kind}: {count['passed']} passed, {count['failed']} failed,"
            f" {count['not applicable']} not applicable"
            for (system, kind), count in sorted(self.counts.items())
        ]
        total = self.totals()
        last = (
            f"{total['passed']} passed, {total['failed']} failed,"
            f" {total['not applicable']} not applicable"
        )
        return "\n".join([*lines, *self.details, last])


def main(paths: list[str]) -> int:
    """Run the files; 1 when a row failed, 2 without a file."""
    if not paths:
        print(__doc__, file=sys.stderr)  # noqa: T201  # how to call it
        return 2
    tally = Tally()
    for path in paths:
        tally.run(rows(Path(path)))
    print(tally.text())  # noqa: T201  # its output is its result
    return 1 if tally.totals()["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
