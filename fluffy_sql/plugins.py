"""Classes that a setting names: built in, or brought by another package."""

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from fluffy_sql.errors import SettingsError


@cache
def _installed(group: str) -> EntryPoints:
    """Those of other packages; kept, since finding them reads a file of each package."""
    return entry_points(group=group)


class Plugins:
    """All classes that one setting may name; none is loaded until it is asked for.

    Args:
        base: what each is a subclass of.
        setting: the key of the setting, for messages.
        group: of entry points; packages name theirs under it, as in
            `leader = "my_package:Leader"`.
        built_in: the places of ours, by name.
    """

    def __init__(self, base: type, setting: str, group: str, built_in: dict[str, str]) -> None:
        self._base = base
        self._setting = setting
        self._group = group
        self.built_in = built_in

    def _find(self) -> dict[str, EntryPoint]:
        """All, by name; one of ours is not replaced by another of its name."""
        found = {entry.name: entry for entry in _installed(self._group)}
        ours = self.built_in.items()
        return found | {name: EntryPoint(name, place, self._group) for name, place in ours}

    @property
    def names(self) -> list[str]:
        """Names of all that are there, sorted."""
        return sorted(self._find())

    def load(self, name: str) -> type[Any]:
        """The class of a name.

        Raises:
            SettingsError: there is none of that name, or it can't be loaded.
        """
        asked = f"{self._setting} is {name!r}"
        found = self._find().get(name)
        if found is None:
            raise SettingsError(f"{asked}; allowed: {', '.join(self.names)}")
        try:
            loaded = found.load()
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"{asked}, but {found.value} can't be loaded: {error}") from error
        if not (isinstance(loaded, type) and issubclass(loaded, self._base)):
            base = f"{self._base.__module__}.{self._base.__name__}"
            raise SettingsError(f"{asked}, but {found.value} is no subclass of {base}")
        return loaded
