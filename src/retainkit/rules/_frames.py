"""What a data frame is: names and, for each, a column as numpy has it; nothing is checked here.

No library of frames is imported: a frame is what has names and, for each, a column that becomes a
numpy array; the zone of instants is asked from the column's own type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias, cast

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from retainkit.errors import InvalidInput
from retainkit.rules._meant import meant
from retainkit.rules._signals import LARGEST


Array: TypeAlias = "NDArray[Any]"


@frozen
class Raw:
    """A column as numpy has it, and the type that it had before."""

    name: str
    values: Array
    dtype: object
    column: Any

    def at(self, row: int) -> str:
        """What an error calls the value of a row."""
        return f"{self.name}[{row}]"

    @property
    def has_zone(self) -> bool:
        """Whether its instants have a zone, as polars, pandas and Arrow say it."""
        kinds = (self.dtype, getattr(self.dtype, "pyarrow_dtype", None))
        return any(
            getattr(k, name, None) is not None for k in kinds for name in ("time_zone", "tz")
        )

    @property
    def is_whole(self) -> bool:
        """Whether they are whole numbers."""
        return _is_whole(self.values, self.dtype)

    @property
    def is_flags(self) -> bool:
        """Whether they are flags; with gaps, these come as objects."""
        return str(self.dtype).lower().startswith("bool")

    def listed(self) -> list[Any]:
        """The values as Python has them, not as numpy has."""
        kind, values = self.values.dtype.kind, self.values
        if kind in "mM":  # finer or coarser ones would become ints
            values = values.astype(f"{kind}8[us]")
        found: list[Any] = values.tolist()
        if self.is_whole and kind == "f":
            return [None if isnan(each) else int(each) for each in found]
        if kind == "O" and any(issubclass(each, np.generic) for each in set(map(type, found))):
            return [each.item() if isinstance(each, np.generic) else each for each in found]
        return found


@frozen
class Frame:
    """The frame and the names of its columns."""

    frame: Any
    names: tuple[str, ...]

    def column(self, name: str, asked_by: str) -> Raw:
        """The column of a name; an option may have asked for it."""
        if name not in self.names:
            raise InvalidInput(
                "The data frame has no such column",
                code="rules.no_column",
                field=asked_by,
                value=name,
                remedy=meant(
                    name,
                    self.names,
                    "name one of its columns; an index of pandas is one after .reset_index()",
                ),
            )
        column = self.frame[name]
        dtype = getattr(column, "dtype", getattr(column, "type", None))
        if hasattr(dtype, "index_type"):  # Arrow's `to_numpy` has the last text where none is known
            dtype = cast("Any", dtype).value_type
            column = column.cast(dtype)
        return Raw(name, _array(name, column, dtype), dtype, column)


def _array(name: str, column: Any, dtype: object) -> Array:
    if isinstance(column, np.ma.MaskedArray):
        column = column.tolist()
    if hasattr(column, "to_pylist"):
        found = cast("Array", column.to_numpy(zero_copy_only=False))
    elif hasattr(column, "to_numpy"):
        found = cast("Array", column.to_numpy())
    elif isinstance(column, np.ndarray) and column.ndim:
        return column
    elif isinstance(column, Sequence) and not isinstance(column, str):
        return _objects(column)
    else:
        raise InvalidInput(
            "This is no column",
            code="rules.column_length",
            field=name,
            value=type(column).__name__,
            remedy="give it a list or an array, with a row for each customer",
        )
    if found.dtype.kind == "O" and getattr(dtype, "tz", None) is not None:
        return cast("Array", column.to_numpy(dtype="datetime64[us]"))  # pandas', in UTC
    if _is_whole(found, dtype) and found.dtype.kind == "f" and (np.abs(found) >= LARGEST).any():
        return _objects(column.to_pylist() if hasattr(column, "to_pylist") else column.to_list())
    return found


def _is_whole(values: Array, dtype: object) -> bool:
    """Whether they are whole numbers; with gaps, these come as floats."""
    kind = values.dtype.kind
    return kind in "iu" or (kind == "f" and "int" in str(dtype).lower())


def _objects(values: Sequence[object]) -> Array:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def frame_of(frame: object) -> Frame:
    """The frame, whosever it is."""
    names = _names(frame)
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidInput(
                "Two columns of the data frame have one name",
                code="rules.column_twice",
                field=name,
                value=name,
                remedy="rename one of them, or leave it out",
            )
    return Frame(frame, names)


def _names(frame: object) -> tuple[str, ...]:
    if isinstance(frame, Mapping):
        return tuple(map(str, frame))
    if hasattr(frame, "collect"):  # a plan of a frame, as of polars
        raise _no_frame(frame)
    for attribute in ("column_names", "columns"):  # Arrow's `columns` are the columns themselves
        names = getattr(frame, attribute, None)
        if names is not None:
            return tuple(str(name) for name in names)
    raise _no_frame(frame)


def _no_frame(frame: object) -> InvalidInput:
    return InvalidInput(
        "This is no data frame",
        code="rules.no_frame",
        field="frame",
        value=type(frame).__name__,
        remedy="pass a frame of polars or pandas, an Arrow table, or a dict of lists; collect a "
        "lazy one before",
    )
