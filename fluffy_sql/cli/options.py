"""What commands share: common options, and the library that these name, with its settings."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluffy_sql.cli.console import say
from fluffy_sql.cli.progress_bar import RunProgress
from fluffy_sql.errors import MissingExtraError, UsageError
from fluffy_sql.operations.database import Database
from fluffy_sql.runs.survey import ScopeFilter
from fluffy_sql.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fluffy_sql.postgres.explain import PlanRecorder
    from fluffy_sql.postgres.session import Session
    from fluffy_sql.settings import Settings

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
    def database(self) -> Database:
        """The database; what is odd about its address is said once."""
        database = Database(load_settings(self._config, flags=self._flags))
        for note in database.notes:
            say(note)
        return database

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.database.settings

    @contextmanager
    def work(self, explain: PlanRecorder | None = None) -> Iterator[tuple[Session, RunProgress]]:
        """A session for a run, and its progress on stderr; `explain` keeps its statements."""
        database = self.database
        with RunProgress() as progress, database.work(explain) as session:
            yield session, progress


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
