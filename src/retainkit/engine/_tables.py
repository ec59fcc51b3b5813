"""Rows of data frames and files, in Python's own values; what they mean is in ``_load``."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from math import isnan
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from retainkit.errors import ConfigurationError, InvalidInput


Row: TypeAlias = "tuple[int, Sequence[object]]"

_NAMES_OF_MISSING = frozenset({"NAType", "NaTType"})
_BATCH = 10_000


@frozen(kw_only=True)
class Table:
    """
    Rows that can be gone through several times.

    Args:
        columns: Their names.

        rows: Gives the rows, each with its number: the line of a file, else counted from 1.
    """

    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


def table(data: object) -> Table:
    """
    The rows of a data frame, a dict of columns, or a CSV or Parquet file.

    Raises:
        InvalidInput: ``rules.no_frame``, ``rules.column_length``, ``signals.file``,
            ``signals.file_kind``, ``signals.row_length``, ``signals.column_twice``.
        ConfigurationError: ``missing_extra`` for Parquet without a library that reads it.
    """
    found = _file(Path(data)) if isinstance(data, str | Path) else _frame(data)
    for name in found.columns:
        if found.columns.count(name) > 1:
            raise InvalidInput(
                "Two columns have one name",
                code="signals.column_twice",
                field=name,
                value=name,
                remedy="leave one of them out",
            )
    return found


def is_missing(value: object) -> bool:
    """None, nothing, NaN, and what pandas has for them."""
    if isinstance(value, str):
        return not value
    if isinstance(value, float):
        return isnan(value)
    return value is None or type(value).__name__ in _NAMES_OF_MISSING


# ---- files


def _file(path: Path) -> Table:
    match path.suffix.lower():
        case ".csv":
            return _csv(path)
        case ".parquet":
            return _parquet(path)
        case other:
            raise InvalidInput(
                "A file of facts is a CSV or a Parquet file",
                code="signals.file_kind",
                field="data",
                value=other or path.name,
                remedy="name a .csv or .parquet file, or pass a data frame",
            )


def _csv(path: Path) -> Table:
    with _opened(path) as lines:
        columns = next(lines, (0, ()))[1]
    if not columns:
        raise _unreadable(path, "write the names of the columns in its first line")
    if len(columns) == 1 and (found := [each for each in ";\t|" if each in str(columns[0])]):
        raise _unreadable(path, f"separate values by commas, not by {found[0]!r}")

    def rows() -> Iterator[Row]:
        with _opened(path) as lines:
            next(lines, None)
            for line, values in lines:
                if len(values) != len(columns):
                    raise InvalidInput(
                        "A line has more or fewer values than the first one has names",
                        code="signals.row_length",
                        field=f"line {line}",
                        value=len(values),
                        remedy=f"write {len(columns)} values, in quotes where they hold a comma",
                    )
                yield line, values

    return Table(columns=tuple(map(str, columns)), rows=rows)


class _opened:  # noqa: N801 - used as a function
    """The lines of a CSV file that are not empty, each with its number; errors are ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterator[Row]:
        try:
            self._file = self._path.open(encoding="utf-8-sig", newline="")
        except OSError as exc:
            raise _unreadable(self._path, "name a file that is there") from exc
        return self._lines()

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[Row]:
        reader = csv.reader(self._file, strict=True)
        try:
            for values in reader:
                if values:
                    yield reader.line_num, values
        except csv.Error as exc:
            remedy = f"write line {reader.line_num} as CSV: {exc}"
            raise _unreadable(self._path, remedy) from exc
        except UnicodeDecodeError as exc:
            remedy = f"write line {_line_not_in_utf8(self._path)} in UTF-8"
            raise _unreadable(self._path, remedy) from exc


def _line_not_in_utf8(path: Path) -> int:
    """Its number; the reader is some thousand characters ahead."""
    with path.open("rb") as file:
        return 1 + sum(1 for _ in takewhile(_is_utf8, file))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parquet(path: Path) -> Table:
    if not path.is_file():
        raise _unreadable(path, "name a file that is there")
    arrow = _library("pyarrow.parquet")
    if arrow is not None:
        return _by_arrow(arrow, path)
    polars = _library("polars")
    if polars is not None:
        return _frame(_read(path, lambda: polars.read_parquet(path)))
    raise ConfigurationError(
        "Parquet files are read by pyarrow or by polars",
        code="missing_extra",
        field="data",
        value=path.suffix,
        remedy="pip install pyarrow, or write a CSV file",
    )


def _by_arrow(arrow: Any, path: Path) -> Table:
    """In batches: a file may be larger than memory."""
    file = _read(path, lambda: arrow.ParquetFile(path))

    def rows() -> Iterator[Row]:
        number = 0
        batches = file.iter_batches(batch_size=_BATCH)
        while (batch := _read(path, lambda: next(batches, None))) is not None:
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, values

    return Table(columns=tuple(file.schema_arrow.names), rows=rows)


def _read(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as exc:  # both libraries have errors of their own for a broken file
        raise _unreadable(path, "write it anew: it is damaged, or no Parquet file") from exc


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


def _unreadable(path: Path, remedy: str) -> InvalidInput:
    return InvalidInput(
        "This file can't be read",
        code="signals.file",
        field="data",
        value=path.name,
        remedy=remedy,
    )


# ---- frames: known by what they can do, so that no library of them is imported


def _frame(data: Any) -> Table:
    if isinstance(data, Mapping):
        return _columns(tuple(map(str, data)), tuple(data.values()))
    if hasattr(data, "collect_schema") and hasattr(data, "collect"):
        data = data.collect()  # a lazy frame of polars
    if hasattr(data, "iter_rows"):  # polars
        return _numbered(data.columns, data.iter_rows)
    if hasattr(data, "itertuples"):  # pandas
        return _numbered(data.columns, lambda: data.itertuples(index=False, name=None))
    if hasattr(data, "column_names") and hasattr(data, "columns"):  # Arrow
        return _columns(tuple(data.column_names), [each.to_pylist() for each in data.columns])
    raise InvalidInput(
        "This is no data frame",
        code="rules.no_frame",
        field="data",
        value=type(data).__name__,
        remedy="pass a frame of polars or pandas, an Arrow table, a dict of lists, or a file",
    )


def _columns(names: tuple[str, ...], columns: Sequence[Any]) -> Table:
    lengths = {name: _length(name, column) for name, column in zip(names, columns, strict=True)}
    for name, length in lengths.items():
        if length != lengths[names[0]]:
            raise InvalidInput(
                "The columns of a frame are of one length",
                code="rules.column_length",
                field=name,
                value=length,
                remedy=f"{names[0]} has {lengths[names[0]]} rows: give each column as many",
            )
    return _numbered(names, lambda: zip(*columns, strict=True))


def _length(name: str, column: Any) -> int:
    is_sized = hasattr(column, "__len__") and hasattr(column, "__iter__")
    if not is_sized or isinstance(column, str | bytes | Mapping):
        raise InvalidInput(
            "This is no column",
            code="rules.column_length",
            field=name,
            value=type(column).__name__,
            remedy="give it a list or an array, with a row for each customer",
        )
    return len(column)


def _numbered(names: Iterable[object], rows: Callable[[], Iterable[Sequence[object]]]) -> Table:
    def numbered() -> Iterator[Row]:
        for number, values in enumerate(rows(), start=1):
            yield number, [_plain(value) for value in values]

    return Table(columns=tuple(map(str, names)), rows=numbered)


def _plain(value: object) -> object:
    """A scalar of numpy as Python has it."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
