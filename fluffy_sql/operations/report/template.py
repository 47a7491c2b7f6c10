"""Finds the templates of pages, and sets how they are filled."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def find_template(name: str, **filters: Callable[..., object]) -> Template:
    """The template of that name in `templates/`, with filters of its own; compiled once."""
    environment = Environment(
        loader=PackageLoader("fluffy_sql.operations.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(name)


def read_script(name: str) -> str:
    """The script of that name in `templates/`."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")
