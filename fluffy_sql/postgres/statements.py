"""Loads `sql/**/*.sql`: one statement a file, named by its path, checked when it is read."""

import re
from dataclasses import dataclass
from functools import cache

from fluffy_sql.resources import sql_folder

_PARAMETER = re.compile(r"%\((\w+)\)[sb]")
# Every parameter carries its type, so that a statement reads and plans the same whoever calls it.
_UNTYPED_PARAMETER = re.compile(r"%\((\w+)\)[sb](?!::[a-z])")
# The body of a DO block is one statement to its sender; literals and comments hold none.
_NOT_CODE = re.compile(r"\$\$.*?\$\$|'(?:[^']|'')*'|--[^\n]*", re.DOTALL)
_DECLARED = re.compile(r"^-- Parameters:(?P<first>.*)\n(?P<rest>(?:--   .*\n)*)", re.MULTILINE)

# Views and functions as migrate makes them: files with a comment each, not statements to be named.
DEFINITIONS = "definitions"
# SELECTs of what well-known applications keep, for `attach`.
PRESETS = "presets"
# What takes the place of a file of the same relative name if photos are distributed.
CITUS = "citus"


@dataclass(frozen=True)
class Statement:
    """One SQL statement. `name` is its path under `sql/` without the suffix."""

    name: str
    text: str
    parameters: frozenset[str]


@cache
def statement(name: str) -> Statement:
    """The statement in `sql/<name>.sql`.

    Raises:
        ValueError: the file breaks a rule of the house; the message names file and rule. This is
            a mistake in the program, which a test over all files finds first.
    """
    return parse(name, (sql_folder() / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def on_citus(name: str) -> str:
    """The statement to run in place of `name` if photos are distributed: often itself.

    `sql/citus/<name>.sql` takes the same parameters and returns the same columns, with the same
    types: a test prepares both. Files there that have no plain one are steps that only Citus
    needs: who runs them names them `citus/...`, see runs/moves.py.
    """
    variant = f"{CITUS}/{name}"
    return variant if (sql_folder() / f"{variant}.sql").is_file() else name


def statement_names() -> list[str]:
    """Names of all statements, sorted."""
    folder = sql_folder()
    found = (file.relative_to(folder).with_suffix("") for file in folder.rglob("*.sql"))
    return sorted(name.as_posix() for name in found if not {DEFINITIONS, PRESETS} & {*name.parts})


@cache
def definition(name: str, *, distributed: bool = False) -> str:
    """The text of `sql/definitions/<name>.sql`: an object as migrate makes it, with its comment.

    If photos are distributed, that in `sql/citus/definitions`, if there is such a file.
    """
    found = on_citus(f"{DEFINITIONS}/{name}") if distributed else f"{DEFINITIONS}/{name}"
    return (sql_folder() / f"{found}.sql").read_text(encoding="utf-8")


def preset(name: str) -> str:
    """The text of `sql/presets/<name>.sql`."""
    return (sql_folder() / PRESETS / f"{name}.sql").read_text(encoding="utf-8")


def parse(name: str, text: str) -> Statement:
    """Checks the text of a statement file and returns what is sent to the server.

    The header's `-- Parameters:` line must name exactly the parameters in use; each must be cast.
    """
    header, body = _split_header(text)
    if not header.strip():
        raise ValueError(f"sql/{name}.sql: begins without a comment that says what it does")
    used = set(_PARAMETER.findall(body))
    declared = _declared_parameters(header)
    if used != declared:
        raise ValueError(
            f"sql/{name}.sql: parameters declared {sorted(declared)} but used {sorted(used)}"
        )
    if uncast := set(_UNTYPED_PARAMETER.findall(body)):
        raise ValueError(f"sql/{name}.sql: parameters without a type cast: {sorted(uncast)}")
    # With parameters, psycopg reads a bare percent sign as a placeholder, inside comments too.
    if used and "%" in _PARAMETER.sub("", body):
        raise ValueError(f"sql/{name}.sql: holds a bare percent sign")
    if _NOT_CODE.sub("", body).count(";") != 1 or not body.rstrip().endswith(";"):
        raise ValueError(f"sql/{name}.sql: must hold one statement, ended by a semicolon")
    return Statement(name, body.strip(), frozenset(used))


def _split_header(text: str) -> tuple[str, str]:
    """The comment lines at the top, and the statement below them."""
    lines = text.splitlines(keepends=True)
    length = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "".join(lines[:length]), "".join(lines[length:])


def _declared_parameters(header: str) -> set[str]:
    found = _DECLARED.search(header)
    if found is None:
        return set()
    listed = re.sub(r"\([^)]*\)", "", (found["first"] + found["rest"]).replace("--", " "))
    return {part.split()[0] for part in listed.split(",") if part.strip()}
