"""What runs come to: medians, and ratios between contenders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from benchmarks.contenders import CONTENDERS, REFERENCE, REFERENCE_WITHOUT_K
from benchmarks.measure import Run

_PLACES = {contender.name: place for place, contender in enumerate(CONTENDERS)}


@dataclass(frozen=True)
class Summary:
    """One contender at one size, over all repeats. What is None could not be measured.

    Attributes:
        rows: photos in the table.
        dimensions: length of their embeddings.
        k: clusters asked for; None: they find out how many.
        contender: its name.
        seconds: median.
        least_seconds: of the fastest repeat.
        most_seconds: of the slowest repeat.
        time_ratio: seconds over those of this project; above 1, it is faster.
        process_seconds: of the whole process, median.
        process_ratio: the same over that of this project.
        memory_mb: of the client, the most of all repeats.
        client_seconds: processor time of the client, median.
        server_seconds: the same of the server.
        phases: seconds by phase, medians.
        index_megabytes: of the table that it wrote, median.
        inertia: median.
        inertia_ratio: inertia over the best one's; 1 is best.
        clusters: the fewest of all repeats.
        left_out: share of photos, the most of all repeats.
        nmi: median.
        link: the network in between; None: none.
        megabytes_up: over the link, median.
        megabytes_down: the same.
        round_trips: one after the other, median.
        error: of the first repeat that failed.
    """

    rows: int
    dimensions: int
    k: int | None
    contender: str
    seconds: float | None
    least_seconds: float | None
    most_seconds: float | None
    time_ratio: float | None
    process_seconds: float | None
    process_ratio: float | None
    memory_mb: float | None
    client_seconds: float | None
    server_seconds: float | None
    phases: dict[str, float]
    index_megabytes: float | None
    inertia: float | None
    inertia_ratio: float | None
    clusters: int | None
    left_out: float | None
    nmi: float | None
    link: str | None
    megabytes_up: float | None
    megabytes_down: float | None
    round_trips: float | None
    error: str | None


def summarize(runs: Iterable[Run]) -> list[Summary]:
    """A summary for each size and contender; by size, then in the order of the contenders."""
    ordered = sorted(runs, key=lambda run: (*_size(run), _PLACES[run.contender]))
    return [
        summary
        for _, same_size in groupby(ordered, key=_size)
        for summary in _summarize_size(list(same_size))
    ]


def _size(run: Run) -> tuple[int, int, str, int]:
    return run.dimensions, run.rows, run.link or "", run.k or 0


def _summarize_size(runs: Sequence[Run]) -> list[Summary]:
    by_contender = {
        name: list(repeats) for name, repeats in groupby(runs, key=lambda run: run.contender)
    }
    seconds = {name: _median(run.seconds for run in group) for name, group in by_contender.items()}
    process = {
        name: _median(run.process_seconds for run in group) for name, group in by_contender.items()
    }
    inertia = {name: _median(run.inertia for run in group) for name, group in by_contender.items()}
    ours = REFERENCE_WITHOUT_K if runs[0].k is None else REFERENCE
    best = min((value for value in inertia.values() if value is not None), default=None)
    return [
        Summary(
            rows=repeats[0].rows,
            dimensions=repeats[0].dimensions,
            k=repeats[0].k,
            contender=name,
            seconds=seconds[name],
            least_seconds=min(_known(run.seconds for run in repeats), default=None),
            most_seconds=max(_known(run.seconds for run in repeats), default=None),
            time_ratio=_ratio(seconds[name], seconds.get(ours)),
            process_seconds=process[name],
            process_ratio=_ratio(process[name], process.get(ours)),
            memory_mb=max(_known(run.memory_mb for run in repeats), default=None),
            client_seconds=_median(run.client_seconds for run in repeats),
            server_seconds=_median(run.server_seconds for run in repeats),
            phases=_phases([run.phases for run in repeats if run.phases]),
            index_megabytes=_median(_megabytes(run.index_bytes) for run in repeats),
            inertia=inertia[name],
            inertia_ratio=_ratio(inertia[name], best),
            clusters=min((run.clusters for run in repeats if run.clusters), default=None),
            left_out=max(_known(run.left_out for run in repeats), default=None),
            nmi=_median(run.nmi for run in repeats),
            link=repeats[0].link,
            megabytes_up=_median(_megabytes(run.bytes_up) for run in repeats),
            megabytes_down=_median(_megabytes(run.bytes_down) for run in repeats),
            round_trips=_median(run.round_trips for run in repeats),
            error=next((run.error for run in repeats if run.error), None),
        )
        for name, repeats in by_contender.items()
    ]


def _phases(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """In the order of a run; a run that had no need of one spent no time in it."""
    names = dict.fromkeys(name for phases in runs for name in phases)
    return {name: median(phases.get(name, 0.0) for phases in runs) for name in names}


def _megabytes(size: int | None) -> float | None:
    return None if size is None else size / 1e6


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return median(known) if known else None


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None
