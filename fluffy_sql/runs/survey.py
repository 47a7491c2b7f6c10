"""Counts the photos to cluster, and checks that a run can cluster them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fluffy_sql.algorithms import Scope, Survey, scope_order
from fluffy_sql.errors import LibraryError
from fluffy_sql.postgres.schema import WITHOUT_IDENTITY
from fluffy_sql.postgres.session import Session
from fluffy_sql.words import count

# Scopes that are named if one has to be chosen.
_NAMED = 3


@dataclass(frozen=True)
class PhotoGroup:
    """Usable photos of a scope, in a cluster or not, with embeddings of one length (None: none)."""

    scope: int | None
    clustered: bool
    dimensions: int | None
    photos: int


@dataclass(frozen=True)
class UnlabelledGroup:
    """Photos of one length that a run gave no label."""

    dimensions: int
    photos: int
    zero_vectors: int


@dataclass(frozen=True)
class ScopeFilter:
    """Whose photos or clusters are asked for; None: those that are unscoped."""

    scope: int | None


def survey(photos: list[PhotoGroup], *, reclustered: bool = False) -> Survey:
    """What there is to cluster.

    Args:
        photos: all usable photos, by kind.
        reclustered: whether those that are in a cluster already count as well.
    """
    eligible = _eligible(photos, reclustered=reclustered)
    return Survey(
        scopes=_scopes(eligible),
        dimensions=(eligible[0].dimensions or 0) if eligible else 0,
        without_embedding=sum(
            alike.photos for alike in photos if alike.dimensions is None and not alike.clustered
        ),
        clustered=0 if reclustered else sum(alike.photos for alike in photos if alike.clustered),
    )


def _scopes(eligible: list[PhotoGroup]) -> tuple[Scope, ...]:
    photos: Counter[int | None] = Counter()
    for alike in eligible:
        photos[alike.scope] += alike.photos
    return tuple(Scope(scope, photos[scope]) for scope in sorted(photos, key=scope_order))


def require_steady_view(session: Session) -> bool:
    """Makes sure that usable_photos shows each photo once, and the same ones in each query.

    Returns:
        Whether what it shows of a photo may change without a change of the photo's row.

    Raises:
        LibraryError: it shows a photo several times, or other photos in each query.
    """
    [view] = session.fetch_all("survey/describe_view")
    found = [] if view["as_made"] else session.fetch_all("survey/find_unsteady")
    if not found:
        return not view["reads_photos_alone"]
    photo = found[0]
    if photo["times"] > 1:
        raise LibraryError(
            f"usable_photos shows photo {photo['photo_id']} {photo['times']} times: let it show"
            " each photo once (one row for each id)"
        )
    raise LibraryError(
        f"usable_photos shows photo {photo['photo_id']} in one query and not in the next: let it"
        " show the same photos each time (no random(), and no LIMIT without an order)"
    )


def require_identity(session: Session) -> None:
    """Makes sure that rows of photos and clusters can be changed, for all that is published.

    Raises:
        LibraryError: a publication sends one of them, and it has nothing to tell rows apart by.
    """
    if found := session.fetch_all("check/find_without_identity"):
        raise LibraryError(f"{found[0]['name']} {WITHOUT_IDENTITY}")


def vector_indexes(session: Session) -> tuple[str, ...]:
    """Indexes on embeddings, that the final transaction has to write for each photo it places."""
    return tuple(row["name"] for row in session.fetch_all("survey/list_vector_indexes"))


def require_one_length(photos: list[PhotoGroup], *, reclustered: bool = False) -> None:
    """Makes sure that what `survey` counts can be compared.

    Raises:
        LibraryError: the embeddings are of several lengths.
    """
    lengths = _lengths(_eligible(photos, reclustered=reclustered))
    if len(lengths) > 1:
        raise several_lengths(lengths)


def require_one_scope(scopes: Iterable[int | None], asked: ScopeFilter | None, what: str) -> None:
    """Makes sure that all is of one scope, since two scopes are never compared.

    Args:
        scopes: of each photo or cluster, or of each kind of them.
        asked: which scope was asked for, if any.
        what: photos or clusters.

    Raises:
        LibraryError: they are of several scopes and none was asked for, or there are none of it.
    """
    found = sorted(set(scopes), key=scope_order)
    if asked and not found:
        raise LibraryError(f"there are no {what} of {describe_scope(asked.scope)}; check --scope")
    if len(found) > 1:
        first = ", ".join("none" if scope is None else str(scope) for scope in found[:_NAMED])
        more = ", ..." if len(found) > _NAMED else ""
        raise LibraryError(
            f"the {what} are of {len(found):,} scopes ({first}{more}),"
            " which have nothing to do with each other: choose one with --scope"
        )


def describe_scope(scope: int | None) -> str:
    """As in "no photos of scope 7"."""
    return "no scope" if scope is None else f"scope {scope}"


def require_owners(session: Session, found: Survey) -> None:
    """Makes sure that clusters can be made for these photos.

    Raises:
        LibraryError: clusters has a column that must not be null, such as an owner's, and nothing
            is known to put there, since photos have no scope.
    """
    unknown = session.fetch_all(
        "survey/find_unknown_columns",
        unscoped=any(scope.scope is None for scope in found.scopes),
    )
    if unknown:
        column = unknown[0]["name"]
        raise LibraryError(
            f"clusters.{column} must not be null, and runs don't know what to put there: if it"
            " names the owner of a cluster, let the view usable_photos give every photo a scope"
            " (docs/guides/owners.md); else give it a default"
        )


def count_lengths(session: Session) -> list[tuple[int, int]]:
    """The lengths of embeddings, and how many usable photos have each; most photos first."""
    photos = session.fetch_as(PhotoGroup, "survey/count_photos")
    return _lengths(_eligible(photos, reclustered=True))


def several_lengths(lengths: list[tuple[int, int]]) -> LibraryError:
    """The error to raise if embeddings are of several lengths, as `count_lengths` gives them."""
    found = ", ".join(f"{length} ({count(photos, 'photo')})" for length, photos in lengths)
    return LibraryError(
        f"the embeddings are of several dimensions: {found};"
        " embed all photos with one model, or leave some out in the view usable_photos"
    )


def _lengths(photos: list[PhotoGroup]) -> list[tuple[int, int]]:
    found: Counter[int] = Counter()
    for alike in photos:
        found[alike.dimensions or 0] += alike.photos
    return sorted(found.items(), key=lambda length: (-length[1], length[0]))


def _eligible(photos: list[PhotoGroup], *, reclustered: bool) -> list[PhotoGroup]:
    return [
        alike
        for alike in photos
        if alike.dimensions is not None and (reclustered or not alike.clustered)
    ]
