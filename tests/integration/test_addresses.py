"""Addresses as the command line gets them: what is read, what is refused, and what is shown."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.conftest import Finished, Run
from tests.unit.test_address import ENCODED_FORMS, PASSWORDS, REFUSED, UNENCODED_FORMS, pieces

# What can't be in an environment or on a command line.
GIVEN = [text for text, _ in REFUSED if text.strip() and "\0" not in text]


def refusal(finished: Finished, code: int) -> str:
    """The one line on stderr, which --json says, too."""
    assert finished.code == code, finished
    [line] = finished.err.splitlines()
    assert line.startswith("fluffy-sql: ")
    message = line.removeprefix("fluffy-sql: ")
    assert json.loads(finished.out) == {"error": message, "exit_code": code}
    return message


@pytest.mark.parametrize("text", GIVEN)
def test_a_wrong_address_is_one_line_that_says_where_it_is_from(
    text: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [refusal(run_cli("clusters", "--json", "--database-url", text), 2)]
    Path("image_embed.yml").write_text(json.dumps({"database": {"url": text}}))
    if "\udcff" not in text:
        said.append(refusal(run_cli("clusters", "--json"), 2))
    monkeypatch.setenv("DATABASE_URL", text)
    said.append(refusal(run_cli("clusters", "--json"), 2))
    origins = ["--database-url", "database.url in image_embed.yml, line 1", "DATABASE_URL"]
    for message in said:
        assert message.partition(": ")[0] in origins
        assert not any(word in message for word in ("secret", "Secret", "ret=", "Top"))
    assert run_cli("psql").code == 2


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_address_starts_no_server(
    empty: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty)
    for command in (["migrate"], ["sample", "--if-empty"], ["generate", "--k", "3"]):
        message = refusal(run_cli(*command, "--json"), 2)
        assert message == "DATABASE_URL is empty; unset it, or name a database"
    monkeypatch.delenv("DATABASE_URL")
    message = refusal(run_cli("runs", "--json", "--database-url", empty), 2)
    assert message == "--database-url is empty; leave it out, or name a database"
    assert list(Path().iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(form=st.sampled_from(UNENCODED_FORMS + ENCODED_FORMS), password=PASSWORDS)
def test_no_part_of_a_password_is_printed(form: str, password: str, run_cli: Run) -> None:
    here = form.replace("host.example:5433", "127.0.0.1:1").replace("host.example", "127.0.0.1:1")
    here = here.replace("host=127.0.0.1:1", "host=127.0.0.1 port=1").replace("/run/pg", "/nowhere")
    for written in (password, quote(password, safe="")):
        finished = run_cli("clusters", "--json", "--database-url", here.format(written))
        assert finished.code in {1, 2}
        *notes, line = finished.err.splitlines()
        assert all(note.startswith("fluffy-sql: --database-url: ") for note in notes)
        assert json.loads(finished.out)["error"] == line.removeprefix("fluffy-sql: ")
        assert not [p for p in pieces(password) if p in finished.out + finished.err]


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql+psycopg2", "postgis", "jdbc:postgresql"]
)
def test_every_dialect_reaches_the_server(
    scheme: str, database_url: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = conninfo_to_dict(database_url)
    name = parts.pop("dbname")
    query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in parts.items())
    monkeypatch.setenv("DATABASE_URL", f"{scheme}:///{name}?{query}&schema=x&pgbouncer=true")
    finished = run_cli("runs", "--json")
    assert json.loads(finished.out) == {"runs": []}
    assert finished.err.splitlines() == [
        "fluffy-sql: DATABASE_URL: ignored pgbouncer, which libpq does not know",
        "fluffy-sql: DATABASE_URL: ignored schema; if photos lies there, set search_path for the"
        " role or add options=-csearch_path=<its name>",
    ]
    finished = run_cli("psql", "-Atc", "SELECT current_database()")
    assert finished.out.strip() == name


def test_a_server_that_is_not_there_is_told_with_where_the_address_is_from(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/photos")
    message = refusal(run_cli("clusters", "--json"), 1)
    assert message.startswith("can't connect to me@127.0.0.1:1/photos: ")
    assert message.endswith(
        "; start a server there, or check host and port; the address is from DATABASE_URL"
    )
    assert refusal(run_cli("generate", "--json"), 1) == message
    for changed, advice in [
        ({"dbname": "no_such_database"}, "create it, or check its name"),
        ({"user": "no_such_role"}, "check the user"),
        ({"options": "-c no_such_setting=1"}, "check the parameters of the address"),
        ({"target_session_attrs": "standby"}, "check target_session_attrs"),
    ]:
        monkeypatch.setenv("DATABASE_URL", make_conninfo(database_url, **changed))
        message = refusal(run_cli("clusters", "--json"), 1)
        assert message.endswith(f"; {advice}; the address is from DATABASE_URL")


@pytest.mark.parametrize(
    "arguments",
    [
        ["postgresql://me:secret@host/photos"],
        ["generate", "postgresql://me:secret@host/photos"],
        ["generate", "--databaseurl=postgresql://me:secret@host/photos"],
        ["generate", "--k", "postgresql://me:secret@host/photos"],
        ["generate", "--k=postgresql://me:secret@host/photos"],
        ["generate", "--metric", "password=secret"],
        ["clusters", "--config", "postgresql://me:secret@host/photos"],
        ["import", "x.csv", "password=secret"],
        ["clusters", "--database-url", "postgresql://me:sec", "secret@host/photos"],
        ["runs", "show", "postgresql://me:secret@host/photos"],
        ["sweep", "--k", "postgresql://me:secret@host/photos"],
    ],
)
def test_an_address_in_a_wrong_place_is_not_repeated(arguments: list[str], run_cli: Run) -> None:
    assert "secret" not in refusal(run_cli(*arguments, "--json"), 2)


def test_a_file_that_is_named_like_an_address_is_not_repeated(on_database: Run) -> None:
    file = "postgresql://me:secret@host/photos.csv"
    message = refusal(on_database("import", file, "--json"), 1)
    assert message.startswith("...: ")


def test_an_address_in_place_of_an_owner_is_not_repeated(on_database: Run) -> None:
    finished = on_database("sweep", "--k", "2", "--scope", "postgresql://me:secret@host/photos")
    assert finished.code != 0
    assert "secret" not in finished.out + finished.err


def test_an_address_that_stands_at_another_key_is_not_repeated(run_cli: Run) -> None:
    for key in ("algorithm", "metric", "k"):
        for address in ("postgresql://me:secret@host/photos", "host=host password=secret"):
            Path("image_embed.yml").write_text(json.dumps({"clustering": {key: address}}))
            assert "secret" not in run_cli("generate", "--database-url", "dbname=x").err
