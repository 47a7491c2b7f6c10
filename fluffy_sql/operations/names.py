"""Names of clusters: what people call them, and what they could call them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fluffy_sql.embedding.vocabulary import Vocabulary
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from fluffy_sql.runs.owners import Owners, ScopeFilter

# A name that holds for fewer of its photos would mislead.
_LEAST_SHARE = 0.5
# How much larger the share in a folder is than among all photos of the scope, if it says anything.
_LEAST_BEYOND = 0.1


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a cluster without a name could be called, and what is known of its photos.

    Attributes:
        scope: as it is named; None: unscoped.
        name: that is suggested; None: nothing that is known holds for half of the photos and is
            special about them.
        photos: how many usable photos it has.
        folder: the one that says most of it; None: its photos are in none.
        folder_share: of its photos, those in it or below.
        first_day, last_day: that nine tenths of its photos with a date were taken between.
        dated_share: of its photos, those with a date.
        latitude, longitude: the middle of its photos with a place.
        near_share: of its photos, those within a tenth of a degree of that.
        word: of those that were given, the one nearest to its centroid.
        similarity: of the two, the cosine.
    """

    cluster_id: int
    scope: int | str | None
    name: str | None
    photos: int
    folder: str | None
    folder_share: float
    first_day: date | None
    last_day: date | None
    dated_share: float
    latitude: float | None
    longitude: float | None
    near_share: float
    word: str | None
    similarity: float | None

    @property
    def because(self) -> str:
        """What is known, in words: `97 % in beach; taken in May 2019`."""
        return "; ".join(_facts(self))


@dataclass(frozen=True)
class AcceptedNames:
    """Suggestions, with the names that `clusters --suggest-names --json` uses.

    Attributes:
        suggestions: for clusters without a name, largest first.
        named: ids of the clusters that got theirs; empty: nothing was asked to be written.
    """

    suggestions: tuple[Suggestion, ...]
    named: tuple[int, ...] = ()


@dataclass(frozen=True)
class NamedCluster:
    """A cluster that was named, as `clusters name --json` tells it; None: it has no name."""

    cluster_id: int
    name: str | None
    name_before: str | None


def suggest_names(
    session: Session,
    *,
    run_id: int | None = None,
    scope: ScopeFilter | None = None,
    limit: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> list[Suggestion]:
    """Suggests names for clusters with photos and without a name, largest first.

    Nothing is written. The names of one scope differ from each other and from those that are there.

    Args:
        session: on a migrated database.
        run_id: only for clusters that this run made.
        scope: only for clusters of this scope.
        limit: for this many at most.
        vocabulary: words to take names from, rather than from what is known of files.

    Raises:
        LibraryError: the words can't be compared with any centroid.
        DatabaseError: Postgres refused a statement.
    """
    owners = Owners(session)
    asked = owners.find(scope)
    clusters = session.fetch_all(
        "naming/list_clusters", every_scope=asked is None, scope=asked.scope if asked else None
    )
    nameless = [row for row in clusters if row["to_be_named"] and run_id in {None, row["run_id"]}]
    ids = [row["id"] for row in nameless][:limit]
    folders = _by_cluster(session.fetch_all("naming/find_folders", cluster_ids=ids))
    met = session.fetch_all("naming/find_dates_and_places", cluster_ids=ids)
    anywhere = {row["scope"]: row for row in met if row["cluster_id"] is None}
    met_of = _by_cluster(met)
    words = _nearest_words(session, ids, vocabulary) if vocabulary and ids else {}
    taken = {(row["scope"], row["name"]) for row in clusters if row["name"]}
    suggestions = []
    for row in nameless[:limit]:
        folder = folders.get(row["id"])
        if folder is None:  # no usable photo is in it
            continue
        whole = _met(anywhere.get(row["scope"], {}), folder["scope_photos"])
        mine = _met(met_of.get(row["id"], {}), folder["photos"])
        word, similarity = words.get(row["id"], (None, None))
        name = word or _folder_name(folder) or _date_and_place_name(mine, whole)
        if name:
            name = _not_taken(name, row["scope"], taken)
            taken.add((row["scope"], name))
        suggestions.append(
            Suggestion(
                cluster_id=row["id"],
                scope=owners.name(row["scope"]),
                name=name,
                photos=folder["photos"],
                folder=folder["folder"],
                folder_share=folder["in_folder"] / folder["photos"],
                word=word,
                similarity=similarity,
                **mine,
            )
        )
    return suggestions


def accept_names(
    session: Session, suggestions: Iterable[Suggestion], limits: LockLimits
) -> list[int]:
    """Gives clusters the names that are suggested, unless they got one meanwhile.

    Returns:
        The ids of those that have it now.

    Raises:
        DatabaseError: Postgres refused it; nothing was written.
    """
    names = {one.cluster_id: one.name for one in suggestions if one.name}
    rows = _write(
        session,
        limits,
        "naming/name_clusters",
        cluster_ids=list(names),
        names=list(names.values()),
    )
    return sorted(row["id"] for row in rows)


def name_cluster(session: Session, cluster_id: int, name: str, limits: LockLimits) -> NamedCluster:
    """Names a cluster, whatever it was called; an empty name takes it away.

    Raises:
        UsageError: there is no such cluster.
        DatabaseError: Postgres refused it.
    """
    new = name.strip() or None
    rows = _write(session, limits, "naming/rename_cluster", cluster_id=cluster_id, name=new)
    if not rows:
        raise UsageError(f"there is no cluster {cluster_id}; see: fluffy-sql clusters")
    return NamedCluster(cluster_id, new, rows[0]["name_before"])


def _write(
    session: Session, limits: LockLimits, statement: str, **parameters: object
) -> list[dict[str, Any]]:
    with session.transaction():
        milliseconds = max(1, round(limits.wait * 1000))
        session.execute("commit/set_lock_timeout", milliseconds=milliseconds)
        return session.fetch_all(statement, **parameters)


def _by_cluster(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["cluster_id"]: row for row in rows}


def _nearest_words(
    session: Session, cluster_ids: Sequence[int], vocabulary: Vocabulary
) -> dict[int, tuple[str, float]]:
    """The word nearest to each centroid, and how near it is."""
    session.use_vectors()
    dimensions = vocabulary.embeddings.shape[1]
    rows = session.fetch_all(
        "naming/find_words",
        cluster_ids=cluster_ids,
        words=session.vector_array(vocabulary.embeddings),
        dimensions=dimensions,
    )
    if not rows:
        raise LibraryError(
            f"the text model gives {dimensions} numbers, and no centroid has that many; set"
            " embedding.text_model to the text encoder that belongs to the model of the photos"
        )
    return {
        row["cluster_id"]: (vocabulary.words[row["place"] - 1], row["similarity"]) for row in rows
    }


def _met(row: dict[str, Any], photos: int) -> dict[str, Any]:
    """When and where photos were taken, by the names of Suggestion; an empty row: not known."""
    known = {name: row.get(name) for name in ("first_day", "last_day", "latitude", "longitude")}
    shares = {
        "dated_share": row.get("dated", 0) / photos,
        "near_share": row.get("near", 0) / photos,
    }
    return known | shares


def _folder_name(found: dict[str, Any]) -> str | None:
    """The last part of a folder, with those before it as long as there is no letter in it."""
    share = found["in_folder"] / found["photos"]
    usual = found["scope_in_folder"] / found["scope_photos"]
    if share < _LEAST_SHARE or share - usual < _LEAST_BEYOND:
        return None
    *before, name = found["folder"].split("/")
    while before and not any(map(str.isalpha, name)):
        name = f"{before.pop()}/{name}"
    return name.strip() or None


def _date_and_place_name(mine: dict[str, Any], whole: dict[str, Any]) -> str | None:
    """As in `May 2019, 47.4 N 8.5 E`: what holds for half of the photos, and not for all others."""
    parts = []
    for share, name_of in (("dated_share", _days), ("near_share", _place)):
        name = name_of(mine) if mine[share] >= _LEAST_SHARE else None
        if name and name != name_of(whole):
            parts.append(name)
    return ", ".join(parts) or None


def _days(met: dict[str, Any]) -> str | None:
    """The day, month or year that its days are in; None: not known, or more than a year."""
    first, last = met["first_day"], met["last_day"]
    if first is None or first.year != last.year:
        return None
    if first == last:
        return f"{first.day} {first:%B %Y}"
    return f"{first:%B %Y}" if first.month == last.month else f"{first:%Y}"


def _place(met: dict[str, Any]) -> str | None:
    latitude, longitude = met["latitude"], met["longitude"]
    if latitude is None:
        return None
    north, east = ("S", "N")[latitude >= 0], ("W", "E")[longitude >= 0]
    return f"{abs(latitude):.1f} {north} {abs(longitude):.1f} {east}"


def _not_taken(name: str, scope: int | None, taken: set[tuple[int | None, str]]) -> str:
    """The name, or the first of `name 2`, `name 3`, ... that no other cluster has."""
    free, number = name, 1
    while (scope, free) in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _facts(known: Suggestion) -> Iterator[str]:
    if known.word:
        yield f"nearest to {known.word}, cosine {known.similarity:.2f}"
    if known.folder:
        yield f"{_percent(known.folder_share)} in {known.folder}"
    if known.first_day:
        days = _days(vars(known)) or f"{known.first_day} to {known.last_day}"
        of = "" if known.dated_share == 1 else f" ({_percent(known.dated_share)} have a date)"
        yield f"taken {days}{of}"
    if known.latitude is not None:
        yield f"{_percent(known.near_share)} near {_place(vars(known))}"


def _percent(share: float) -> str:
    """So that only all is 100 %."""
    return f"{int(100 * share)} %"
