"""Hosts that have a transaction open: SQLAlchemy sync and async, and Django, on either database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from retainkit.core import Event
from retainkit.engine import AsyncJoinedKit, AsyncRetainKit, JoinedKit, RetainKit
from retainkit.stores import Appended


T = TypeVar("T")

NOTES = "CREATE TABLE IF NOT EXISTS note (body VARCHAR(64) PRIMARY KEY)"


class Joined(Protocol):
    """What a host does with the kit it has joined; async ones look the same from here."""

    def record(self, *events: Event) -> Appended:
        """Append events."""
        ...

    def call(self, work: Callable[[JoinedKit], T]) -> T:
        """Do any work with the joined kit."""
        ...


class Host:
    """A host with a table of its own, ``note``, and a transaction it ends itself."""

    name: ClassVar[str]
    written: tuple[str, ...] = ()

    def read(self) -> None:
        """Look at the host's own table."""
        self.execute("SELECT count(*) FROM note")

    def write(self, body: str) -> None:
        """Write into the host's own table."""
        self.execute(f"INSERT INTO note (body) VALUES ('{body}')")
        self.written += (body,)

    def execute(self, sql: str) -> None:
        """Run a statement of the host's."""
        raise NotImplementedError

    def joined(self, kit: RetainKit) -> Any:
        """Join the open transaction, as a context manager that gives a :class:`Joined`."""
        raise NotImplementedError

    def commit(self) -> None:
        """End the transaction."""
        raise NotImplementedError

    def rollback(self) -> None:
        """End the transaction, keeping nothing."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of everything."""
        raise NotImplementedError


class _Sync:
    def __init__(self, inside: JoinedKit) -> None:
        self._inside = inside

    def record(self, *events: Event) -> Appended:
        return self._inside.record(*events)

    def call(self, work: Callable[[JoinedKit], T]) -> T:
        return work(self._inside)


class SqlalchemyConnection(Host):
    """``engine.connect()``, as it comes."""

    name = "connection"

    def __init__(self, url: str, **options: Any) -> None:
        self.engine = sa.create_engine(url, **options)
        self.connection = self.engine.connect()

    @property
    def joinable(self) -> sa.Connection | Session:
        return self.connection

    def execute(self, sql: str) -> None:
        self.joinable.execute(sa.text(sql))

    @contextmanager
    def joined(self, kit: RetainKit) -> Iterator[Joined]:
        with kit.join(self.joinable) as k:
            yield _Sync(k)

    def commit(self) -> None:
        self.joinable.commit()

    def rollback(self) -> None:
        self.joinable.rollback()

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()


class SqlalchemySession(SqlalchemyConnection):
    """``Session(engine)``, as it comes."""

    name = "session"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.session = Session(self.engine)

    @property
    def joinable(self) -> sa.Connection | Session:
        return self.session

    def close(self) -> None:
        self.session.close()
        super().close()


class _Async:
    def __init__(self, inside: AsyncJoinedKit, runner: asyncio.Runner) -> None:
        self._inside = inside
        self._runner = runner

    def record(self, *events: Event) -> Appended:
        return self._runner.run(self._inside.record(*events))

    def call(self, work: Callable[[JoinedKit], T]) -> T:
        return self._runner.run(self._inside.call(work))


class SqlalchemyAsyncConnection(Host):
    """``create_async_engine``: aiosqlite, or psycopg's async half."""

    name = "async connection"

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
        self.connection = self.runner.run(self._connected())

    async def _connected(self) -> AsyncConnection:
        return await self.engine.connect()

    @property
    def joinable(self) -> AsyncConnection | AsyncSession:
        return self.connection

    def execute(self, sql: str) -> None:
        self.runner.run(self._executed(sql))

    async def _executed(self, sql: str) -> None:
        await self.joinable.execute(sa.text(sql))

    @contextmanager
    def joined(self, kit: RetainKit) -> Iterator[Joined]:
        joining = AsyncRetainKit(kit).join(self.joinable)
        inside = self.runner.run(joining.__aenter__())
        try:
            yield _Async(inside, self.runner)
        except BaseException as exc:
            self.runner.run(joining.__aexit__(type(exc), exc, exc.__traceback__))
            raise
        self.runner.run(joining.__aexit__(None, None, None))

    def commit(self) -> None:
        self.runner.run(self.joinable.commit())

    def rollback(self) -> None:
        self.runner.run(self.joinable.rollback())

    def close(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.run(self.engine.dispose())
        self.runner.close()


class SqlalchemyAsyncSession(SqlalchemyAsyncConnection):
    """``AsyncSession(engine)``, as FastAPI hosts have it."""

    name = "async session"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.session = AsyncSession(self.engine)

    @property
    def joinable(self) -> AsyncConnection | AsyncSession:
        return self.session

    def close(self) -> None:
        self.runner.run(self.session.close())
        super().close()


class Django(Host):
    """``transaction.atomic()``, ended early by what its block raises."""

    name = "django"

    def __init__(self, url: str) -> None:
        from django.db import transaction

        self.stack = ExitStack()
        self.connection = self.stack.enter_context(django_connection(url))
        self.atomic = transaction.atomic(using=self.connection.alias)
        self.atomic.__enter__()

    def execute(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    @contextmanager
    def joined(self, kit: RetainKit) -> Iterator[Joined]:
        with kit.join(self.connection) as k:
            yield _Sync(k)

    def commit(self) -> None:
        self.atomic.__exit__(None, None, None)

    def rollback(self) -> None:
        error = RuntimeError("the view failed")
        self.atomic.__exit__(type(error), error, None)

    def close(self) -> None:
        if self.connection.in_atomic_block:
            self.rollback()
        self.stack.close()


@contextmanager
def django_connection(url: str) -> Iterator[Any]:
    """Django's connection to the database of a URL, outside any transaction."""
    from django.conf import UserSettingsHolder, global_settings, settings
    from django.db import connections
    from django.db.utils import ConnectionHandler

    to = sa.make_url(url)
    sqlite = to.get_backend_name() == "sqlite"
    described: Mapping[str, object] = {
        "ENGINE": f"django.db.backends.{'sqlite3' if sqlite else 'postgresql'}",
        "NAME": to.database,
        "USER": to.username or "",
        "PASSWORD": to.password or "",
        "HOST": to.host or to.query.get("host", ""),
        "PORT": to.port or "",
    }
    # Django's settings belong to whole projects; here they are needed for one connection.
    before = settings._wrapped
    if not settings.configured:
        settings._wrapped = UserSettingsHolder(global_settings)
    try:
        connection = ConnectionHandler({"host": described, "default": {}})["host"]
        connections["host"] = connection
        yield connection
        connection.close()
        del connections["host"]
    finally:
        settings._wrapped = before


HOSTS: tuple[type[Host], ...] = (
    SqlalchemyConnection,
    SqlalchemySession,
    SqlalchemyAsyncConnection,
    SqlalchemyAsyncSession,
    Django,
)
