"""Counts the photos to cluster, and checks that a run can cluster them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from fluffy_sql.algorithms import Scope, Survey, scope_order
from fluffy_sql.errors import LibraryError
from fluffy_sql.postgres.schema import WITHOUT_IDENTITY
from fluffy_sql.postgres.session import Session
from fluffy_sql.words import count


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


def count_photos(session: Session) -> tuple[list[PhotoGroup], bool]:
    """Counts all usable photos by kind, and makes sure of the view as `require_steady_view` does.

    Returns:
        The photos, and what `require_steady_view` returns.

    Raises:
        LibraryError: as there.
    """
    [view], photos = session.fetch_each(("survey/describe_view", {}), ("survey/count_photos", {}))
    reads_other_tables = _require_steady(session, view)
    return [PhotoGroup(**alike) for alike in photos], reads_other_tables


def require_steady_view(session: Session) -> bool:
    """Makes sure that usable_photos shows each photo once, and the same ones in each query.

    Returns:
        Whether what it shows of a photo may change without a change of the photo's row.

    Raises:
        LibraryError: it shows a photo several times, or other photos in each query.
    """
    [view] = session.fetch_all("survey/describe_view")
    return _require_steady(session, view)


def _require_steady(session: Session, view: dict[str, Any]) -> bool:
    found = [] if view["as_made"] else session.fetch_all("survey/find_unsteady")
    if not found:
        # A change in the source of an attached library is found otherwise: forget_changed there.
        return not (view["reads_photos_alone"] or (session.attached and view["as_made"]))
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


def require_room(session: Session, found: Survey) -> tuple[str, ...]:
    """Makes sure that clusters can be made for these photos, and photos put into them.

    Returns:
        Indexes on embeddings, that the final transaction has to write for each photo it places.

    Raises:
        LibraryError: clusters has a column that must not be null, such as an owner's, and nothing
            is known to put there, since photos have no scope; or as from `require_identity`.
    """
    unscoped = any(scope.scope is None for scope in found.scopes)
    unknown, unidentified, indexes = session.fetch_each(
        ("survey/find_unknown_columns", {"unscoped": unscoped}),
        ("check/find_without_identity", {}),
        ("survey/list_vector_indexes", {}),
    )
    if unknown:
        column = unknown[0]["name"]
        raise LibraryError(
            f"clusters.{column} must not be null, and runs don't know what to put there: if it"
            " names the owner of a cluster, let the view usable_photos give every photo a scope"
            " (docs/guides/owners.md); else give it a default"
        )
    if unidentified:
        raise LibraryError(f"{unidentified[0]['name']} {WITHOUT_IDENTITY}")
    return tuple(row["name"] for row in indexes)


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
