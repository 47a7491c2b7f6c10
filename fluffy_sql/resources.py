"""Finds the `.sql` files: inside an installed wheel, or at the top of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def sql_folder() -> Path:
    """The folder of statements."""
    return _find("sql")


def migrations_folder() -> Path:
    """The folder of migrations."""
    return _find("migrations")


def _find(name: str) -> Path:
    inside_wheel = _PACKAGE / name
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent / name
