"""What commands share: common options, and the library that these name, with its settings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from fluffy_sql.cli.console import say
from fluffy_sql.cli.stopping import hear_no_stops
from fluffy_sql.errors import MissingExtraError, UsageError
from fluffy_sql.operations.database import Database
from fluffy_sql.postgres.explain import PlanRecorder
from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.owners import ScopeFilter
from fluffy_sql.settings import Settings, load_settings

if TYPE_CHECKING:
    from fluffy_sql.cli.progress_bar import RunProgress

Command: TypeAlias = Callable[..., None]

# What Postgres numbers rows with; an id beyond would be its "bigint out of range".
_LARGEST_ID = 2**63 - 1
ID = click.IntRange(-_LARGEST_ID, _LARGEST_ID)
PATH = click.Path(path_type=Path)
_FLAGS = "fluffy_sql.flags"


class Library:
    """The photo library that a command works on: its settings and its database.

    Attributes:
        config: the settings file that `--config` names.
        flags: settings that options gave, by their names.
    """

    def __init__(self, config: Path | None, flags: dict[str, object]) -> None:
        self.config = config
        self.flags = flags

    @cached_property
    def database(self) -> Database:
        """The database; what is odd about its address is said once."""
        database = Database(load_settings(self.config, flags=self.flags))
        for note in database.notes:
            say(note)
        return database

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.database.settings

    @contextmanager
    def work(self, explain: PlanRecorder | None = None) -> "Iterator[tuple[Session, RunProgress]]":
        """A session for a run, and its progress on stderr; `explain` keeps its statements."""
        database = self.database
        from fluffy_sql.cli.progress_bar import RunProgress  # noqa: PLC0415 - not to only look

        with RunProgress() as progress, database.work(explain) as session:
            yield session, progress
            hear_no_stops()  # what was done is done, and has only to be told


def with_setting(option: str, name: str, **attributes: Any) -> Callable[[Command], Command]:
    """Adds an option that goes before the setting of that name, for `Library` to read."""

    def keep(context: click.Context, _parameter: click.Parameter, value: object) -> None:
        if value is not None:
            context.meta.setdefault(_FLAGS, {})[name] = value

    return click.option(option, callback=keep, expose_value=False, **attributes)


with_algorithm = with_setting("--algorithm", "clustering.algorithm", help="Which algorithm to use.")
with_metric = with_setting("--metric", "clustering.metric", help="cosine or l2.")
with_seed = with_setting(
    "--seed",
    "clustering.seed",
    type=int,
    help="The same seed on the same photos gives the same result.",
)
_with_database_url = with_setting(
    "--database-url",
    "database.url",
    metavar="URL",
    help="postgresql://user@host/name; default: DATABASE_URL, then the settings file, then the"
    " embedded server.",
)
with_config = click.option(
    "--config", type=PATH, help="Settings file; default: image_embed.yml in this folder."
)
with_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
with_limit = click.option(
    "--limit", type=click.IntRange(1, _LARGEST_ID), help="Show at most this many; default: all."
)
with_run = click.option("--run", "run_id", type=ID, help="Only clusters that this run made.")


def with_library(command: Command) -> Command:
    """Adds `--config` and `--database-url`; passes `library`."""

    @with_config
    @_with_database_url
    @wraps(command)
    def run(*context: Any, config: Path | None, **options: Any) -> None:
        flags = click.get_current_context().meta.get(_FLAGS, {})
        command(*context, library=Library(config, flags), **options)

    return run


def with_library_and_json(command: Command) -> Command:
    """Adds `--json`, too; passes `as_json`."""
    return with_library(with_json(command))


def _parse_scope(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> ScopeFilter | None:
    """The scope that `--scope` names; `none` means those that are unscoped.

    An owner follows a colon if it would mean something else without.
    """
    if text is None:
        return None
    if text == "none":
        return ScopeFilter(None)
    return ScopeFilter(text.removeprefix(":"))


with_scope = click.option(
    "--scope",
    callback=_parse_scope,
    help="Only this scope, of one owner for example, as it is listed; or none. :none is an owner"
    " of that name.",
)


def leaves_to_subcommand(context: click.Context, library: Library, *given: object) -> bool:
    """Whether a group has nothing to do, since a command of it was named.

    Raises:
        UsageError: options were given before that command, which would not see them.
    """
    if context.invoked_subcommand is None:
        return False
    if library.config or library.flags or any(given):
        command = f"{context.info_name} {context.invoked_subcommand}"
        raise UsageError(f"options go after {context.invoked_subcommand}: fluffy-sql {command} ...")
    return True


@contextmanager
def needs_extra(extra: str, why: str) -> Iterator[None]:
    """Imports inside need an optional part of the package; `why` says what for."""
    try:
        yield
    except ImportError:
        raise MissingExtraError(f'{why}; run: pip install "fluffy_sql[{extra}]"') from None
