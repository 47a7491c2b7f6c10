"""The command line: commands, output, exit codes. Nothing else in the package prints or exits.

Results go to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage or settings,
130 stopped by a signal.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

import click
from rich.text import Text

from fluffy_sql import __version__
from fluffy_sql.cli import console as display
from fluffy_sql.errors import FluffySqlError, MissingExtraError, UnreachableError, UsageError
from fluffy_sql.operations.assign import AssignOptions, AssignService
from fluffy_sql.operations.check import check as look_for_faults
from fluffy_sql.operations.distribute import distribute as distribute_tables
from fluffy_sql.operations.generate import ClusteringService
from fluffy_sql.operations.history import compare_runs, show_run, undo_run
from fluffy_sql.operations.importing import import_photos
from fluffy_sql.operations.k_selection import spread_evenly
from fluffy_sql.operations.sweep import SweepService
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.address import conceal, libpq_environment, parse_address
from fluffy_sql.postgres.embedded import embedded_server
from fluffy_sql.postgres.programs import find_psql
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.runs.moves import Changes
from fluffy_sql.runs.survey import ScopeFilter
from fluffy_sql.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from fluffy_sql.operations.sweep import SweepResult

Command = TypeVar("Command", bound="Callable[..., None]")

STOPPED_BY_SIGNAL = 130
_SHOWN_AFTER_A_RUN = 20
_STEPS_OF_A_SWEEP = 12
_MOST_STEPS_OF_A_SWEEP = 1_000
# A single cluster can't be measured against others.
_LEAST_SWEPT_K = 2
# What Postgres numbers rows with; an id beyond would be its "bigint out of range".
_LARGEST_ID = 2**63 - 1
_ID = click.IntRange(-_LARGEST_ID, _LARGEST_ID)


def _with_config(command: Command) -> Command:
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Settings file; image_embed.yml in this folder if not given.",
    )(command)


def _with_database_url(command: Command) -> Command:
    return click.option(
        "--database-url",
        metavar="URL",
        help="postgresql://user@host/name; else DATABASE_URL, else the settings, else the embedded"
        " server.",
    )(command)


def _with_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


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


def _with_scope(command: Command) -> Command:
    return click.option(
        "--scope",
        callback=_parse_scope,
        help="Only what is of this scope, say of one owner: a number, or none.",
    )(command)


def _with_limit(command: Command) -> Command:
    return click.option(
        "--limit",
        type=click.IntRange(1, _LARGEST_ID),
        help="Show so many at most; all if not given.",
    )(command)


def main() -> NoReturn:
    """Runs the command line and exits."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command; returns its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    _write_anything(sys.stdout)
    try:
        # click returns the code of an Exit, and None where a command ran to its end
        code = fluffy_sql.main(arguments, prog_name="fluffy-sql", standalone_mode=False) or 0
        sys.stdout.flush()
    except FluffySqlError as error:
        return _fail(conceal(str(error), arguments), error.exit_code, arguments)
    except click.ClickException as error:
        message = conceal(error.format_message(), arguments, any_at=True)
        return _fail(f"{message} See --help.", UsageError.exit_code, arguments)
    except (click.Abort, KeyboardInterrupt):
        message = "stopped; what was not committed yet is undone"
        return _fail(message, STOPPED_BY_SIGNAL, arguments)
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has had enough (`| head`), which click and rich turn into an exit.
        # That is no failure, and no reason to complain when Python flushes at its end.
        _drop_stdout()
        return 0
    return code


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    """A stop asked for by a service manager is handled like Ctrl-C."""
    raise KeyboardInterrupt


def _write_anything(stream: TextIO) -> None:
    """Lets a stream escape what its encoding lacks: a path may hold any letter, or stray bytes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _fail(message: str, exit_code: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        try:
            _print_json({"error": message, "exit_code": exit_code})
            sys.stdout.flush()
        except BrokenPipeError:
            _drop_stdout()
    display.stderr_console().print(Text(display.printable(f"fluffy-sql: {message}")))
    return exit_code


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(value: dict[str, Any]) -> None:
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # JSON has escapes of its own
        text = json.dumps(value, default=_plain)
    print(text)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True)
class _Database:
    """The database of one command: `url`, and whether it is the embedded server's."""

    url: str = field(repr=False)
    embedded: bool


@contextmanager
def _database(settings: Settings) -> Iterator[_Database]:
    """The database that is configured; the embedded server runs meanwhile where none is."""
    if settings.database.url:
        try:
            yield _Database(settings.database.url, embedded=False)
        except UnreachableError as error:
            raise UnreachableError(f"{error}; the address is from {settings.url_origin}") from None
        return
    with embedded_server(Path(settings.database.embedded_dir)) as server:
        yield _Database(server.url, embedded=True)


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    """A session on the configured database, whose schema is current."""
    place = settings.database.schema_
    with _database(settings) as database, Session.open(database.url, schema=place) as session:
        schema.require_current_schema(session)
        yield session


@contextmanager
def _looking(settings: Settings, *, at_one_moment: bool = False) -> Iterator[Session]:
    """A session that only looks at the configured database, whose schema is current."""
    place = settings.database.schema_
    with (
        _database(settings) as database,
        Session.look(database.url, schema=place, at_one_moment=at_one_moment) as session,
    ):
        schema.require_current_schema(session)
        yield session


def _load(config: Path | None, database_url: str | None, **clustering: object) -> Settings:
    flags = {f"clustering.{key}": value for key, value in clustering.items()}
    settings = load_settings(config, flags={"database.url": database_url, **flags})
    if settings.database.url is None:
        return settings
    address = parse_address(settings.database.url, settings.url_origin)
    for note in address.notes:
        display.stderr_console().print(Text(display.printable(f"fluffy-sql: {note}")))
    database = settings.database.model_copy(update={"url": address.conninfo})
    return settings.model_copy(update={"database": database})


def _lock_limits(settings: Settings) -> LockLimits:
    return LockLimits(settings.clustering.lock_wait, settings.clustering.lock_hold)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, message="fluffy-sql %(version)s")
def fluffy_sql() -> None:
    """Cluster the embeddings of a photo library inside Postgres, with pgvector."""


@fluffy_sql.command(short_help="Bring the database to the current schema.")
@click.option("--rollback", is_flag=True, help="Take all of it back: drops what migrate made.")
@click.option("--yes", is_flag=True, help="Really roll back.")
@_with_config
@_with_database_url
@_with_json
def migrate(
    *, rollback: bool, yes: bool, config: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Bring the database to the current schema; tables that are there already are kept.

    Example: fluffy-sql migrate --database-url postgresql://me@localhost/photos
    """
    if rollback and not yes:
        raise UsageError(
            "--rollback drops the clusters, the record of runs and, where migrate made it, the"
            " table photos with its embeddings; add --yes if you mean it"
        )
    settings = _load(config, database_url)
    place = settings.database.schema_
    with _database(settings) as database:
        if rollback:
            gone = schema.uninstall(database.url, schema=place)
            _print_uninstalled(place, gone=gone, as_json=as_json)
            return
        result = schema.migrate(
            database.url, schema=place, keep_counts_by=settings.clustering.counter_cache
        )
    if as_json:
        fields = asdict(result)
        _print_json({"applied": fields.pop("changed"), **fields})
        return
    print(display.describe_migration(result))


def _print_uninstalled(place: str, *, gone: bool, as_json: bool) -> None:
    if as_json:
        _print_json({"schema": place, "uninstalled": gone})
    elif gone:
        print(f"Dropped the schema {place}, and what migrate had added to photos and clusters.")
    else:
        print("Nothing to roll back.")


@fluffy_sql.command(short_help="Get out of the way of a change of the application's tables.")
@_with_config
@_with_database_url
@_with_json
def detach(*, config: Path | None, database_url: str | None, as_json: bool) -> None:
    """Take views, functions and triggers away, so that an application can change its tables.

    Say before a migration that changes the type of a column or moves a table to another schema.
    Labels, centroids and runs stay; migrate puts the rest back and counts photos anew.

    Example: fluffy-sql detach
    """
    settings = _load(config, database_url)
    place = settings.database.schema_
    with _database(settings) as database:
        schema.detach(database.url, schema=place)
    if as_json:
        _print_json({"schema": place, "detached": True})
        return
    print(
        "Views, functions and triggers are gone, tables and labels are not."
        " Put them back with: fluffy-sql migrate"
    )


@fluffy_sql.command(short_help="Spread the tables over the servers of Citus.")
@click.option(
    "--shards",
    type=click.IntRange(1, 10_000),
    help="Into how many shards to cut photos; what citus.shard_count says if not given.",
)
@_with_config
@_with_database_url
@_with_json
def distribute(
    *, shards: int | None, config: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Spread the tables of a database with the extension citus over its servers.

    photos is cut into shards by id; clusters and the tables of runs are copied to every server.
    Rows and keys stay; all other commands work as before. On the coordinator, after migrate.

    Example: fluffy-sql distribute --shards 32
    """
    settings = _load(config, database_url)
    with _database(settings) as database:
        result = distribute_tables(database.url, schema=settings.database.schema_, shards=shards)
    if as_json:
        _print_json(asdict(result))
        return
    print(display.describe_distribution(result))


@fluffy_sql.command(short_help="Look for what is wrong in the database; mend it.")
@click.option("--repair", is_flag=True, help="Mend what can be mended: all of it, or nothing.")
@_with_config
@_with_database_url
@_with_json
@click.pass_context
def check(
    context: click.Context,
    *,
    repair: bool,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Look for what is wrong: counts, misplaced photos, leftovers of runs, who is in the way.

    Exit code 0: nothing is wrong, or all of it was repaired. 1: something is wrong.

    Example: fluffy-sql check --repair
    """
    settings = _load(config, database_url)
    with _database(settings) as database:
        result = look_for_faults(database.url, schema=settings.database.schema_, repair=repair)
    if as_json:
        _print_json(asdict(result))
    else:
        print(display.describe_check(result))
    if not result.ok:
        context.exit(1)


@fluffy_sql.command("import", short_help="Load embeddings from a file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--paths",
    type=click.Path(path_type=Path),
    help="With .npy: a CSV whose column path names the photo of each row.",
)
@_with_config
@_with_database_url
@_with_json
def import_(
    *,
    file: Path,
    paths: Path | None,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Load embeddings from FILE (.npy, .parquet or .csv), all rows or none.

    A .parquet or .csv file has the columns path and embedding. Photos whose path is known are
    updated, not duplicated.

    Example: fluffy-sql import embeddings.npy --paths photos.csv
    """
    settings = _load(config, database_url)
    with _session(settings) as session, display.stderr_console().status("importing") as line:
        result = import_photos(
            session, file, paths, lambda rows: line.update(f"importing: {rows:,} rows read")
        )
    if as_json:
        _print_json(asdict(result))
        return
    print(
        f"{display.printable(str(result.file))}: {result.rows_read:,} rows read;"
        f" {result.photos_added:,} photos added, {result.photos_updated:,} updated,"
        f" {result.photos_unchanged:,} unchanged"
    )


@fluffy_sql.command(short_help="Cluster the photos that have no cluster yet.")
@click.option("--k", type=int, help="How many clusters to make.")
@click.option("--metric", help="cosine or l2.")
@click.option("--seed", type=int, help="The same seed on the same photos gives the same clusters.")
@click.option("--algorithm", help="Which algorithm to use.")
@click.option(
    "--recluster",
    is_flag=True,
    help="Cluster all photos anew; clusters that go on keep their id, name and status.",
)
@click.option(
    "--cold", is_flag=True, help="With --recluster: start from nothing, not from the old clusters."
)
@click.option(
    "--dry-run", is_flag=True, help="Go through it all and take it back; say what would change."
)
@click.option(
    "--resume", is_flag=True, help="Go on with the newest run, which was killed while it trained."
)
@click.option(
    "--explain",
    is_flag=True,
    help="Print the SQL of a run with its query plans; go through the run and take it back.",
)
@_with_config
@_with_database_url
@_with_json
def generate(
    *,
    k: int | None,
    metric: str | None,
    seed: int | None,
    algorithm: str | None,
    recluster: bool,
    cold: bool,
    dry_run: bool,
    resume: bool,
    explain: bool,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Cluster the photos that have an embedding and no cluster yet.

    What is not given comes from the settings file. All photos get their cluster, or none.

    --recluster clusters all photos anew, from the clusters there are or, with --cold, from nothing.
    A new cluster that is an old one keeps its id, and with it its name, its status and what refers
    to it. Old ones that no new one is are kept, empty.

    --explain prints the SQL statements of a run, each with how often it ran and the plan of its
    first time. It takes as long as a run and leaves no cluster, no photo in one and no record.

    Example: fluffy-sql generate --k 50 --seed 7
    """
    if cold and not recluster:
        raise UsageError("--cold is for --recluster: a first run starts from nothing anyway")
    if explain and (recluster or dry_run):
        raise UsageError("--explain explains an ordinary run; leave out --recluster and --dry-run")
    flags = {"k": k, "metric": metric, "seed": seed, "algorithm": algorithm}
    if resume and (recluster or dry_run or explain or any(v is not None for v in flags.values())):
        raise UsageError("--resume goes on as the run was begun; leave out all other options")
    settings = _load(config, database_url, **flags)
    with _database(settings) as database:
        if explain:
            _explain(database.url, settings, as_json=as_json)
            return
        with _clustering(database.url, settings) as service:
            if resume:
                result = service.resume()
            else:
                result = service.generate(recluster=recluster, cold=cold, dry_run=dry_run)
        if as_json:
            _print_json(asdict(result))
            return
        print(display.describe_run(result))
        if result.changes is not None:
            _print_changes(result.changes)
        elif result.run_id is not None:
            _print_clusters_of(settings, result.run_id, result.clusters_created)


@contextmanager
def _clustering(url: str, settings: Settings) -> Iterator[ClusteringService]:
    """The service, with its progress on stderr."""
    with display.RunProgress(display.stderr_console()) as progress:
        yield ClusteringService(
            url,
            settings.clustering,
            schema=settings.database.schema_,
            connections=settings.database.connections,
            progress=progress,
        )


def _explain(url: str, settings: Settings, *, as_json: bool) -> None:
    with _clustering(url, settings) as service:
        statements = service.explain()
    if as_json:
        _print_json({"statements": [asdict(statement) for statement in statements]})
        return
    print(display.describe_statements(statements))


def _print_changes(changes: Changes) -> None:
    console = display.stdout_console()
    console.print(display.changes_table(changes.clusters[:_SHOWN_AFTER_A_RUN]))
    _print_more(len(changes.clusters), "clusters")
    if changes.moves:
        console.print(display.moves_table(changes.moves[:_SHOWN_AFTER_A_RUN]))
        _print_more(len(changes.moves), "moves")


def _print_more(rows: int, what: str) -> None:
    if rows > _SHOWN_AFTER_A_RUN:
        print(f"... and {rows - _SHOWN_AFTER_A_RUN:,} more {what}: --json has all")


def _print_clusters_of(settings: Settings, run_id: int, made: int) -> None:
    with _looking(settings) as session:
        rows = session.fetch_all(
            "runs/list_clusters",
            run_id=run_id,
            every_scope=True,
            scope=None,
            most=_SHOWN_AFTER_A_RUN,
        )
    display.stdout_console().print(display.clusters_table(rows))
    if made > len(rows):
        print(f"... and {made - len(rows):,} smaller ones: fluffy-sql clusters --run {run_id}")


@fluffy_sql.command(short_help="Place photos without a cluster at the nearest one.")
@click.option(
    "--max-distance",
    type=float,
    metavar="D",
    help="Leave photos that lie farther than this from the centroid, in the metric of the run.",
)
@click.option(
    "--within",
    type=click.IntRange(0, 100),
    metavar="P",
    help="Leave photos that lie farther than P % of the cluster's own photos did at training.",
)
@click.option(
    "--metric",
    type=click.Choice(["cosine", "l2"]),
    help="Only clusters of this metric take photos; needed where there are both.",
)
@click.option(
    "--moved",
    is_flag=True,
    help="Also look at photos that changed since a run placed them, and place them again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@_with_config
@_with_database_url
@_with_json
def assign(
    *,
    max_distance: float | None,
    within: int | None,
    metric: str | None,
    moved: bool,
    dry_run: bool,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Place photos that have no cluster yet at the nearest active one, without training.

    All of them are placed, or none. What lies too far away stays without a cluster and is tried
    again next time. Pinned photos stay where they are.

    Example: fluffy-sql assign --within 95 --dry-run
    """
    if max_distance is not None and within is not None:
        raise UsageError("--max-distance and --within can't be given together; leave one out")
    if max_distance is not None and not (math.isfinite(max_distance) and max_distance >= 0):
        raise UsageError(f"--max-distance is {max_distance}; allowed: a number from 0 up")
    options = AssignOptions(max_distance, within, metric, moved, dry_run)
    settings = _load(config, database_url)
    with _database(settings) as database, display.RunProgress(display.stderr_console()) as progress:
        result = AssignService(
            database.url,
            schema=settings.database.schema_,
            connections=settings.database.connections,
            progress=progress,
            limits=_lock_limits(settings),
        ).assign(options)
    if as_json:
        _print_json(asdict(result))
        return
    print(display.describe_assignment(result))
    if result.moves:
        display.stdout_console().print(display.named_moves_table(result.moves[:_SHOWN_AFTER_A_RUN]))
    if len(result.moves) > _SHOWN_AFTER_A_RUN:
        print(f"... and {len(result.moves) - _SHOWN_AFTER_A_RUN:,} smaller ones; --json has all")


@fluffy_sql.command(short_help="Try many k and suggest one; writes no cluster.")
@click.option(
    "--k",
    "ks",
    default="5..200",
    show_default=True,
    help="From which k to which, or a list: 5..200, or 10,20,50.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=2, max=_MOST_STEPS_OF_A_SWEEP),
    help=f"How many k of a range to try, evenly in ratio; {_STEPS_OF_A_SWEEP} if not given.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw a chart into this file, .html or .png.",
)
@click.option("--metric", help="cosine or l2.")
@click.option("--seed", type=int, help="The same seed on the same photos gives the same result.")
@_with_scope
@_with_config
@_with_database_url
@_with_json
@click.pass_context
def sweep(
    context: click.Context,
    *,
    scope: ScopeFilter | None,
    ks: str,
    steps: int | None,
    out: Path | None,
    metric: str | None,
    seed: int | None,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Try many k on all usable photos, in a cluster or not, and suggest one. No cluster is written.

    Each k is trained twice, with two seeds, on one sample of photos, and measured on it. Ctrl-C
    ends it with what was measured so far.

    Example: fluffy-sql sweep --k 5..200 --out sweep.html
    """
    tried = _parse_ks(ks, steps)
    settings = _load(config, database_url, metric=metric, seed=seed)
    draw = _chart_writer(out) if out else None
    with _database(settings) as database, display.RunProgress(display.stderr_console()) as progress:
        result = SweepService(
            database.url,
            settings.clustering,
            schema=settings.database.schema_,
            connections=settings.database.connections,
            progress=progress,
        ).sweep(tried, scope)
    if draw:
        draw(result)
    if as_json:
        _print_json({**asdict(result), "chart": str(out) if out else None})
    else:
        display.stdout_console().print(display.candidates_table(result))
        print(display.describe_suggestion(result))
        print(display.describe_sweep(result))
        if out:
            print(f"Chart: {out}")
    if result.interrupted:
        display.stderr_console().print("fluffy-sql: stopped; this is what was measured before")
        context.exit(STOPPED_BY_SIGNAL)


def _parse_ks(text: str, steps: int | None) -> list[int]:
    """The k that `--k` and `--steps` name."""
    if found := re.fullmatch(r"\s*([0-9]{1,7})\s*\.\.\s*([0-9]{1,7})\s*", text):
        lowest, highest = int(found[1]), int(found[2])
        if _LEAST_SWEPT_K <= lowest < highest:
            return spread_evenly(lowest, highest, steps or _STEPS_OF_A_SWEEP)
    elif re.fullmatch(r"\s*[0-9]{1,7}\s*(,\s*[0-9]{1,7}\s*)*", text):
        if steps is not None:
            raise UsageError(
                "--steps is for a range such as 5..200; a list of k has its own length"
            )
        ks = [int(part) for part in text.split(",")]
        if min(ks) >= _LEAST_SWEPT_K:
            return ks
    raise UsageError(
        f"--k is {text!r}; allowed: a range such as 5..200 or a list such as 10,20,50,"
        f" of whole numbers from {_LEAST_SWEPT_K} up"
    )


def _chart_writer(file: Path) -> Callable[[SweepResult], None]:
    """What draws the chart; looked for before a sweep, so that none is made in vain."""
    try:
        from fluffy_sql.operations.report.sweep_chart import chart_writer  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError(
            'drawing a chart needs matplotlib and Jinja2; run: pip install "fluffy_sql[report]"'
        ) from None
    return chart_writer(file)


@fluffy_sql.command(short_help="List the clusters, largest first.")
@click.option("--run", "run_id", type=_ID, help="Only those that this run made.")
@_with_scope
@_with_limit
@_with_config
@_with_database_url
@_with_json
def clusters(
    *,
    scope: ScopeFilter | None,
    run_id: int | None,
    limit: int | None,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """List the clusters, largest first, with their distances and most central photo.

    Example: fluffy-sql clusters --run 3 --limit 10
    """
    with _looking(_load(config, database_url)) as session:
        rows = session.fetch_all(
            "runs/list_clusters",
            run_id=run_id,
            every_scope=scope is None,
            scope=scope.scope if scope else None,
            most=limit,
        )
    if as_json:
        _print_json({"clusters": rows})
    elif rows:
        display.stdout_console().print(display.clusters_table(rows))
    elif run_id is not None:
        print(f"There are no clusters of run {run_id}.")
    else:
        print("No clusters yet; make some: fluffy-sql generate")


@fluffy_sql.group(
    short_help="List the runs; show, compare or undo one.", invoke_without_command=True
)
@_with_limit
@_with_config
@_with_database_url
@_with_json
@click.pass_context
def runs(
    context: click.Context,
    *,
    limit: int | None,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """List the runs, newest first, with their settings and how they ended.

    Example: fluffy-sql runs --limit 5
    """
    if context.invoked_subcommand is not None:
        if limit or config or database_url or as_json:
            raise UsageError(
                f"options go behind {context.invoked_subcommand}:"
                f" fluffy-sql runs {context.invoked_subcommand} ..."
            )
        return
    with _looking(_load(config, database_url)) as session:
        rows = session.fetch_all("runs/list", most=limit)
    if as_json:
        _print_json({"runs": rows})
    elif rows:
        console = display.stdout_console()
        console.print(display.runs_table(rows))
        if failures := display.failures(rows):
            console.print(failures, soft_wrap=True)
    else:
        print("No runs yet; start one: fluffy-sql generate")


@runs.command(short_help="Show one run: settings, quality, steps and what it changed.")
@click.argument("run_id", type=_ID)
@_with_config
@_with_database_url
@_with_json
def show(*, run_id: int, config: Path | None, database_url: str | None, as_json: bool) -> None:
    """Show the run RUN_ID: its settings, quality and steps, and what it changed.

    Example: fluffy-sql runs show 3
    """
    with _looking(_load(config, database_url)) as session:
        details = show_run(session, run_id)
    if as_json:
        _print_json(asdict(details))
        return
    console = display.stdout_console()
    console.print(display.run_table(details.run))
    if details.steps:
        console.print(display.steps_table(details.steps))
    if details.clusters:
        _print_changes(Changes(details.clusters, details.moves))


@runs.command(short_help="Compare two runs, and what was moved between them.")
@click.argument("first", type=_ID)
@click.argument("second", type=_ID)
@_with_config
@_with_database_url
@_with_json
def diff(
    *, first: int, second: int, config: Path | None, database_url: str | None, as_json: bool
) -> None:
    """Compare the runs FIRST and SECOND: settings and measures that differ, and what was moved.

    Moves are those of runs, from the end of the earlier to the end of the later; what people moved
    by hand is not in them.

    Example: fluffy-sql runs diff 3 5
    """
    with _looking(_load(config, database_url)) as session:
        difference = compare_runs(session, first, second)
    if as_json:
        _print_json(asdict(difference))
        return
    console = display.stdout_console()
    console.print(display.difference_table(difference))
    if difference.moves:
        console.print(display.moves_table(difference.moves[:_SHOWN_AFTER_A_RUN]))
        _print_more(len(difference.moves), "moves")
    else:
        print("No photo was moved between them.")


@runs.command(short_help="Put back what a run changed.")
@click.argument("run_id", type=_ID)
@_with_config
@_with_database_url
@_with_json
def undo(*, run_id: int, config: Path | None, database_url: str | None, as_json: bool) -> None:
    """Put photos and clusters back to where they were before the run RUN_ID.

    Photos that somebody moved or pinned since stay where they are, and clusters that the run made
    and somebody named are kept. A run that a newer one builds on is not undone.

    Example: fluffy-sql runs undo 3
    """
    settings = _load(config, database_url)
    with _session(settings) as session:
        result = undo_run(session, run_id, _lock_limits(settings))
    if as_json:
        _print_json(asdict(result))
        return
    print(display.describe_undo(result))


@fluffy_sql.command(short_help="Draw a sample library into the embedded server.")
@click.option(
    "--if-empty", is_flag=True, help="Do nothing where there are photos or a database is named."
)
@_with_config
@_with_json
def sample(*, if_empty: bool, config: Path | None, as_json: bool) -> None:
    """Draw a sample library and load it into the embedded server, never into a database you named.

    Example: fluffy-sql sample
    """
    settings = _load(config, None)
    loaded = 0
    if not settings.database.url:
        loaded = _load_sample(settings, if_empty=if_empty)
    elif not if_empty:
        raise UsageError(
            "the sample library is only ever loaded into the embedded server, and a database is"
            " named; unset DATABASE_URL and database.url to use the embedded one"
        )
    if as_json:
        _print_json({"photos_loaded": loaded})


def _load_sample(settings: Settings, *, if_empty: bool) -> int:
    """Loads the sample where the embedded library is empty; returns how many photos it has."""
    with _session(settings) as session:
        if session.fetch_value("survey/has_photos"):
            if if_empty:
                return 0
            raise UsageError("the embedded library has photos; the sample is for an empty one")
        stderr = display.stderr_console()
        folder = _sample_folder(settings)
        stderr.print("The embedded library is empty: drawing a sample library (half a minute).")
        loaded = _sample_loader()(session, folder)
    stderr.print(
        f"Loaded {loaded:,} pictures in 12 themes from {folder}.\nThey are described by colour"
        " layout and gradients, a simple stand-in for DINO embeddings."
    )
    return loaded


def _sample_folder(settings: Settings) -> Path:
    return Path(settings.database.embedded_dir).parent / "sample_library"


def _sample_loader() -> Callable[[Session, Path], int]:
    try:
        from fluffy_sql.operations.sample_library.loading import load_sample_library  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError(
            'drawing the sample library needs Pillow; run: pip install "fluffy_sql[sample]"'
        ) from None
    return load_sample_library


@fluffy_sql.command(short_help="Write a page and contact sheets to look at the clusters with.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write; an earlier report in it is replaced.",
)
@click.option(
    "--clusters",
    "largest",
    type=click.IntRange(min=1),
    help="Show so many, the largest first; all if not given, of very many the largest.",
)
@click.option(
    "--cluster",
    "cluster_ids",
    type=_ID,
    multiple=True,
    help="Show this cluster; may be given several times.",
)
@click.option("--run", "run_id", type=_ID, help="Only clusters that this run made.")
@click.option(
    "--photos",
    type=click.IntRange(min=1, max=200),
    default=12,
    show_default=True,
    help="Photos in each section of a cluster: central, between, outermost.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Where the photos lie; none outside is opened. This folder if not given, or that of the"
    " sample library.",
)
@_with_scope
@_with_config
@_with_database_url
@_with_json
def report(
    *,
    scope: ScopeFilter | None,
    out: Path,
    largest: int | None,
    cluster_ids: tuple[int, ...],
    run_id: int | None,
    photos: int,
    root: Path | None,
    config: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Write a folder to look at clusters with: index.html, and a contact sheet for each cluster.

    The page needs no network and nothing beside it. It shows the most central photos of each
    cluster, some at random and the outermost ones, which clusters are near each other, and which
    are worth a second look. The database is only read.

    Example: fluffy-sql report --out report --clusters 5 --root ~/Pictures
    """
    if largest and cluster_ids:
        raise UsageError("--clusters and --cluster can't be given together; leave one out")
    settings = _load(config, database_url)
    build, model = _report_modules()
    with _looking(settings, at_one_moment=True) as session:
        order = build.Order(
            out=out,
            root=root or _default_root(settings),
            selection=model.Selection(
                run_id=run_id, largest=largest, cluster_ids=cluster_ids, one_scope=scope
            ),
            photos=photos,
        )
        with display.stderr_console().status("reading the clusters") as line:
            result = build.write_report(session, order, line.update)
    if as_json:
        _print_json(asdict(result))
        return
    print(display.describe_report(result))


def _report_modules() -> tuple[ModuleType, ModuleType]:
    try:
        from fluffy_sql.operations.report import build, model  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError(
            'a report needs Pillow and Jinja2; run: pip install "fluffy_sql[report]"'
        ) from None
    return build, model


def _default_root(settings: Settings) -> Path:
    """The sample library, where it is what the embedded server holds; else the working folder."""
    sample_library = _sample_folder(settings)
    return sample_library if not settings.database.url and sample_library.is_dir() else Path()


@fluffy_sql.command(
    short_help="Open psql on the configured database.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
@_with_config
@_with_database_url
@click.pass_context
def psql(context: click.Context, *, config: Path | None, database_url: str | None) -> None:
    """Open psql on the configured database; what else is given is passed on to it.

    Example: fluffy-sql psql -c "SELECT * FROM cluster_overview"
    """
    settings = _load(config, database_url)
    with _database(settings) as database:
        # By the environment, since arguments of a program can be read by everyone on the machine.
        environment = {**os.environ, **libpq_environment(database.url)}
        environment |= _options_of_psql(database.url, settings.database.schema_, environment)
        program = find_psql(prefer_embedded=database.embedded)
        # Ctrl-C is for psql, which cancels its statement and goes on.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            finished = subprocess.run([program, *context.args], env=environment, check=False)  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, previous)
    context.exit(finished.returncode)


def _options_of_psql(url: str, place: str, environment: dict[str, str]) -> dict[str, str]:
    """What has psql find views and functions by their names alone; poolers take no such options."""
    with Session.look(url, schema=place) as session:
        if session.pooled:
            display.stderr_console().print(
                f"A pooler is in between: name what is in the schema {place} with it, as in"
                f" {place}.cluster_overview"
            )
            return {}
        search_path = session.fetch_value("session/show_search_path")
    escaped = re.sub(r"([\\\s])", r"\\\1", search_path)
    options = f"{environment.get('PGOPTIONS', '')} -c search_path={escaped}"
    return {"PGOPTIONS": f"{options} -c fluffy_sql.schema={place}".strip()}
