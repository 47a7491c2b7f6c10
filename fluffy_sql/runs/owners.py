"""Scopes as people name them: by their number or, in an attached library, as its source does."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fluffy_sql.algorithms import scope_order
from fluffy_sql.errors import LibraryError, UsageError
from fluffy_sql.postgres.session import Session
from fluffy_sql.words import first_few


@dataclass(frozen=True)
class ScopeFilter:
    """Whose photos or clusters are asked for; None: those that are unscoped.

    Text is what a person typed, a number or the owner as the source names it: see `Owners.find`.
    """

    scope: int | str | None


class Owners:
    """What the source of an attached library calls the owners of photos; else nothing."""

    def __init__(self, session: Session) -> None:
        rows = session.fetch_all("attach/list_owners") if session.attached else []
        self._names: dict[int, str] = {row["scope"]: row["owner"] for row in rows}

    def name(self, scope: int | None) -> int | str | None:
        """The scope as it is shown."""
        return scope if scope is None else self._names.get(scope, scope)

    def describe(self, scope: int | None) -> str:
        """As in "no photos of scope 7"."""
        return describe_scope(self.name(scope))

    def find(self, asked: ScopeFilter | None) -> "FoundScope | None":
        """Which scope was asked for, if any.

        Raises:
            LibraryError: the source has no such owner.
            UsageError: it is not a number, and scopes are numbers here.
        """
        if asked is None or asked.scope is None:
            return None if asked is None else FoundScope(None)
        text = str(asked.scope)
        if self._names:
            for scope, owner in self._names.items():
                if owner == text:
                    return FoundScope(scope)
            raise LibraryError(f"there is no scope {text} in the source; check --scope")
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise UsageError(f"--scope is {text!r}; allowed: a whole number, or none")
        return FoundScope(int(text))

    def require_one(
        self, scopes: Iterable[int | None], asked: "FoundScope | None", what: str
    ) -> None:
        """Makes sure that all is of one scope, since two scopes are never compared.

        Args:
            scopes: of each photo or cluster, or of each kind of them.
            asked: which scope was asked for, if any.
            what: photos or clusters.

        Raises:
            LibraryError: they are of several scopes and none was asked for, or there are none of
                it.
        """
        found = sorted(set(scopes), key=scope_order)
        if asked and not found:
            raise LibraryError(
                f"there are no {what} of {self.describe(asked.scope)}; check --scope"
            )
        if len(found) > 1:
            names = [type_scope(self.name(scope)) for scope in found]
            raise LibraryError(
                f"the {what} are of {len(found):,} scopes ({first_few(names)}),"
                " which have nothing to do with each other: choose one with --scope"
            )


@dataclass(frozen=True)
class FoundScope:
    """The scope that was asked for; None: what is unscoped."""

    scope: int | None


def describe_scope(scope: int | str | None) -> str:
    """As in "no photos of scope 7"."""
    return "no scope" if scope is None else f"scope {type_scope(scope)}"


def type_scope(scope: int | str | None) -> str:
    """As --scope takes it: an owner that would mean something else follows a colon."""
    if scope is None:
        return "none"
    text = str(scope)
    return f":{text}" if text in {"", "none"} or text.startswith(":") else text
