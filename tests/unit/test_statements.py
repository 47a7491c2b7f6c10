"""Statements: every file keeps the rules of the house, and Python holds no SQL."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluffy_sql.postgres import statements
from fluffy_sql.postgres.statements import on_citus, parse, statement, statement_names
from fluffy_sql.resources import _PACKAGE, sql_folder

MODULES = sorted(_PACKAGE.rglob("*.py"))
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|TRUNCATE|COPY|WITH|LOCK|SET|ANALYZE)\s"
)

PARAMETER_AND_CAST = re.compile(r"%\((\w+)\)[sb]::([a-z]+(?: precision)?(?:\[\])?)")

GOOD = """\
-- Adds.
-- Parameters: a integer, b integer (inclusive, so 1 counts),
--   c vector[]
-- Returns: one row.
SELECT
    %(a)s::integer + %(b)s::integer,
    %(c)b::vector[];
"""

WITH_A = "-- One.\n-- Parameters: a integer\n"

BROKEN = {
    "no header": ("SELECT 1;\n", "begins without a comment"),
    "a header below the statement": ("SELECT 1;\n-- One.\n", "begins without a comment"),
    "an empty file": ("", "begins without a comment"),
    "a parameter not declared": ("-- One.\nSELECT %(a)s::integer;\n", "declared [] but used ['a']"),
    "a parameter declared and not used": (
        "-- One.\n-- Parameters: a integer\nSELECT 1;\n",
        "declared ['a'] but used []",
    ),
    "a parameter of another name": (
        "-- One.\n-- Parameters: a integer\nSELECT %(b)s::integer;\n",
        "declared ['a'] but used ['b']",
    ),
    "a parameter without a cast": (
        "-- One.\n-- Parameters: a integer\nSELECT %(a)s;\n",
        "without a type cast: ['a']",
    ),
    "a parameter cast only once": (
        "-- One.\n-- Parameters: a integer\nSELECT %(a)s::integer, %(a)s;\n",
        "without a type cast: ['a']",
    ),
    "a percent sign": (WITH_A + "SELECT %(a)s::integer % 2;\n", "bare percent sign"),
    "a percent sign in a comment": (
        WITH_A + "SELECT %(a)s::integer -- 100 %\n;\n",
        "bare percent sign",
    ),
    "a parameter by place": (WITH_A + "SELECT %(a)s::integer, %s::integer;\n", "bare percent sign"),
    "a parameter as text": (
        "-- One.\n-- Parameters: a integer\nSELECT %(a)s::integer, %(a)t::integer;\n",
        "bare percent sign",
    ),
    "two statements": ("-- One.\nSELECT 1;\nSELECT 2;\n", "must hold one statement"),
    "no semicolon": ("-- One.\nSELECT 1\n", "must hold one statement"),
    "something after the semicolon": ("-- One.\nSELECT 1; -- done\n", "must hold one statement"),
    "no statement": ("-- One.\n", "must hold one statement"),
}


def strings(module: Path) -> Iterator[str]:
    """Every string in a module that is not a docstring; of an f-string, its plain pieces."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def test_there_are_statements() -> None:
    names = statement_names()
    assert len(names) > 40
    assert names == sorted(names)
    assert "session/prepare" in names
    assert not [name for name in names if name.startswith("definitions/")]


def test_every_file_keeps_the_rules() -> None:
    for name in statement_names():
        assert statement(name).name == name


def test_headers_declare_the_types_that_are_cast_to() -> None:
    for name in statement_names():
        header, body = statements._split_header((sql_folder() / f"{name}.sql").read_text())
        declared = " ".join(header.replace("\n--", " ").split())
        for parameter, cast in PARAMETER_AND_CAST.findall(body):
            found = re.search(rf"\b{parameter} {re.escape(cast)}[ ,]", declared + " ")
            assert found, f"{name}: {parameter}"


def test_what_is_sent_is_the_statement_without_its_header() -> None:
    parsed = parse("add", GOOD)
    assert parsed.name == "add"
    assert parsed.parameters == {"a", "b", "c"}
    assert parsed.text.startswith("SELECT\n")
    assert parsed.text.endswith("%(c)b::vector[];")


@pytest.mark.parametrize(("text", "rule"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_named_with_its_file(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)) as refused:
        parse("folder/some", text)
    assert str(refused.value).startswith("sql/folder/some.sql: ")


def test_python_holds_no_sql() -> None:
    found = [(module, text) for module in MODULES for text in strings(module) if SQL.match(text)]
    assert found == []


def test_sql_in_python_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""SELECT in a docstring."""\na = f"SELECT {1}"\nb = """\n  DROP TABLE x"""\n'
    )
    assert len([text for text in strings(module) if SQL.match(text)]) == 2


def test_every_statement_is_used_and_every_name_is_a_statement() -> None:
    names = set(statement_names())
    folders = {name.partition("/")[0] for name in names}
    used = {
        text
        for module in MODULES
        for text in strings(module)
        if re.fullmatch(r"[a-z_]+(/[a-z_]+)+", text) and text.partition("/")[0] in folders
    }
    # the session takes the others by itself
    forms = {name for name in names if name.startswith("citus/") and name[6:] in names}
    assert used == names - forms


def test_a_form_for_citus_takes_the_place_of_its_statement() -> None:
    assert on_citus("assign/find_nearest") == "citus/assign/find_nearest"
    assert on_citus("runs/open") == "runs/open"


def test_without_parameters_a_percent_sign_is_one() -> None:
    text = "-- Says.\n-- Returns: one text.\nSELECT format('%s;', 7 % 2) -- 100 %; all\n;\n"
    assert parse("say", text).text.startswith("SELECT format('%s;', 7 % 2)")


def test_a_do_block_is_one_statement() -> None:
    text = "-- Does something.\n-- Returns: nothing.\nDO $$ BEGIN a; b; END; $$;\n"
    assert parse("do", text).text.startswith("DO")
    with pytest.raises(ValueError, match="one statement"):
        parse("two", text + "DO $$ BEGIN END; $$;\n")
