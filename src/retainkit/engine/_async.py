"""The async face: thin, over the same synchronous services; no event loop below it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from retainkit.core import Event, RecordedEvent
from retainkit.engine._attention import Attention
from retainkit.engine._join import JoinedKit
from retainkit.engine._kit import RetainKit
from retainkit.engine._links import OpenLink
from retainkit.engine._runner import Ran
from retainkit.engine._webhooks import Receipt
from retainkit.errors import ConfigurationError
from retainkit.ids import CustomerId
from retainkit.payments import HostedPage
from retainkit.stores import Appended


if TYPE_CHECKING:
    from retainkit.dunning import Access, Upcoming

T = TypeVar("T")


class RunsSync(Protocol):
    """A SQLAlchemy ``AsyncConnection`` or ``AsyncSession``: runs a function of its sync half."""

    def run_sync(self, fn: Callable[..., T], /) -> Awaitable[T]:
        """Call ``fn`` with the sync connection or session."""
        ...


class AsyncRetainKit:
    """
    A :class:`RetainKit` for async hosts: each call runs in a thread, or in the host's ``run_sync``.

    Args:
        kit: The kit; everything it can do is reached through :meth:`call`.
    """

    def __init__(self, kit: RetainKit) -> None:
        self.kit: RetainKit = kit

    async def call(self, work: Callable[[RetainKit], T]) -> T:
        """Do any work with the kit in a thread: ``await akit.call(lambda kit: kit.sweep())``."""
        from asyncio import to_thread  # asyncio costs import time

        return await to_thread(work, self.kit)

    async def record(self, *events: Event) -> Appended:
        """See :meth:`RetainKit.record`."""
        return await self.call(lambda kit: kit.record(*events))

    async def timeline(self, customer: CustomerId) -> tuple[RecordedEvent, ...]:
        """See :meth:`RetainKit.timeline`."""
        return await self.call(lambda kit: kit.timeline(customer))

    async def access(self, customer: CustomerId, now: datetime | None = None) -> Access:
        """See :meth:`RetainKit.access`."""
        return await self.call(lambda kit: kit.access(customer, now))

    async def upcoming(self, customer: CustomerId) -> tuple[Upcoming, ...]:
        """See :meth:`RetainKit.upcoming`."""
        return await self.call(lambda kit: kit.upcoming(customer))

    async def receive_webhook(self, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """See :meth:`RetainKit.receive_webhook`."""
        return await self.call(lambda kit: kit.receive_webhook(body, headers))

    async def open_link(self, token: str) -> OpenLink:
        """See :meth:`RetainKit.open_link`."""
        return await self.call(lambda kit: kit.open_link(token))

    async def follow_link(self, token: str) -> HostedPage:
        """See :meth:`RetainKit.follow_link`."""
        return await self.call(lambda kit: kit.follow_link(token))

    async def run_due(self, *, limit: int | None = None, deadline: timedelta | None = None) -> Ran:
        """See :meth:`RetainKit.run_due`."""
        return await self.call(lambda kit: kit.run_due(limit=limit, deadline=deadline))

    async def attention(self) -> tuple[Attention, ...]:
        """See :meth:`RetainKit.attention`."""
        return await self.call(lambda kit: kit.attention())

    @asynccontextmanager
    async def join(self, connection: RunsSync) -> AsyncIterator[AsyncJoinedKit]:
        """
        The kit inside the open transaction of an ``AsyncConnection`` or ``AsyncSession``.

        Raises:
            ConfigurationError: There is no open transaction, or the store can't join it.
        """
        if not hasattr(connection, "run_sync"):
            raise ConfigurationError(
                "Not a connection that an async kit can join",
                code="join.unsupported",
                field="connection",
                value=type(connection).__name__,
                remedy="pass an AsyncConnection or AsyncSession; others to RetainKit.join",
            )

        def enter(host: object) -> tuple[AbstractContextManager[JoinedKit], JoinedKit]:
            joined = self.kit.join(host)
            return joined, joined.__enter__()

        joined, inside = await connection.run_sync(enter)
        try:
            yield AsyncJoinedKit(connection, inside)
        except BaseException as exc:
            error = exc
            await connection.run_sync(
                lambda _: joined.__exit__(type(error), error, error.__traceback__)
            )
            raise
        await connection.run_sync(lambda _: joined.__exit__(None, None, None))


class AsyncJoinedKit:
    """A :class:`JoinedKit` whose calls run in the host's ``run_sync``."""

    def __init__(self, connection: RunsSync, inside: JoinedKit) -> None:
        self._connection = connection
        self._inside = inside

    async def call(self, work: Callable[[JoinedKit], T]) -> T:
        """Do any work with the joined kit: ``await k.call(lambda k: k.access(customer))``."""

        def run(_: object) -> T:
            return work(self._inside)

        return await self._connection.run_sync(run)

    async def record(self, *events: Event) -> Appended:
        """See :meth:`JoinedKit.record`."""
        return await self.call(lambda k: k.record(*events))

    async def decide(self, customer: CustomerId) -> None:
        """See :meth:`JoinedKit.decide`."""
        return await self.call(lambda k: k.decide(customer))

    async def run_due(self) -> None:
        """See :meth:`JoinedKit.run_due`: always refused."""
        await self.call(lambda k: k.run_due())
