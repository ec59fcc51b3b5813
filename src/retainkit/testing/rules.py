"""A pytest plugin that collects the tests in rule files; ``-p retainkit.testing.rules`` loads it.

Files named ``*.rules.yaml`` are read; each test in them is one of pytest's, named after its rule,
and fails with the explanation of what the rule answered. Signals that are declared in Python are
named in the configuration: ``retainkit_signals = "shop.signals:Customer"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from retainkit.errors import ConfigurationError
from retainkit.messages.reasons import explained_lines
from retainkit.rules import Signals, Trial
from retainkit.schema import read_rules


__all__ = ["RuleFile", "RuleItem", "WrongAnswer", "pytest_addoption", "pytest_collect_file"]

_SUFFIXES = (".rules.yaml", ".rules.yml")
_OPTION = "retainkit_signals"


class WrongAnswer(AssertionError):
    """A rule answered otherwise than its test expects."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.rule)
        self.trial: Trial = trial


class RuleItem(pytest.Item):
    """One test of a rule."""

    trial: Trial

    def runtest(self) -> None:
        """Compare the answer with the expected one."""
        if not self.trial.passed:
            raise WrongAnswer(self.trial)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override] # a text is all there is
        """What was expected, what was answered, and why."""
        error = excinfo.value
        if not isinstance(error, WrongAnswer):
            return str(super().repr_failure(excinfo))
        lines = explained_lines(error.trial.explained, "en")
        return "\n".join((f"{error.trial.rule}: {error.trial}", *lines))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, and the rule with the name of its test."""
        return self.path, None, f"{self.trial.rule}: {self.trial.test.name}"


class RuleFile(pytest.File):
    """The tests in one rule file."""

    def collect(self) -> Iterator[pytest.Item]:
        """
        Each test of each rule.

        Raises:
            InvalidInput: As `retainkit.schema.read_rules`.
            ConfigurationError: ``pytest.signals`` when the configured class is not there.
        """
        signals = _configured(str(self.config.getini(_OPTION)))
        book = read_rules(self.path.read_text(encoding="utf-8"), signals, file=self.path.name)
        for trial in book.trials():
            item = RuleItem.from_parent(self, name=f"{trial.rule}: {trial.test.name}")
            item.trial = trial
            yield item


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``retainkit_signals``."""
    parser.addini(_OPTION, "module:Class of the signals that rule files read", default="")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> RuleFile | None:
    """Take rule files."""
    if file_path.name.endswith(_SUFFIXES):
        return RuleFile.from_parent(parent, path=file_path)
    return None


def _configured(where: str) -> type[Signals] | None:
    if not where:
        return None
    module, _, name = where.partition(":")
    found: object = None
    with suppress(ImportError, ValueError):
        found = getattr(import_module(module), name, None)
    if isinstance(found, type) and issubclass(found, Signals):
        return found
    raise ConfigurationError(
        "This names no class of signals",
        code="pytest.signals",
        field=_OPTION,
        value=where,
        remedy="write module:Class, with the module on pytest's path",
    )
