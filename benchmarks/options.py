"""The arguments of `python -m benchmarks`, and what they say to run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, FLOOR, Contender, contender_named
from benchmarks.library import SEED, Library
from benchmarks.link import LINKS, Link, link_named

_RESULTS = Path(__file__).resolve().parent / "results"

_ROWS = (100_000,)
_QUICK = Library(rows=2_000, dimensions=64, ks=(5, 20))
_SMALL = (
    Library(rows=5_000, dimensions=512, ks=(50,)),
    Library(rows=10_000, dimensions=768, ks=(200,)),
)
_INDEXED = Library(rows=20_000, dimensions=384, ks=(200,))
_LARGE = (
    Library(rows=1_000_000, dimensions=384, ks=(100,)),
    Library(rows=200_000, dimensions=384, ks=(5_000,)),
)


@dataclass(frozen=True)
class Options:
    """What to run and where to write it.

    Attributes:
        series: libraries of growing size, the last of them with every k; what the plots show. None
            if only others are asked for.
        others: further libraries, for the table alone.
        links: networks over which contenders run as well.
        series_k: number of clusters that all of the series have.
        contenders: who takes part.
        limits: whether contenders stay out where they make no sense.
        repeats: how often each runs.
        database_url: the server; None is the embedded one.
        out: folder of the results.
    """

    series: tuple[Library, ...]
    others: tuple[Library, ...]
    links: tuple[Link, ...]
    series_k: int
    contenders: tuple[Contender, ...]
    limits: bool
    repeats: int
    database_url: str | None
    out: Path

    @property
    def libraries(self) -> tuple[Library, ...]:
        """All there is to load, one after the other."""
        return self.series + self.others

    def public(self) -> dict[str, Any]:
        """What a report says; not the address, which may hold a password."""
        return {
            "libraries": [vars(library) | {"folder": None} for library in self.libraries],
            "series_k": self.series_k,
            "links": [str(link) for link in self.links],
            "contenders": [contender.name for contender in self.contenders],
            "repeats": self.repeats,
            "seed": SEED,
            "embedded_server": self.database_url is None,
        }


def parse_options(arguments: Sequence[str]) -> Options:
    """Reads the command line; exits with 2 where it is wrong, as argparse does."""
    given = _parser().parse_args(arguments)
    return Options(
        series=_series(given),
        others=(
            *(_SMALL if given.small else ()),
            *((_INDEXED,) if given.attached else ()),
            *(_LARGE if given.large else ()),
        ),
        links=given.links,
        series_k=given.series_k,
        contenders=given.contenders or CONTENDERS,
        limits=not (given.contenders or given.quick),
        repeats=1 if given.quick else given.repeats,
        database_url=given.database_url,
        out=given.out,
    )


def _series(given: argparse.Namespace) -> tuple[Library, ...]:
    if given.quick:
        return (_QUICK,)
    if given.data:
        return (Library.of_folder(given.data),)
    if given.rows is None and (given.small or given.attached or given.large):
        return ()
    return planned_series(given.rows or _ROWS, given.dimensions, given.k, given.series_k)


def planned_series(
    rows: Sequence[int], dimensions: int, ks: Sequence[int], series_k: int
) -> tuple[Library, ...]:
    """Every k for the largest library; `series_k` for all of them, where there are several."""
    *smaller, largest = sorted(set(rows))
    every_k = {*ks, series_k} if smaller else set(ks)
    return (
        *(Library(size, dimensions, (series_k,)) for size in smaller),
        Library(largest, dimensions, tuple(sorted(every_k))),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Clusters made libraries with fluffy_sql and with other tools, side by side on"
        " one server, and writes a table, results.json, results.md and plots.",
        epilog=f"contenders: {', '.join(contender.name for contender in CONTENDERS)}",
    )
    parser.add_argument(
        "--rows",
        type=_counts,
        metavar="N,...",
        help="sizes of the library; several make a series at --series-k; default: 100000, if no"
        " other library is asked for",
    )
    parser.add_argument(
        "--dimensions",
        type=_count,
        default=768,
        metavar="D",
        help="of embeddings; default: %(default)s",
    )
    parser.add_argument(
        "--k",
        type=_counts,
        default="20,200,1000",
        metavar="K,...",
        help="numbers of clusters for the largest library; default: %(default)s",
    )
    parser.add_argument(
        "--series-k",
        type=_count,
        default=200,
        metavar="K",
        help="number of clusters in the series; default: %(default)s",
    )
    parser.add_argument(
        "--contenders",
        type=_contenders,
        metavar="NAME,...",
        help="who takes part, at every size; if not given, all, each where it makes sense",
    )
    parser.add_argument(
        "--repeats",
        type=_count,
        default=3,
        metavar="N",
        help="how often each runs; default: %(default)s",
    )
    parser.add_argument(
        "--database-url",
        metavar="URL",
        help="a server whose role may run CHECKPOINT and create databases: it makes one named"
        " fluffy_sql_benchmark and drops it; if not given, an embedded server in a temporary"
        " folder",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=_RESULTS,
        help="folder of the results; default: benchmarks/results",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="real photos, not made ones: embeddings.npy, and photos.csv with a column label",
    )
    parser.add_argument(
        "--links",
        type=_links,
        default=(),
        metavar="NAME,...",
        help=f"over these networks as well: {', '.join(map(str, LINKS))}",
    )
    parser.add_argument(
        "--small",
        action="store_true",
        help="5,000 photos of 512 dimensions at k=50 and 10,000 of 768 at k=200",
    )
    parser.add_argument(
        "--attached",
        action="store_true",
        help="20,000 photos of 384 dimensions at k=200, adopted and attached, with an HNSW"
        " index and without",
    )
    parser.add_argument(
        "--large",
        action="store_true",
        help="1,000,000 photos at k=100 and 200,000 at k=5,000, of 384 dimensions",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only 2,000 photos of 64 dimensions, once, to see that everything works",
    )
    return parser


def _count(text: str) -> int:
    value = int(text.replace("_", ""))
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return value


def _links(text: str) -> tuple[Link, ...]:
    try:
        return tuple(link_named(name) for name in text.split(","))
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"there is no link {error}") from None


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def _contenders(text: str) -> tuple[Contender, ...]:
    """Those named, and the floor, which everyone is seen against."""
    try:
        named = [contender_named(name) for name in text.split(",")]
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"there is no contender {error}") from None
    floor = contender_named(FLOOR)
    return (*(contender for contender in named if contender != floor), floor)
