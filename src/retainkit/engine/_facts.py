"""Facts that a host states, checked and made an event; what they change is counted elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from retainkit.core import Bucket, Event, check_id, check_text, dumps
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, derive
from retainkit.rules import Signal, signal_data
from retainkit.signals import FACT_EVENT, Measures
from retainkit.timing import utc


def named_values(
    signals: Mapping[str, Signal],
    values: Mapping[str, object] | Mapping[Signal | str, object],
) -> dict[str, object]:
    """
    The values by their signals' names.

    Raises:
        InvalidInput: ``rules.signal_clash`` for a signal of another class than the kit's;
            ``rules.value_type`` for what is no mapping; ``rules.unknown_signal`` for a key that is
            no name.
    """
    given: object = values  # from Python, whatever the annotation says
    if not isinstance(given, Mapping):
        raise InvalidInput(
            "Facts are values by the names of their signals",
            code="rules.value_type",
            field="values",
            value=type(given).__name__,
            remedy='pass a dict, such as {"plan": "team"}',
        )
    named: dict[str, object] = {}
    for key, value in values.items():
        name = name_of(key, "values")
        known = signals.get(name)
        if isinstance(key, Signal) and known is not None and signal_data(known) != signal_data(key):
            raise InvalidInput(
                "A signal of this name is declared otherwise",
                code="rules.signal_clash",
                field=name,
                value=name,
                remedy="take the signal from the class that the kit was given",
            )
        named[name] = value
    return named


def name_of(signal: Signal | str, field: str) -> str:
    """
    The name of a signal.

    Raises:
        InvalidInput: ``rules.unknown_signal`` for what is none.
    """
    given: object = signal  # as above
    if isinstance(given, Signal | str):
        return given.name if isinstance(given, Signal) else given
    raise InvalidInput(
        "There is no such signal",
        code="rules.unknown_signal",
        field=field,
        value=str(given),
        remedy="pass a signal of your class, or its name",
    )


def check_customer(customer: object) -> None:
    """
    Something can be told about such a customer.

    Raises:
        InvalidInput: ``signals.customer`` for no id; ``json.text`` or ``json.id_length`` for one
            that no store keeps.
    """
    if not isinstance(customer, str) or not customer.strip():
        raise InvalidInput(
            "A fact is about a customer",
            code="signals.customer",
            field="customer",
            value=customer,
            remedy="pass the id of one, as text",
        )
    check_id(customer, "customer")


def check_time(at: datetime, latest: datetime) -> datetime:
    """
    The time as of which something is stated, in UTC.

    Raises:
        InvalidInput: ``signals.ahead`` when it is later than the latest; ``time.naive``.
    """
    since = utc(at, "at")
    if since <= latest:
        return since
    raise InvalidInput(
        "Nothing is known as of a time that is yet to come",
        code="signals.ahead",
        field="at",
        value=since.isoformat(),
        remedy="pass the time as of which the values are true, with its zone",
    )


def fact_event(
    measures: Measures,
    customer: CustomerId,
    values: Mapping[str, object],
    *,
    at: datetime,
    latest: datetime,
    source: str | None,
    known: Callable[[], Iterable[Bucket]] = tuple,
) -> Event:
    """
    The event that states facts; the same facts of the same time are the same event.

    One that contradicts what is known as of the same time gets an id after it, so that it holds.

    Args:
        measures: Those that are declared.

        customer: Whom they are about.

        values: By the signal's name; None says that it is not known any more.

        at: As of when they are true.

        latest: No fact can be true as of a later time than this.

        source: What made them known.

        known: The buckets of the customer's facts, asked for when all is checked.

    Raises:
        InvalidInput: As :meth:`KitSignals.set`.
    """
    check_customer(customer)
    data = measures.facts(values, source)
    since, said = check_time(at, latest), dumps(data)
    check_text(said, "values")
    content = derive(FACT_EVENT, customer, since.isoformat(), said)
    return Event(
        id=measures.fact_id(content, data, since, known()),
        name=FACT_EVENT,
        customer=customer,
        occurred_at=since,
        data=data,
        actor="host",
    )
