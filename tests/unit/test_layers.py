"""Layers: a module imports from its own layer or from below, and only the topmost talk."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from fluffy_sql.resources import _PACKAGE

# From the top down, as the page for people has them.
PAGE = (_PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Layers")[2].partition("\n## ")[0]
LAYERS = [
    set(re.findall(r"`(\w+)`", row.split("|")[1]))
    for row in TABLE.splitlines()
    if row.startswith("| `")
]
HEIGHT = {module: -place for place, layer in enumerate(LAYERS) for module in layer}
TALK = {"print", "exit", "quit", "SystemExit", "sys.exit", "os._exit", "sys.stdout", "sys.stderr"}
TALK |= {"Console", "click.echo", "warnings.warn"}
MODULES = sorted(_PACKAGE.rglob("*.py"))


def part_of(module: Path) -> str:
    """The part of the package that a file belongs to: `postgres`, `cli`, ..."""
    part = module.relative_to(_PACKAGE).parts[0].removesuffix(".py")
    assert part in HEIGHT, f"docs/architecture.md, Layers: add a row for {part}"
    return part


def imported_parts(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("fluffy_sql") for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            package, *path = str(node.module).split(".")
            if package == "fluffy_sql":
                found = path[:1] or [name.name for name in node.names]
                yield from (name for name in found if name != "__version__")


def test_nothing_imports_upward_or_sideways() -> None:
    found = {
        (str(module.relative_to(_PACKAGE)), name)
        for module in MODULES
        for name in imported_parts(module)
        if HEIGHT[name] >= HEIGHT[part_of(module)] and name != part_of(module)
    }
    assert found == set()


def test_the_database_knows_nothing_of_clustering() -> None:
    database = [module for module in MODULES if part_of(module) == "postgres"]
    assert len(database) > 5
    imports = {name for module in database for name in imported_parts(module)}
    assert imports <= {"postgres", "errors", "resources", "words"}


def names_in(module: Path) -> set[str]:
    return {
        ast.unparse(node)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
    }


def test_only_the_command_line_and_its_display_talk_and_exit() -> None:
    talking = {part_of(module) for module in MODULES if names_in(module) & TALK}
    assert talking == {"cli"}
