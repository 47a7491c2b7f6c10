"""The graph of neighbours that leiden starts from, and nothing else."""

from benchmarks.contenders.fluffy_sql import cluster
from fluffy_sql.algorithms import Algorithm, Fit, Task
from fluffy_sql.graph.leiden import LeidenSettings
from fluffy_sql.graph.neighbours import Wanted, exact_graph, graph_by_sketches
from fluffy_sql.graph.tuning import Tuning


class _Graph(Algorithm[LeidenSettings]):
    """Makes the graph, and no cluster."""

    settings = LeidenSettings

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        """Labels nothing."""
        tuning = Tuning()
        make = exact_graph if task.survey.eligible <= tuning.few else graph_by_sketches
        with make(task, Wanted(task.settings.neighbours), tuning):
            return Fit.of_nothing(task.survey.dimensions)


def run(url: str, _k: None) -> dict[str, float]:
    """Makes it with the default settings."""
    return cluster(url, _Graph(), algorithm="leiden")
