"""What is wrong in a document, and reading on after it; what conditions say is in ``_reading``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from retainkit.errors import InvalidInput
from retainkit.rules._meant import meant
from retainkit.rules._tree import limited_depth


Place: TypeAlias = "tuple[str | int, ...]"
"""Keys and positions that lead to a part of a document, from the top."""

T = TypeVar("T")


@frozen(kw_only=True)
class Mistake:
    """
    One thing that is wrong in a document.

    Args:
        place: Keys and positions that lead there, from the top.

        message, code, value, remedy: As in `RetainkitError`.
    """

    place: Place
    message: str
    code: str
    value: object = None
    remedy: str = ""

    def __str__(self) -> str:
        """The message, the value and the remedy."""
        value = "" if self.value is None else f" ({self.value!r})"
        return f"{self.message}{value}" + (f": {self.remedy}" if self.remedy else "")


@define(kw_only=True)
class Reader:
    """
    Reads a document that people write, and goes on after each mistake, so that all are told.

    Base of the readers of rules and of what has rules in it; they add what their words mean.

    Args:
        mistakes: Where mistakes are noted; readers of one document share it.
    """

    form: ClassVar[str] = "rules.form"
    """The code of a mistake where something else belongs."""

    mistakes: list[Mistake] = field(factory=list)
    _deep: int = field(default=0, init=False)
    _is_too_deep: bool = field(default=False, init=False)

    @property
    def told(self) -> str:
        """All mistakes in one line, each after its place."""
        return "; ".join(
            f"{'.'.join(map(str, each.place)) or 'top'}: {each}" for each in self.mistakes
        )

    def wrong(
        self, place: Place, message: str, code: str, value: object = None, remedy: str = ""
    ) -> None:
        """Note a mistake."""
        self.mistakes.append(
            Mistake(place=place, message=message, code=code, value=value, remedy=remedy)
        )

    def made(
        self,
        place: Place,
        make: Callable[[], T],
        where: Callable[[str], Place] | None = None,
    ) -> T | None:
        """
        What the function makes; an error of it becomes a mistake.

        Args:
            place: Where it is noted; mistakes of a document inside keep their places below it.

            make: Raises `InvalidInput` for what is wrong.

            where: The place by the error's field, where the document has one for it.
        """
        try:
            return make()
        except InvalidInput as error:
            inside = error.value
            if error.code == "rules.mistakes" and isinstance(inside, tuple):
                self.mistakes += [evolve(each, place=(*place, *each.place)) for each in inside]
                return None
            at = place if where is None or error.field is None else where(error.field)
            value = inside if error.field is not None else None
            self.wrong(at, error.message, error.code, value, error.remedy)
            return None

    def deeper(self, place: Place, read: Callable[[], T | None]) -> T | None:
        """
        What the function reads inside of what is read by now.

        Too deep is a mistake, after which the rest is left alone: data may contain themselves.
        """
        if self._is_too_deep:
            return None
        self._deep += 1
        try:
            self._is_too_deep = self.made(place, lambda: limited_depth(self._deep)) is None
            return None if self._is_too_deep else read()
        finally:
            self._deep -= 1
            if not self._deep:
                self._is_too_deep = False

    def keys(self, data: object, place: Place, known: Sequence[str]) -> Mapping[str, object]:
        """The mapping without keys that are not known, each of which is a mistake."""
        if not isinstance(data, Mapping):
            self.wrong(
                place,
                "A mapping belongs here",
                self.form,
                type(data).__name__,
                f"write keys and values; the keys are {', '.join(known)}"
                if known
                else "write names, each with what it is",
            )
            return {}
        found: dict[str, object] = {}
        for key, value in data.items():
            if key in known:
                found[key] = value
                continue
            self.wrong(
                (*place, str(key)),
                "This word has no meaning here",
                "rules.unknown_word",
                str(key),
                "put quotes around it" if str(key) in known else meant(str(key), known),
            )
        return found

    def listed(self, data: object, place: Place) -> Sequence[object]:
        """The list, or none and a mistake."""
        if isinstance(data, list | tuple):
            return data
        self.wrong(
            place,
            "A list belongs here",
            self.form,
            type(data).__name__,
            "write `- ` before each, or put them into [brackets]",
        )
        return ()

    def text(self, data: Mapping[str, object], key: str, place: Place) -> str | None:
        """The text under a key; none when it is not said, and none and a mistake for another."""
        value = data.get(key)
        if value is None or isinstance(value, str):
            return value
        self.wrong(
            (*place, key),
            "A text belongs here",
            self.form,
            value if isinstance(value, bool | int | float) else type(value).__name__,
            "put quotes around it, or leave it out",
        )
        return None

    def flag(self, data: Mapping[str, object], key: str, place: Place) -> bool:
        """Whether it is true under a key; not when it is not said, and a mistake for another."""
        value = data.get(key)
        if value is None or isinstance(value, bool):
            return value is True
        self.wrong(
            (*place, key),
            "This is true or false",
            self.form,
            value if isinstance(value, int | float | str) else type(value).__name__,
            f"write `{key}: true`, without quotes, or leave it out",
        )
        return False
