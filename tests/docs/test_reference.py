"""docs/reference is complete: commands and options, settings, what is in the schema."""

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from fluffy_sql import Library
from fluffy_sql.cli import main as cli
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import load_settings
from tests.docs.pages import CHECKOUT, DOCS, first_codes_of, rows_of, sections_of, text_of

REFERENCE = DOCS / "reference"
COMMANDS = sections_of(REFERENCE / "commands.md")
SETTINGS = sections_of(REFERENCE / "settings.md")
TABLES = text_of(REFERENCE / "tables-and-functions.md")
OF_EVERY_COMMAND = set(re.findall(r"--[\w-]+", " ".join(first_codes_of(COMMANDS["Commands"]))))


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")


def options_of(command: click.Command) -> set[str]:
    return {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }


ALL_COMMANDS = dict(commands(cli.fluffy_sql))


def test_every_command_is_there_and_no_other() -> None:
    assert set(COMMANDS) - {"Commands"} == set(ALL_COMMANDS)


def test_readme_names_every_command() -> None:
    codes = first_codes_of(sections_of(CHECKOUT / "README.md")["Commands"])
    assert {code.split()[0] for code in codes} == {name.split()[0] for name in ALL_COMMANDS}


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_option_of_a_command_is_there_and_no_other(name: str) -> None:
    described = set(re.findall(r"--[\w-]+", " ".join(first_codes_of(COMMANDS[name]))))
    assert described == options_of(ALL_COMMANDS[name]) - OF_EVERY_COMMAND


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_options_of_every_command_are_those(name: str) -> None:
    missing = {"psql": {"--json"}, "sample": {"--database-url"}}
    expected = OF_EVERY_COMMAND - {"--help"} - missing.get(name, set())
    assert options_of(ALL_COMMANDS[name]) & OF_EVERY_COMMAND == expected


def test_the_guide_to_python_names_every_method() -> None:
    called = " ".join(first_codes_of(text_of(DOCS / "guides" / "python.md")))
    methods = {name for name, of in vars(Library).items() if callable(of) and name[0] != "_"}
    assert set(re.findall(r"(\w+)\(", called)) == methods


def sections(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Each section of the settings, by its dotted name."""
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield f"{name}{key}", field.annotation
            yield from sections(field.annotation, f"{name}{key}.")


@pytest.mark.parametrize(
    ("section", "model"),
    {
        section: model
        for flags in (
            {"clustering.algorithm": "kmeans", "embedding.provider": "onnx"},
            {"clustering.algorithm": "leiden", "embedding.provider": "image_embed"},
            {"clustering.algorithm": "dbscan", "embedding.provider": "onnx"},
        )
        for section, model in sections(type(load_settings(environment={}, flags=flags)))
    }.items(),
)
def test_every_setting_is_there_with_its_default_and_no_other(
    section: str, model: type[BaseModel]
) -> None:
    described = {row[0].strip("`"): yaml.safe_load(row[1]) for row in rows_of(SETTINGS[section])}
    expected: dict[str, Any] = {
        field.alias or name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if field.default is not PydanticUndefined or field.default_factory is not None
        if not isinstance(field.get_default(call_default_factory=True), BaseModel)
    }
    assert described == expected


def test_everything_in_the_schema_is_there_and_nothing_else(session: Session) -> None:
    made = session.connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'fluffy_sql'::regnamespace"
        " AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NOT NULL"
        " UNION SELECT proname::text FROM pg_proc"
        " WHERE pronamespace = 'fluffy_sql'::regnamespace"
    ).fetchall()
    yours, ours = TABLES.split("## For you")
    described = [code.partition("(")[0] for code in first_codes_of(ours)]
    assert sorted(described) == sorted(name for (name,) in made)
    columns = session.connection.execute(
        "SELECT DISTINCT attname::text FROM pg_attribute"
        " WHERE attrelid IN ('photos'::regclass, 'clusters'::regclass) AND attnum > 0"
    ).fetchall()
    others = {"created_at", "updated_at"}
    assert set(first_codes_of(yours)) | others == {name for (name,) in columns}


def test_functions_are_called_as_it_says(session: Session) -> None:
    for code in first_codes_of(TABLES):
        if (called := re.fullmatch(r"(\w+)\((.+)\)", code)) and called[1] != "place_new_photo":
            [[arguments]] = session.connection.execute(
                "SELECT pg_get_function_arguments(to_regproc(%s))", (called[1],)
            ).fetchall()
            assert called[2] == ", ".join(
                _as_written(argument) for argument in arguments.split(", ")
            )


def _as_written(argument: str) -> str:
    """As in `n => 10`, of "n bigint DEFAULT 10"."""
    name, _, _ = argument.partition(" ")
    _, has_default, value = argument.partition(" DEFAULT ")
    return f"{name} => {value.partition('::')[0]}" if has_default else name
