"""Who is notified as a run or a sweep goes."""

from fluffy_sql.algorithms import StepReport, Survey


class Progress:
    """Is notified as a run goes; does nothing. Override what you want to show."""

    def phase(self, name: str) -> None:
        """A phase begins: survey, sample, seed, refine, train, assign, measure, commit."""

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
