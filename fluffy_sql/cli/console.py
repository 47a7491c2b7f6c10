"""What a person sees: tables on stdout, progress on stderr. The command line's own."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress as LiveLine
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from fluffy_sql.runs.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from fluffy_sql.algorithms import StepReport, Survey
    from fluffy_sql.operations.assign import AssignResult, NamedMove
    from fluffy_sql.operations.check import CheckResult, Finding
    from fluffy_sql.operations.distribute import DistributeResult
    from fluffy_sql.operations.history import RunDifference, UndoResult
    from fluffy_sql.operations.report.build import ReportResult
    from fluffy_sql.operations.sweep import SweepResult
    from fluffy_sql.postgres.counter_cache import CounterCache
    from fluffy_sql.postgres.explain import ExplainedStatement
    from fluffy_sql.postgres.schema import MigrationResult
    from fluffy_sql.runs.moves import ClusterChange, Move
    from fluffy_sql.runs.record import RunQuality, RunResult

# Into a file, a pipe or cron's mail: rich would fold tables at 80 columns and cut paths.
_WIDTH_OF_A_FILE = 160
# Columns of words, which stand to the left; numbers stand to the right.
_WORDS = {
    *(
        "",
        "central photo",
        "change",
        "kind",
        "name",
        "phase",
        "settings",
        "started (UTC)",
        "status",
    ),
}
# Most mail servers take 20 to 25 MB, of which a page fills three quarters: it travels as text.
_MAILABLE_BYTES = 15_000_000
_MOST_FINDINGS = 50


def stdout_console() -> Console:
    """Results go here."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)


def stderr_console() -> Console:
    """Progress, warnings and errors go here."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


class RunProgress(Progress):
    """Shows a run as it goes: live on a terminal, a line for each phase elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = LiveLine(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._line.add_task("connecting", total=None)
        self._eligible = 0
        self._assigned = 0
        self._trying = ""

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._line.stop()

    def phase(self, name: str) -> None:
        """Names the phase."""
        self._show(name)
        if not self._console.is_terminal:
            self._console.print(name)

    def surveyed(self, survey: Survey) -> None:
        """Says what there is to do."""
        self._eligible = survey.eligible
        if survey.eligible:
            self._console.print(
                f"{_count(survey.eligible, 'photo')} of {_count(survey.dimensions, 'dimension')}"
                f"{_describe_scopes(len(survey.scopes))}"
            )

    def indexed(self, names: tuple[str, ...]) -> None:
        """Says what will take long."""
        if names:
            self._console.print(
                f"The final transaction has to write {', '.join(names)} for each photo, and holds"
                " its locks some 10 times as long (docs/guides/operations.md)"
            )

    def step(self, report: StepReport) -> None:
        """Shows the step."""
        speed = report.batch_size / max(report.seconds, 1e-9)
        self._show(
            f"{self._trying}{report.phase}: step {report.step}, batch {report.batch_size:,},"
            f" inertia {report.inertia:,.1f}, {speed:,.0f} photos/s"
        )

    def trying(self, k: int) -> None:
        """Names the k that a sweep turns to."""
        self._trying = f"k={k:,}, "
        if not self._console.is_terminal:
            self._console.print(f"k={k:,}")

    def photos(self, done: int) -> None:
        """Shows how many photos have their cluster."""
        self._assigned += done
        self._show(f"assign: {self._assigned:,} of {self._eligible:,} photos")

    def _show(self, text: str) -> None:
        self._line.update(self._task, description=text)


def describe_run(result: RunResult) -> str:
    """A run in a line or a few."""
    if not result.photos_processed and not result.clusters_created:
        return "No photos to cluster." + _describe_clustered(result) + _describe_left_out(result)
    clusters = result.clusters_created + result.clusters_kept
    name = "Dry run, nothing was written" if result.dry_run else f"Run {result.run_id}"
    return (
        f"{name}: {_count(result.photos_processed, 'photo')} in"
        f" {_count(clusters, 'cluster')}{_describe_scopes(result.scopes)}"
        f" ({result.algorithm}, {result.metric}, seed {result.seed})"
        f"{_describe_training(result)}, {result.seconds['total']:.1f} s."
        + _describe_changes(result)
        + _describe_quality(result.quality)
        + _describe_recall(result)
        + _describe_fewer(result)
        + _describe_left_out(result)
    )


def _describe_clustered(result: RunResult) -> str:
    clustered = result.skipped["already_clustered"]
    if not clustered:
        return ""
    return (
        f"\n{_count(clustered, 'photo')} in a cluster already;"
        " to cluster them anew: fluffy-sql generate --recluster."
    )


def _describe_training(result: RunResult) -> str:
    """What there is of inertia, steps and how they ended: not every algorithm has them."""
    parts = []
    if result.inertia is not None:
        parts.append(f"inertia {result.inertia:,.1f}")
    if result.iterations is not None:
        parts.append(_count(result.iterations, "step"))
    if result.converged is not None:
        parts.append("converged" if result.converged else "stopped by the limit on iterations")
    return "".join(f", {part}" for part in parts)


def _describe_changes(result: RunResult) -> str:
    """What a recluster made of the clusters that were there."""
    if result.kind != "recluster":
        return ""
    return (
        f"\n{_count(result.photos_moved, 'photo')} moved;"
        f" {_count(result.clusters_kept, 'cluster')} kept,"
        f" {result.clusters_created:,} created, {result.clusters_emptied:,} emptied."
    )


def _describe_scopes(scopes: int) -> str:
    return f", {scopes:,} scopes" if scopes > 1 else ""


def _describe_quality(quality: RunQuality | None) -> str:
    """The measures that there are; of a single cluster there are none."""
    if quality is None or quality.silhouette is None:
        return ""
    return (
        f"\nSilhouette {_number(quality.silhouette, 3)},"
        f" Davies-Bouldin {_number(quality.davies_bouldin, 2)},"
        f" Calinski-Harabasz {_number(quality.calinski_harabasz, 1) or 'none'};"
        f" clusters of {quality.smallest_cluster:,} to {_count(quality.largest_cluster, 'photo')}."
    )


def _describe_recall(result: RunResult) -> str:
    """Says so where photos were not compared with every centroid."""
    if result.recall is None or result.recall >= 1:
        return ""
    return (
        f"\nOf the photos checked, {result.recall:.1%} are at their nearest centroid; with so many"
        " clusters, each is compared with those around it only."
    )


def _describe_fewer(result: RunResult) -> str:
    clusters = result.clusters_created + result.clusters_kept
    if result.k_requested is None or clusters >= result.k_requested or result.scopes > 1:
        return ""
    verb = "is" if clusters == 1 else "are"
    reason = (
        "so many photos" if clusters == result.photos_processed else "so many different embeddings"
    )
    return (
        f"\nk is {result.k_requested:,}, but there {verb} only"
        f" {_count(clusters, 'cluster')}, since there are only {reason}."
    )


def _describe_left_out(result: RunResult) -> str:
    why = {
        "without_embedding": "without an embedding",
        "zero_vector": "whose embedding is all zeros, which has no direction to compare",
        "changed_meanwhile": "that changed while the run went on",
    }
    left_out = [
        f"{_count(photos, 'photo')} {why.get(reason, reason)}"
        for reason, photos in result.skipped.items()
        if photos and reason != "already_clustered"
    ]
    return f"\nLeft out: {', '.join(left_out)}." if left_out else ""


def describe_assignment(result: AssignResult) -> str:
    """What was placed, or would be, and what was left."""
    if not result.photos_assigned:
        return "No photos placed." + _describe_left(result)
    clusters = len({move.to_cluster_id for move in result.moves})
    placed = (
        f"{_count(result.photos_assigned, 'photo')} in {clusters:,} of"
        f" {_count(result.clusters, 'cluster')} ({result.metric}), {result.seconds['total']:.1f} s."
    )
    if result.dry_run:
        return f"Dry run, nothing was changed: would place {placed}" + _describe_left(result)
    return f"Run {result.run_id}: placed {placed}" + _describe_left(result)


def _describe_left(result: AssignResult) -> str:
    why = {
        "too_far": "too far from the nearest cluster",
        "without_limit": "nearest to a cluster whose distances at training are not known",
        "zero_vector": "whose embedding is all zeros, which has no direction to compare",
        "no_cluster": "of a length that no active cluster has",
        "changed_meanwhile": "that changed meanwhile, or whose cluster did",
        "without_embedding": "without an embedding",
        "pinned": "pinned",
    }
    left = [
        f"{_count(photos, 'photo')} {why[reason]}"
        for reason, photos in {**result.left, **result.skipped}.items()
        if photos
    ]
    described = f"\nLeft without a cluster: {', '.join(left)}." if left else ""
    if not result.clusters:
        described += "\nThere is no active cluster; make some: fluffy-sql generate"
    return described


def named_moves_table(moves: Sequence[NamedMove]) -> Table:
    """From which cluster to which photos went."""
    table = _table("photos", "from", "to", "name")
    for move in moves:
        table.add_row(
            f"{move.photos:,}",
            "none" if move.from_cluster_id is None else str(move.from_cluster_id),
            str(move.to_cluster_id),
            _text(move.to_name),
        )
    return table


def describe_report(result: ReportResult) -> str:
    """What was written where, and which photos are missing from it."""
    all_of_them = result.clusters == result.clusters_in_scope
    clusters = _count(result.clusters_in_scope, "cluster")
    of_which = clusters if all_of_them else f"{result.clusters:,} of {clusters}"
    looks = f"{result.second_look:,}" if result.second_look else "nothing"
    lines = [
        f"{printable(result.index)}: {of_which}, {_count(result.photos_shown, 'photo')},"
        f" {_megabytes(result.page_bytes)}, {result.seconds:.1f} s; {looks} worth a second look",
        f"{_count(result.contact_sheets, 'contact sheet')} beside it,"
        f" {_megabytes(result.contact_sheet_bytes)}",
        f"Photos from {printable(result.root)}" + _describe_unreadable(result),
    ]
    if result.page_bytes > _MAILABLE_BYTES:
        lines.append("That is much for a mail; fewer --clusters or --photos make it smaller.")
    return "\n".join(lines)


def _describe_unreadable(result: ReportResult) -> str:
    if not result.photos_unreadable:
        return ""
    reasons = ", ".join(
        f"{photos:,} {reason.replace('_', ' ')}" for reason, photos in result.unreadable.items()
    )
    doubt = "; is --root right?" if result.photos_unreadable > result.photos_shown else ""
    return f"; {_count(result.photos_unreadable, 'photo')} could not be read: {reasons}{doubt}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def describe_migration(result: MigrationResult) -> str:
    """What was made, what was found, and what the owner of the tables should know."""
    lines = [f"Applied {name}" for name in result.changed]
    if result.made_again:
        lines.append(f"Made again: {', '.join(result.made_again)}")
    if not lines and not result.counter_cache.changed and not result.counter_cache.mended:
        lines.append("The database is up to date.")
    lines += [
        f"The table {table} was here before; its rows and columns are kept."
        for table in result.adopted
    ]
    lines.append(describe_counter_cache(result.counter_cache))
    lines += [f"Note: {note}." for note in result.notes]
    return "\n".join(line for line in lines if line)


def describe_counter_cache(kept: CounterCache) -> str:
    """How photos_count is kept, where that is new or not what one would expect."""
    if kept.found_here:
        return (
            "clusters.photos_count was here before, so counting is left to your application;"
            " runs count the clusters they make (see clustering.counter_cache)."
        )
    if kept.distributed:
        return "photos is distributed, where Citus runs no triggers: runs keep photos_count."
    mended = f"{_count(kept.mended, 'count')} set right." if kept.mended else ""
    if not kept.changed:
        return mended
    if kept.kept_by == "service":
        return "Triggers no longer keep photos_count; runs count the clusters they make."
    return f"Triggers keep photos_count from now on. {mended}".rstrip()


def describe_distribution(result: DistributeResult) -> str:
    """Which tables lie where, and what that changes."""
    if not result.changed:
        return "All tables are distributed already; nothing was changed."
    whole = [table.name for table in result.tables if table.distributed_by is None]
    cut = [
        f"{table.name}: {_count(table.shards, 'shard')}, by {table.distributed_by}"
        for table in result.tables
        if table.distributed_by is not None
    ]
    return "\n".join(
        [
            *cut,
            f"On every server, whole: {', '.join(whole)}",
            "Runs keep photos_count from now on, for Citus runs no triggers on these tables.",
        ]
    )


def describe_check(result: CheckResult) -> str:
    """What is wrong, a line each, what can be done about it, and what one should know."""
    return "\n".join([_describe_findings(result), *(f"Note: {note}." for note in result.notes)])


def _describe_findings(result: CheckResult) -> str:
    if not result.findings:
        return _describe_nothing_found(result)
    lines = [_describe_finding(finding) for finding in result.findings[:_MOST_FINDINGS]]
    if more := len(result.findings) - len(lines):
        lines.append(f"... and {more:,} more; --json lists them all")
    repaired = sum(finding.repaired for finding in result.findings)
    counted = [
        f"{_count(number, 'thing')} {what}"
        for number, what in ((repaired, "repaired"), (len(result.findings) - repaired, "wrong"))
        if number
    ]
    mendable = any(finding.remedy and not finding.repaired for finding in result.findings)
    advice = "; to repair: fluffy-sql check --repair" if mendable else "."
    return "\n".join([*lines, ", ".join(counted) + advice])


def _describe_nothing_found(result: CheckResult) -> str:
    if result.photos_compared:
        compared = f"{_count(result.photos_compared, 'photo')} compared with all centroids"
        return f"All is well: {', '.join(result.checks)}; {compared}."
    done = [name for name in result.checks if name != "nearest_centroid"]
    return (
        f"Nothing wrong was found: {', '.join(done)}. Whether photos are at their nearest centroid"
        " is not known: there is none that a run placed and that is as it was then."
    )


def _describe_finding(finding: Finding) -> str:
    line = f"{finding.check}: {finding.found}"
    if finding.repaired:
        return f"{line}: {finding.remedy}"
    return f"{line} (with --repair: {finding.remedy})" if finding.remedy else line


def describe_statements(statements: Sequence[ExplainedStatement]) -> str:
    """Statements with their plans, a blank line between them."""
    return "\n\n".join(_describe_statement(statement) for statement in statements)


def _describe_statement(statement: ExplainedStatement) -> str:
    times = "once" if statement.executions == 1 else f"{statement.executions:,} times"
    heading = f"-- sql/{statement.name}.sql, {times}"
    # A plan shows the conditions of a view, and with them whatever its owner wrote.
    plan = [f"  {printable(line)}" for line in statement.plan or ()]
    return "\n".join([heading, statement.sql, *plan])


def clusters_table(clusters: Sequence[dict[str, Any]]) -> Table:
    """Clusters as a table; distances are in the metric of their run."""
    scoped = any(row["scope"] is not None for row in clusters)
    table = _table(
        "cluster",
        *(["scope"] if scoped else []),
        "name",
        "status",
        "photos",
        "mean dist",
        "max dist",
        "silhouette",
        "central photo",
    )
    for row in clusters:
        table.add_row(
            str(row["id"]),
            *([_text(row["scope"])] if scoped else []),
            _text(row["name"]),
            {0: "active", 1: "unusable"}.get(row["status"], _text(row["status"])),
            _integer(row["photos_count"]),
            _number(row["mean_distance"]),
            _number(row["max_distance"]),
            _number(row["silhouette"], 3),
            _text(row["central_photo"]),
        )
    return table


def changes_table(changes: Sequence[ClusterChange]) -> Table:
    """Clusters that a run makes, keeps or empties."""
    table = _table("cluster", "name", "change", "photos before", "photos after")
    for row in changes:
        table.add_row(
            str(row.cluster_id),
            _text(row.name),
            row.change,
            f"{row.photos_before:,}",
            f"{row.photos:,}",
        )
    return table


def moves_table(moves: Sequence[Move]) -> Table:
    """How many photos go from where to where."""
    table = _table("photos", "from cluster", "to cluster")
    for row in moves:
        table.add_row(
            f"{row.photos:,}",
            "none" if row.from_cluster_id is None else str(row.from_cluster_id),
            "none" if row.to_cluster_id is None else str(row.to_cluster_id),
        )
    return table


def run_table(run: dict[str, Any]) -> Table:
    """One run, a line for each thing that is known of it."""
    table = _table("name", "")
    for key, value in run.items():
        if value is not None:
            shown = json.dumps(value) if isinstance(value, dict) else _value(value)
            table.add_row(key, _text(shown))
    table.show_header = False
    return table


def steps_table(steps: Sequence[dict[str, Any]]) -> Table:
    """The Lloyd steps of a run."""
    table = _table("step", "phase", "batch", "inertia", "movement", "seconds")
    for row in steps:
        table.add_row(
            str(row["step"]),
            row["phase"],
            f"{row['batch_size']:,}",
            _number(row["inertia"], 1),
            _number(row["centroid_movement"], 6),
            _number(row["seconds"], 3),
        )
    return table


def difference_table(difference: RunDifference) -> Table:
    """Settings and measures of two runs that differ."""
    first, second = difference.runs
    table = _table("name", f"run {first}", f"run {second}")
    for key, values in difference.values.items():
        table.add_row(key, *(_text("" if v is None else _value(v)) for v in values))
    return table


def describe_undo(result: UndoResult) -> str:
    """What was put back, and what was not."""
    left = ""
    if result.photos_left:
        left = f" {_count(result.photos_left, 'photo')} changed since stay as they are."
    return (
        f"Run {result.run_id} undid run {result.undone}: {_count(result.photos_moved, 'photo')}"
        f" moved back, {_count(result.clusters_restored, 'cluster')} as before,"
        f" {result.clusters_deleted:,} deleted.{left}"
    )


def _value(value: object) -> str:
    """A value of any kind as a person reads it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return str(value)


def runs_table(runs: Sequence[dict[str, Any]]) -> Table:
    """Runs as a table."""
    table = _table(
        "run",
        "kind",
        "status",
        "started (UTC)",
        "seconds",
        "k",
        "clusters",
        "photos",
        "inertia",
        "silhouette",
        "davies-b.",
        "calinski-h.",
        "settings",
    )
    for row in runs:
        table.add_row(
            str(row["id"]),
            row["kind"],
            "undone" if row["undone_by"] else row["status"],
            f"{row['started_at']:%Y-%m-%d %H:%M:%S}",
            f"{row['seconds']:.1f}",
            _integer(row["k_requested"] or None),
            _integer(_clusters_of(row)),
            _integer(row["photos_processed"]),
            _number(row["inertia"], 1),
            _number(row["silhouette"], 3),
            _number(row["davies_bouldin"], 2),
            _number(row["calinski_harabasz"], 1),
            f"{row['algorithm']}, {row['metric']}"
            # a run that makes no clusters draws nothing
            + (f", seed {row['seed']}" if row["k_requested"] else ""),
        )
    return table


def _clusters_of(run: dict[str, Any]) -> int | None:
    """With how many clusters a run ended; None where it did not make any."""
    if run["clusters_created"] is None:
        return None
    return int(run["clusters_created"]) + (run["clusters_kept"] or 0)


def failures(runs: Sequence[dict[str, Any]]) -> Text:
    """Why runs failed, a line for each that did."""
    lines = [f"Run {row['id']}: {printable(row['error'])}" for row in runs if row["error"]]
    return Text("\n".join(lines), style="red")


def candidates_table(result: SweepResult) -> Table:
    """The k that were tried, the suggested one marked."""
    table = _table(
        "k",
        "",
        "silhouette",
        "davies-b.",
        "calinski-h.",
        "stability",
        "inertia",
        "smallest",
        "largest",
        "seconds",
    )
    for candidate in result.candidates:
        table.add_row(
            f"{candidate.k:,}",
            "<- suggested" if candidate.k == result.suggested_k else "",
            _number(candidate.silhouette, 3),
            _number(candidate.davies_bouldin, 2),
            _number(candidate.calinski_harabasz, 1),
            _number(candidate.stability, 2),
            _number(candidate.inertia, 1),
            _integer(candidate.smallest_cluster),
            _integer(candidate.largest_cluster),
            _number(candidate.seconds, 1),
        )
    return table


def describe_suggestion(result: SweepResult) -> str:
    """Which k is suggested, and why."""
    verdict = "The measures agree." if result.measures_agree else "The measures disagree."
    return "\n".join(
        [
            f"Suggested k: {result.suggested_k:,}. {verdict}",
            *(f"- {reason}" for reason in result.reasons),
        ]
    )


def describe_sweep(result: SweepResult) -> str:
    """What was swept, and what of it could not be."""
    described = (
        f"{_count(len(result.candidates), 'value')} of k, each trained twice on"
        f" {result.photos_trained:,} of {_count(result.photos, 'photo')} and measured on"
        f" {result.photos_measured:,} ({result.metric}, seed {result.seed})"
        f" {result.seconds:.1f} s; no cluster was written."
    )
    if result.left_out:
        left_out = ", ".join(f"{k:,}" for k in result.left_out)
        described += (
            f"\nLeft out: k={left_out}, for there are only {_count(result.photos, 'photo')}."
        )
    return described


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        right = heading not in _WORDS
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    return table


def _text(value: object) -> Text:
    """Plain text: a path or a name may hold what rich or the terminal would take for a command."""
    return Text("" if value is None else printable(str(value)))


def printable(characters: str) -> str:
    r"""One line that shows what is there: a newline as \n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in characters)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _integer(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
