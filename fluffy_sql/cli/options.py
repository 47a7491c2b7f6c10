"""What commands share: common options, and the library that these name, with its settings."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluffy_sql.cli.console import say
from fluffy_sql.cli.progress_bar import RunProgress
from fluffy_sql.errors import MissingExtraError, UnreachableError, UsageError
from fluffy_sql.postgres.address import parse_address
from fluffy_sql.postgres.embedded import embedded_server
from fluffy_sql.postgres.schema import require_current_schema
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.runs.survey import ScopeFilter
from fluffy_sql.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fluffy_sql.postgres.explain import PlanRecorder

STOPPED_BY_SIGNAL = 130
# What Postgres numbers rows with; an id beyond would be its "bigint out of range".
_LARGEST_ID = 2**63 - 1
ID = click.IntRange(-_LARGEST_ID, _LARGEST_ID)


class Library:
    """The photo library that a command works on: its settings and its database."""

    def __init__(self, config: Path | None, database_url: str | None) -> None:
        self._config = config
        self._flags: dict[str, object] = {"database.url": database_url}

    @property
    def named(self) -> bool:
        """Whether its options were given."""
        return bool(self._config or self._flags["database.url"])

    def set(self, flags: dict[str, Any]) -> None:
        """Takes what the command line says of settings, before they are read."""
        self._flags |= flags

    @cached_property
    def settings(self) -> Settings:
        """The settings; what is odd about the address is said once."""
        settings = load_settings(self._config, flags=self._flags)
        if settings.database.url is None:
            return settings
        address = parse_address(settings.database.url, settings.url_origin)
        for note in address.notes:
            say(note)
        database = settings.database.model_copy(update={"url": address.conninfo})
        return settings.model_copy(update={"database": database})

    @property
    def schema(self) -> str:
        """The schema of what is ours."""
        return self.settings.database.schema_

    @property
    def lock_limits(self) -> LockLimits:
        """How long the final transaction waits for locks and holds them."""
        return LockLimits(self.settings.clustering.lock_wait, self.settings.clustering.lock_hold)

    @contextmanager
    def address(self) -> Iterator[str]:
        """The address of the database; the embedded server runs meanwhile if it is that one."""
        if url := self.settings.database.url:
            try:
                yield url
            except UnreachableError as error:
                origin = self.settings.url_origin
                raise UnreachableError(f"{error}; the address is from {origin}") from None
            return
        with embedded_server(Path(self.settings.database.embedded_dir)) as server:
            yield server.url

    def session(self) -> AbstractContextManager[Session]:
        """A session on the database, whose schema is current."""
        return self._open(Session.open)

    @contextmanager
    def work(self, explain: PlanRecorder | None = None) -> Iterator[tuple[Session, RunProgress]]:
        """A session for a run, and its progress on stderr; `explain` keeps its statements."""
        with (
            self.address() as url,
            RunProgress() as progress,
            Session.open(url, schema=self.schema, explain=explain) as session,
        ):
            yield session, progress

    def reader(self, *, at_one_moment: bool = False) -> AbstractContextManager[Session]:
        """A session that only reads the database, whose schema is current."""
        return self._open(partial(Session.look, at_one_moment=at_one_moment))

    @contextmanager
    def _open(self, connect: Callable[..., AbstractContextManager[Session]]) -> Iterator[Session]:
        with self.address() as url, connect(url, schema=self.schema) as session:
            require_current_schema(session)
            yield session


with_config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file; image_embed.yml in this folder if not given.",
)
with_database_url = click.option(
    "--database-url",
    metavar="URL",
    help="postgresql://user@host/name; else DATABASE_URL, else the settings, else the embedded"
    " server.",
)
with_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
with_limit = click.option(
    "--limit",
    type=click.IntRange(1, _LARGEST_ID),
    help="Show so many at most; all if not given.",
)


def with_library(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--config`, `--database-url` and `--json`; passes `library` and `as_json`."""

    @with_config
    @with_database_url
    @with_json
    @wraps(command)
    def run(*context: Any, config: Path | None, database_url: str | None, **options: Any) -> None:
        command(*context, library=Library(config, database_url), **options)

    return run


def _parse_scope(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> ScopeFilter | None:
    """The scope that `--scope` names; `none` means those that are unscoped."""
    if text is None:
        return None
    if text == "none":
        return ScopeFilter(None)
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return ScopeFilter(int(text))
    raise UsageError(f"--scope is {text!r}; allowed: a whole number, or none")


with_scope = click.option(
    "--scope",
    callback=_parse_scope,
    help="Only what is of this scope, say of one owner: a number, or none.",
)


@contextmanager
def needs_extra(extra: str, why: str) -> Iterator[None]:
    """Imports inside need an optional part of the package; `why` says what for."""
    try:
        yield
    except ImportError:
        raise MissingExtraError(f'{why}; run: pip install "fluffy_sql[{extra}]"') from None
