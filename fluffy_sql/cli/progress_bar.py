"""A run as it goes, on stderr: live on a terminal, a line for each phase elsewhere."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as LiveLine

from fluffy_sql.algorithms import StepReport, Survey
from fluffy_sql.cli.console import stderr_console
from fluffy_sql.operations.embed.progress import EmbedProgress
from fluffy_sql.postgres.sources import Changes, describe_changes
from fluffy_sql.runs.progress import Progress
from fluffy_sql.words import count, plain

Item = TypeVar("Item")

# Whoever looks on, or keeps a log, sees that something goes on.
_SAY_EVERY_SECONDS = 2.0
# It may take hours.
_SAY_PHOTOS_EVERY_SECONDS = 30.0


class _OneLine:
    """What goes on in one line, as a context manager: live on a terminal, nothing elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or stderr_console()
        self._line = LiveLine(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._line.add_task("connecting", total=None)

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._line.stop()

    def _show(self, text: str) -> None:
        self._line.update(self._task, description=text)


class RunProgress(_OneLine, Progress):
    """Shows a run as it goes, as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._eligible = 0
        self._assigned = 0
        self._trying = ""

    def phase(self, name: str) -> None:
        """Names the phase."""
        self._show(name)
        if not self._console.is_terminal:
            self._console.print(name)

    def followed(self, changes: Changes, *, dry_run: bool) -> None:
        """Says what is new in the source."""
        taken_in = "; the next run that is no dry run takes it in" if dry_run else ""
        self._console.print(f"{changes.source}: {describe_changes(changes)}{taken_in}")

    def surveyed(self, survey: Survey) -> None:
        """Says what there is to do."""
        self._eligible = survey.eligible
        if survey.eligible:
            self._console.print(
                f"{count(survey.eligible, 'photo')} of {count(survey.dimensions, 'dimension')}"
                f"{count_scopes(len(survey.scopes))}"
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

    def trying(self, setting: str, value: float) -> None:
        """Names the value that a sweep turns to."""
        tried = f"{setting}={plain(value)}"
        self._trying = f"{tried}, "
        self.phase(tried)

    def photos(self, done: int) -> None:
        """Shows how many photos have their cluster."""
        self._assigned += done
        self._show(f"assign: {self._assigned:,} of {count(self._eligible, 'photo')}")


class PhotoProgress(_OneLine, EmbedProgress):
    """Shows how photos are embedded, as a context manager: how fast, and how long it will take."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._planned = 0
        self._begun = self._say_at = 0.0

    def phase(self, name: str) -> None:
        """Names what begins."""
        self._show(name)

    def planned(self, photos: int) -> None:
        """Says how many photos will be embedded."""
        self._planned = photos
        self._begun = monotonic()
        self._say_at = self._begun + _SAY_PHOTOS_EVERY_SECONDS
        self._console.print(f"embedding {count(photos, 'photo')}")

    def photos(self, done: int) -> None:
        """Shows how many are done, how fast, and how long the others will take."""
        rate = done / max(monotonic() - self._begun, 1e-9)
        left = timedelta(seconds=round((self._planned - done) / rate))
        text = f"{done:,} of {count(self._planned, 'photo')}, {rate:,.1f} photos/s, {left} left"
        self._show(text)
        if not self._console.is_terminal and monotonic() >= self._say_at:
            self._console.print(text)
            self._say_at = monotonic() + _SAY_PHOTOS_EVERY_SECONDS


def watch(items: Iterable[Item], total: int) -> Iterator[Item]:
    """Passes items on and shows how many there were: a bar on a terminal, elsewhere a line."""
    console = stderr_console()
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    say_at = monotonic() + _SAY_EVERY_SECONDS
    with LiveLine(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as line:
        for done, item in enumerate(line.track(items, total), start=1):
            now = monotonic()
            if not console.is_terminal and now >= say_at:
                console.print(f"{done:,} of {total:,}")
                say_at = now + _SAY_EVERY_SECONDS
            yield item


def count_scopes(scopes: int) -> str:
    """Says of how many scopes photos are; nothing if they are of one."""
    return f", {scopes:,} scopes" if scopes > 1 else ""
