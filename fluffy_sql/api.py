"""What `from fluffy_sql import ...` gives: a library to cluster from Python. It prints nothing.

docs/guides/python.md has examples.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from numpy.typing import NDArray

from fluffy_sql.errors import FluffySqlError, MissingExtraError
from fluffy_sql.operations import assign as assigning
from fluffy_sql.operations import generate as generating
from fluffy_sql.operations import importing
from fluffy_sql.operations.assign import AssignRequest, AssignResult
from fluffy_sql.operations.clusters import Cluster, Member, list_clusters, list_members
from fluffy_sql.operations.database import Database
from fluffy_sql.operations.duplicates import (
    DuplicateGroup,
    DuplicatePhoto,
    DuplicatesRequest,
    DuplicatesResult,
    find_duplicates,
)
from fluffy_sql.operations.embed.progress import EmbedProgress
from fluffy_sql.operations.generate import GenerateRequest
from fluffy_sql.operations.history import RunDetails, UndoResult, show_run, undo_run
from fluffy_sql.operations.importing import ImportResult
from fluffy_sql.postgres import schema, sources
from fluffy_sql.postgres.schema import AttachResult, MigrationResult
from fluffy_sql.runs.owners import ScopeFilter
from fluffy_sql.runs.progress import Progress
from fluffy_sql.runs.record import RunResult
from fluffy_sql.settings import SettingsSources, as_argument

if TYPE_CHECKING:
    from fluffy_sql.operations.embed.service import EmbedResult  # an extra

__all__ = [
    "AssignResult",
    "AttachResult",
    "Cluster",
    "DuplicateGroup",
    "DuplicatePhoto",
    "DuplicatesResult",
    "EmbedProgress",
    "FluffySqlError",
    "ImportResult",
    "Library",
    "Member",
    "MigrationResult",
    "Progress",
    "Rows",
    "RunDetails",
    "RunResult",
    "UndoResult",
    "open_library",
]

Row = TypeVar("Row")


class Rows(tuple[Row, ...]):
    """Rows in their order: a tuple that can become a DataFrame."""

    _kind: type[Any]

    @classmethod
    def of(cls, kind: type[Row], rows: Iterable[Row]) -> Self:
        """Rows of a dataclass."""
        made = cls(rows)
        made._kind = kind
        return made

    def to_frame(self) -> Any:
        """The rows as a `pandas.DataFrame`, one column for each field.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtraError("a DataFrame needs pandas; run: pip install pandas") from None
        columns = [field.name for field in fields(self._kind)]
        return pd.DataFrame([vars(row) for row in self], columns=columns)


@contextmanager
def open_library(
    url: str | None = None,
    *,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator["Library"]:
    """Opens a photo library, for a `with` statement.

    Args:
        url: of the database, as in `postgresql://me@localhost/photos`; None: what `DATABASE_URL`
            says, else the settings file, else the embedded server, which runs meanwhile.
        config: the settings file; None: `image_embed.yml` in this folder, if there is one.
        settings: override the file, by dotted names, as in `{"clustering.kmeans.restarts": 4}`.

    Raises:
        SettingsError: a setting is wrong; the message says where it was set and what is allowed.
        MissingExtraError: it is the embedded server, and that is not installed.
    """
    sources = SettingsSources.read(Path(config) if config is not None else None).with_values(
        {**(settings or {}), "database.url": url}, as_argument
    )
    database = Database(sources.settings())
    with database.running():  # so that the embedded server is started once
        yield Library(database, sources)


class Library:
    """A photo library, made by `open_library`.

    Each method connects, does its work in one transaction at its end, all of it or nothing, and
    disconnects. What goes wrong is a FluffySqlError: its message is one line that says what to do.
    Besides those that a method names, these are raised everywhere (from `fluffy_sql.errors`):
    UnreachableError, if no server answers; DatabaseError, if it refuses a statement; SchemaError,
    if the database was not migrated.
    """

    def __init__(self, database: Database, sources: SettingsSources) -> None:
        self._database = database
        self._sources = sources

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the address, a line each: what is ignored, or read otherwise."""
        return self._database.notes

    def migrate(self) -> MigrationResult:
        """Brings the database to the current schema; tables that are there already are kept.

        Raises:
            SchemaError: the server is too old, or a table can't be adopted; nothing was changed.
            BusyError: a run is at work.
        """
        keep = self._database.settings.clustering.counter_cache
        with self._database.address() as url:
            return schema.migrate(url, schema=self._database.schema, keep_counts_by=keep)

    def attach(
        self,
        table: str | None = None,
        *,
        key: str | Sequence[str] = (),
        embedding: str | None = None,
        path: str | None = None,
        owner: str | None = None,
        version_column: str | None = None,
        query: str | None = None,
        preset: str | None = None,
        dry_run: bool = False,
    ) -> AttachResult:
        """Makes a library of embeddings that stay in a table of an application, which is only read.

        Args:
            table: the table or view that holds them; or else a query or a preset is named.
            key: its key: a column, or several.
            embedding: its column of embeddings.
            path: its column that says where a photo lies.
            owner: its column that says whose a photo is.
            version_column: its column that changes if a row does.
            query: a SELECT of key, embedding and, if there are any, path, owner and version.
            preset: the SELECT for a known application: `immich`, `langchain` or `librephotos`.
            dry_run: say what would be read, and make nothing.

        Raises:
            UsageError: not one of table, query and preset is named, or columns do not fit that.
            SchemaError: there is a library already, or the source can't be read as one.
            LibraryError: it shows a key twice, or a photo without one.
            BusyError: a run is at work.
        """
        wanted = sources.wanted(
            table=table,
            keys=(key,) if isinstance(key, str) else tuple(key),
            embedding=embedding,
            path=path,
            owner=owner,
            version_column=version_column,
            query=query,
            preset=preset,
        )
        with self._database.address() as url:
            return schema.attach(
                url,
                wanted,
                schema=self._database.schema,
                keep_counts_by=self._database.settings.clustering.counter_cache,
                dry_run=dry_run,
            )

    def detach(self, *, source: bool = False) -> None:
        """Removes views, functions and triggers, so that an application can change its tables.

        `migrate` puts them back.

        Args:
            source: drop the library of `attach` whole, with clusters and labels; its source stays.

        Raises:
            SchemaError: the library belongs to another role, or it has no source.
            BusyError: a run is at work.
        """
        detach = schema.detach_source if source else schema.detach
        with self._database.address() as url:
            detach(url, schema=self._database.schema)

    def import_file(
        self,
        file: str | Path,
        paths: str | Path | None = None,
        *,
        format: str | None = None,  # noqa: A002 - as the option is called
        force: bool = False,
    ) -> ImportResult:
        """Adds the photos of a file, and renews the embeddings of those known by their path.

        Args:
            file: an `.npy` array of shape (photos, dimensions), or a `.csv` or `.parquet` file with
                the columns `path` and `embedding`.
            paths: for `.npy`, a CSV with the column `path`; row i of one is row i of the other.
            format: `npy`, `csv` or `parquet`; None: as the name of the file says.
            force: also if other photos have embeddings of another length.

        Raises:
            UsageError: `paths` is missing for `.npy`, or nothing says the format.
            ImportFileError: a file can't be read, or a row is wrong; the message names it.
            LibraryError: other photos have embeddings of another length.
            MissingExtraError: a `.parquet` file, and pyarrow is not installed.
        """
        found = importing.find_file(Path(file), Path(paths) if paths is not None else None, format)
        with self._database.session() as session:
            return importing.import_photos(session, found, force=force)

    def import_array(
        self, paths: Sequence[str], embeddings: NDArray[Any], *, force: bool = False
    ) -> ImportResult:
        """Adds photos, and renews the embeddings of those known by their path.

        Args:
            paths: of the photos.
            embeddings: shape (photos, dimensions), of float16, float32, float64 or whole numbers.
            force: also if other photos have embeddings of another length.

        Raises:
            ImportFileError: a row is wrong; the message names it.
            LibraryError: other photos have embeddings of another length.
        """
        with self._database.session() as session:
            return importing.import_array(session, paths, embeddings, force=force)

    def embed(
        self,
        folder: str | Path | None = None,
        *,
        root: str | Path | None = None,
        replace: bool = False,
        forget_missing: bool = False,
        limit: int | None = None,
        jobs: int | None = None,
        dry_run: bool = False,
        progress: EmbedProgress | None = None,
    ) -> "EmbedResult":
        """Finds photos in a folder and embeds those that are new or have changed.

        Photos are written a few hundred at a time, each time in one transaction; whatever ends it,
        the next call goes on where it was.

        Args:
            folder: where they are; None: photos of the database that have no embedding.
            root: the folder that their paths are relative to; None: that of before, else `folder`,
                else the working folder.
            replace: if photos have embeddings of another model, replace them once all have new
                ones.
            forget_missing: delete photos whose file is gone.
            limit: embed at most this many.
            jobs: how many processors are used; None: all.
            dry_run: say what would be embedded, and write nothing.
            progress: is notified as it goes.

        Raises:
            UsageError: there is no such folder.
            MissingExtraError: what it needs is not installed.
            ProviderError: the model or the service that makes embeddings fails.
            LibraryError: there is no photo, or photos have embeddings of another model.
            BusyError: another embed is at work.
        """
        try:
            from fluffy_sql.operations.embed import service  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingExtraError(
                'embedding photos needs Pillow; run: pip install "fluffy_sql[photos]"'
            ) from None
        request = service.EmbedRequest(
            settings=self._database.settings.embedding,
            settings_folder=self._database.settings.folder,
            folder=Path(folder) if folder is not None else None,
            root=Path(root) if root is not None else None,
            replace=replace,
            forget_missing=forget_missing,
            limit=limit,
            jobs=jobs,
            dry_run=dry_run,
        )
        with self._database.session() as session:
            return service.embed(session, request, progress)

    def generate(
        self,
        k: int | None = None,
        *,
        metric: str | None = None,
        seed: int | None = None,
        algorithm: str | None = None,
        recluster: bool = False,
        cold: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> RunResult:
        """Clusters the photos that have an embedding and no cluster yet.

        Args:
            k: how many clusters to make. This and the next three are as the settings say if None.
            metric: `cosine` or `l2`.
            seed: the same seed on the same photos gives the same clusters.
            algorithm: which one to use, by its name.
            recluster: cluster all photos again; clusters that continue keep id, name and status.
            cold: with `recluster`, start from nothing and not from the clusters there are.
            dry_run: do it all and roll it back; the result says what would change.
            progress: is notified as it goes.

        Raises:
            SettingsError: a value is not allowed.
            UsageError: `cold` without `recluster`.
            LibraryError: the photos can't be clustered as they are.
            BusyError: another run is at work.
        """
        asked = {
            "clustering.{algorithm}.k": k,
            "clustering.metric": metric,
            "clustering.seed": seed,
            "clustering.algorithm": algorithm,
        }
        settings = self._sources.with_values(asked, as_argument).settings()
        request = GenerateRequest(
            settings=settings.clustering,
            recluster=recluster,
            cold=cold,
            dry_run=dry_run,
            connections=settings.database.connections,
        )
        with self._database.work() as session:
            return generating.generate(session, request, progress)

    def assign(
        self,
        *,
        within: int | None = None,
        max_distance: float | None = None,
        metric: str | None = None,
        moved: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> AssignResult:
        """Places photos that have no cluster yet at the nearest active one, without training.

        Args:
            within: leave photos farther than this percentage of a cluster's own were at training.
            max_distance: leave photos farther than this from the centroid.
            metric: only clusters of this metric take photos; needed if there are both.
            moved: also look at photos that changed since a run placed them.
            dry_run: say what would change, and change nothing.
            progress: is notified as it goes.

        Raises:
            UsageError: a value is not allowed.
            LibraryError: the clusters are of several metrics, or nothing is known of the distances
                that `within` asks for.
            BusyError: a run is at work.
        """
        request = AssignRequest(
            max_distance=max_distance,
            within=within,
            metric=metric,
            moved=moved,
            dry_run=dry_run,
            connections=self._database.settings.database.connections,
            limits=self._database.lock_limits,
            duplicates=self._database.settings.clustering.duplicates,
        )
        with self._database.work() as session:
            return assigning.assign(session, request, progress)

    def duplicates(
        self,
        within: float | None = None,
        *,
        metric: str | None = None,
        limit: int = 10,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> DuplicatesResult:
        """Finds groups of near-duplicates, in place of those that were found before.

        Args:
            within: the farthest that two of them are apart; None: as the settings say.
            metric: `cosine` or `l2`; None: as the settings say.
            limit: the result has at most this many groups, the largest first.
            dry_run: say what would be found, and write nothing.
            progress: is notified as it goes.

        Raises:
            SettingsError: a value is not allowed.
            UsageError: the metric is l2, and nothing says within what.
            LibraryError: the photos can't be compared as they are.
            BusyError: a run is at work.
        """
        asked = {"duplicates.within": within, "clustering.metric": metric}
        settings = self._sources.with_values(asked, as_argument).settings()
        request = DuplicatesRequest(
            within=settings.duplicates.within,
            settings=settings.clustering,
            dry_run=dry_run,
            shown=limit,
            connections=settings.database.connections,
        )
        with self._database.work() as session:
            return find_duplicates(session, request, progress)

    def clusters(
        self,
        *,
        run_id: int | None = None,
        scope: int | str | None = None,
        limit: int | None = None,
    ) -> Rows[Cluster]:
        """The clusters, largest first.

        Args:
            run_id: only those that this run made.
            scope: only those of this scope, say of one owner.
            limit: at most this many.
        """
        of_scope = None if scope is None else ScopeFilter(scope)
        with self._database.reader() as session:
            rows = list_clusters(session, run_id=run_id, scope=of_scope, limit=limit)
        return Rows.of(Cluster, rows)

    def members(self, cluster_id: int, *, limit: int | None = None) -> Rows[Member]:
        """The photos of a cluster, most typical first; none if there is no such cluster."""
        with self._database.reader() as session:
            return Rows.of(Member, list_members(session, cluster_id, limit))

    def show_run(self, run_id: int) -> RunDetails:
        """One run: its settings, quality and steps, and what it changed.

        Raises:
            HistoryError: there is no such run.
        """
        with self._database.reader() as session:
            return show_run(session, run_id)

    def undo_run(self, run_id: int) -> UndoResult:
        """Puts photos and clusters back to where they were before a run.

        Raises:
            HistoryError: there is no such run, or it can't be undone; the message says why.
            BusyError: a run is at work.
        """
        with self._database.session() as session:
            return undo_run(session, run_id, self._database.lock_limits)
