"""Who is notified as a run or a sweep goes."""

from fluffy_sql.algorithms import Checkpoint, StepReport, Survey
from fluffy_sql.postgres.sources import Changes


class Progress:
    """Is notified as a run goes; does nothing. Override what you want to show."""

    def phase(self, name: str) -> None:
        """A phase begins: survey, sample, seed, refine, train, assign, measure, commit."""

    def followed(self, changes: Changes, *, dry_run: bool) -> None:
        """The source of an attached library had changed; in a dry run nothing was taken in."""

    def surveyed(self, survey: Survey) -> None:
        """The photos were counted."""

    def indexed(self, names: tuple[str, ...]) -> None:
        """These indexes will make the final transaction long."""

    def step(self, report: StepReport) -> None:
        """A step is done."""

    def photos(self, done: int) -> None:
        """This many more photos have their label."""

    def trying(self, setting: str, value: float) -> None:
        """A sweep turns to this value of a setting."""


class Unrecorded(Progress):
    """Passes on what an algorithm does; there is no record, so nothing can be resumed from it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def phase(self, name: str) -> None:
        """Passed on."""
        self._progress.phase(name)

    def step(self, report: StepReport) -> None:
        """Passed on."""
        self._progress.step(report)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Not kept."""
