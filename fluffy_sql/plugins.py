"""Classes that a setting names: built in, or brought by another package."""

from importlib.metadata import EntryPoints
from typing import Any

from fluffy_sql.errors import SettingsError


def load_named(setting: str, name: str, base: type, *known: EntryPoints) -> type[Any]:
    """The class of a name.

    Args:
        setting: its key, for messages.
        name: its value.
        base: what the class must be a subclass of.
        known: where to look, one after the other.

    Raises:
        SettingsError: there is none of that name, or it can't be loaded.
    """
    asked = f"{setting} is {name!r}"
    found = next((entry for entries in known for entry in entries.select(name=name)), None)
    if found is None:
        names = ", ".join(sorted({name for entries in known for name in entries.names}))
        raise SettingsError(f"{asked}; allowed: {names}")
    try:
        loaded = found.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"{asked}, but {found.value} can't be loaded: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        raise SettingsError(
            f"{asked}, but {found.value} is no subclass of {base.__module__}.{base.__name__}"
        )
    return loaded
