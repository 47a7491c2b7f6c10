"""The command line: what it prints where, how it ends, and what it asks for in one line."""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from yoyo import read_migrations

from fluffy_sql import __version__
from fluffy_sql.cli.main import fluffy_sql
from fluffy_sql.postgres.session import Session
from fluffy_sql.resources import migrations_folder
from tests.conftest import Finished, Run, add_photos, made_library
from tests.integration.helpers import execute, new_role

CONTEXT = click.Context(fluffy_sql)
COMMANDS = fluffy_sql.list_commands(CONTEXT)
UNREACHABLE = "postgresql://me:secret@127.0.0.1:1/photos"
NEED_TABLES = [
    ["import", "photos.csv"],
    ["generate"],
    ["assign"],
    ["clusters"],
    ["report", "--out", "report"],
    ["runs"],
]


@pytest.fixture
def clustered(on_database: Run, session: Session) -> Run:
    """Runs a command on a database with 600 photos in 8 clusters, of which run 1 made all."""
    add_photos(session, made_library(1)[0])
    assert on_database("generate", "--k", "8").code == 0
    return on_database


def only_json(finished: Finished) -> dict[str, Any]:
    """The one JSON object on stdout; nothing else may be there."""
    assert finished.out.count("\n") == 1
    value = json.loads(finished.out)
    assert isinstance(value, dict)
    return value


def python(
    *arguments: str, folder: Path, pipe: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m fluffy_sql` in a shell, piped into another program where one is given."""
    command = shlex.join([sys.executable, "-m", "fluffy_sql", *arguments])
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command + pipe],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# Help and version


def test_the_commands_are_those_we_know() -> None:
    assert COMMANDS == [
        "assign",
        "attach",
        "check",
        "clusters",
        "detach",
        "distribute",
        "duplicates",
        "embed",
        "generate",
        "import",
        "migrate",
        "psql",
        "report",
        "runs",
        "sample",
        "sweep",
    ]


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run_cli: Run, command: str, flag: str) -> None:
    finished = run_cli(command, flag)
    assert finished.code == 0
    assert finished.out.startswith(f"Usage: fluffy-sql {command}")
    assert f"Example: fluffy-sql {command}" in finished.out
    assert finished.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_typed(name: str) -> None:
    command = fluffy_sql.get_command(CONTEXT, name)
    assert command is not None
    example = re.search(r"Example: fluffy-sql \S+ ?(.*)", command.help or "")
    assert example is not None
    command.make_context(name, shlex.split(example[1]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    command = fluffy_sql.get_command(CONTEXT, name)
    assert command is not None
    options = [p for p in command.params if p.param_type_name == "option"]
    assert [option.name for option in options if not getattr(option, "help", None)] == []


def test_the_group_lists_every_command(run_cli: Run) -> None:
    finished = run_cli("--help")
    assert finished == run_cli()
    assert finished.code == 0
    assert set(COMMANDS) <= set(finished.out.split())


def test_module_and_script_are_the_same_program(tmp_path: Path) -> None:
    script = Path(sysconfig.get_path("scripts")) / "fluffy-sql"
    by_script = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    by_module = python("--version", folder=tmp_path)
    assert by_script.stdout == by_module.stdout == f"fluffy-sql {__version__}\n"
    assert python("generate", "--k", "0", folder=tmp_path).returncode == 2


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["cluster"], "No such command 'cluster'"),
        (["generate", "--kk", "3"], "No such option"),
        (["generate", "--k", "many"], "'many' is not a valid integer"),
        (["generate", "--k", "0"], "--k: clustering.kmeans.k is 0; allowed: a whole number from 1"),
        (["generate", "--seed", "-1"], "--seed: clustering.seed is -1; allowed"),
        (["generate", "--metric", "dot"], "--metric: clustering.metric is 'dot'; allowed"),
        (
            ["generate", "--algorithm", "x", "--database-url", UNREACHABLE],
            "allowed: dbscan, kmeans, leiden",
        ),
        (["generate", "extra"], "unexpected extra argument"),
        (["generate", "--config", "none.yml"], "none.yml: there is no such settings file"),
        (["generate", "--database-url", "photos secret"], "not an address that Postgres"),
        (["assign", "--max-distance", "-0.1"], "max_distance is -0.1; allowed: a number from 0"),
        (["assign", "--max-distance", "nan"], "max_distance is nan; allowed"),
        (["assign", "--max-distance", "inf"], "max_distance is inf; allowed"),
        (["assign", "--within", "101"], "'--within': 101 is not in the range 0<=x<=100"),
        (["assign", "--within", "9.5"], "'9.5' is not a valid integer"),
        (["assign", "--within", "9", "--max-distance", "1"], "can't be given together"),
        (["assign", "--metric", "dot"], "'dot' is not one of 'cosine', 'l2'"),
        (["import"], "Missing argument"),
        (["clusters", "--limit", "0"], "'--limit'"),
        (["runs", "--limit", "x"], "'--limit'"),
        (["migrate", "--rollback", "--database-url", UNREACHABLE], "add --yes if you mean it"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_usage_is_one_line_and_code_2(
    run_cli: Run, arguments: list[str], expected: str, *, as_json: bool
) -> None:
    finished = run_cli(*arguments, *["--json"] * as_json)
    assert finished.code == 2
    assert finished.err.startswith("fluffy-sql: ")
    assert finished.err.count("\n") == 1
    assert expected in finished.err
    assert "secret" not in finished.err + finished.out
    if as_json:
        error = only_json(finished)
        assert error == {"error": finished.err.removeprefix("fluffy-sql: ")[:-1], "exit_code": 2}
    else:
        assert finished.out == ""


# Failures


@pytest.mark.parametrize("command", [["migrate"], ["check"], *NEED_TABLES])
def test_a_server_that_does_not_answer_is_one_line(
    run_cli: Run, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "photos.csv").touch()
    refusal = run_cli(*command, "--database-url", UNREACHABLE).refusal()
    assert refusal.startswith("can't connect to me@127.0.0.1:1/photos: ")
    assert "secret" not in refusal


def test_a_server_that_refuses_us_is_one_line(run_cli: Run, database_url: str) -> None:
    url = f"{make_conninfo(database_url, dbname='none')} password=secret"
    refusal = run_cli("runs", "--database-url", url).refusal()
    assert refusal.startswith("can't connect to ")
    assert "secret" not in refusal


@pytest.mark.parametrize("command", NEED_TABLES)
def test_a_database_never_migrated_asks_for_migrate(
    run_cli: Run, bare_database_url: str, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "photos.csv").touch()
    assert run_cli(*command, "--database-url", bare_database_url).refusal() == (
        "this database has not been migrated yet; run: fluffy-sql migrate"
    )


def test_a_failed_run_is_told_and_listed(on_database: Run, session: Session) -> None:
    add_photos(session, [[1, 2], [3, 4], [1, 2, 3]])
    failed = on_database("generate", "--json")
    assert failed.code == 1
    message = only_json(failed)["error"]
    assert message.startswith("the embeddings are of several dimensions: 2 (2 photos), 3 (1 photo")
    listed = on_database("runs")
    assert listed.code == 0
    assert " failed " in listed.out
    assert "the embeddings are of several dimensions" in listed.out
    (run,) = only_json(on_database("runs", "--json"))["runs"]
    assert (run["status"], run["error"]) == ("failed", message)


# migrate


def test_migrate_twice_says_up_to_date(run_cli: Run, bare_database_url: str) -> None:
    first = run_cli("migrate", "--database-url", bare_database_url)
    assert first.code == 0
    assert first.out.startswith("Applied 0001_library\n")
    second = run_cli("migrate", "--database-url", bare_database_url)
    assert (second.code, second.out, second.err) == (0, "The database is up to date.\n", "")


def test_migrate_with_json(run_cli: Run, bare_database_url: str) -> None:
    def migrate(*flags: str) -> dict[str, Any]:
        return only_json(run_cli("migrate", "--json", "--database-url", bare_database_url, *flags))

    applied = sorted(migration.id for migration in read_migrations(str(migrations_folder())))
    kept = {
        "kept_by": "triggers",
        "changed": True,
        "repaired": 0,
        "found_here": False,
        "distributed": False,
    }
    first = {
        "applied": applied,
        "adopted": [],
        "counter_cache": kept,
        "schema": "fluffy_sql",
        "notes": [],
        "made_again": [],
    }
    assert migrate() == first
    assert migrate() == first | {"applied": [], "counter_cache": kept | {"changed": False}}
    taken_back = {"schema": "fluffy_sql", "uninstalled": True}
    assert migrate("--rollback", "--yes") == taken_back
    assert migrate("--rollback", "--yes") == taken_back | {"uninstalled": False}


def test_migrate_takes_back_only_what_is_really_meant(clustered: Run) -> None:
    refused = clustered("migrate", "--rollback")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert len(only_json(clustered("clusters", "--json"))["clusters"]) == 8
    done = clustered("migrate", "--rollback", "--yes")
    assert done.code == 0
    assert done.out == (
        "Dropped the schema fluffy_sql, and what migrate had added to photos and clusters.\n"
    )
    assert clustered("clusters").code == 1
    assert clustered("migrate", "--rollback", "--yes").out == "Nothing to roll back.\n"


def test_migrate_says_who_counts(run_cli: Run, bare_database_url: str, tmp_path: Path) -> None:
    def migrate(counter_cache: str) -> str:
        (tmp_path / "s.yml").write_text(f"clustering: {{counter_cache: {counter_cache}}}\n")
        return run_cli("migrate", "--config", "s.yml", "--database-url", bare_database_url).out

    assert migrate("auto").endswith("\nTriggers keep photos_count from now on.\n")
    assert migrate("triggers") == "The database is up to date.\n"
    assert migrate("service").startswith("Triggers no longer keep photos_count; runs count")
    assert migrate("service") == "The database is up to date.\n"


# import


def test_import_says_what_it_did(on_database: Run, tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text('path,embedding\na.jpg,"[1,2]"\nb.jpg,"[3,4]"\n')
    finished = on_database("import", "photos.csv")
    assert (finished.code, finished.err) == (0, "")
    assert finished.out == ("photos.csv: 2 rows read; 2 photos added, 0 updated, 0 unchanged\n")
    again = only_json(on_database("import", "photos.csv", "--json"))
    assert again.items() >= {"file": "photos.csv", "rows_read": 2, "photos_unchanged": 2}.items()


def test_import_of_a_wrong_file_is_one_line(on_database: Run, tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text('path,embedding\na.jpg,"[1,x]"\n')
    for file in ("photos.csv", "none.csv"):
        assert on_database("import", file).refusal().startswith(file)


# generate


def test_generate_with_json_has_the_promised_keys(on_database: Run, session: Session) -> None:
    add_photos(session, [*made_library(1)[0], None, [0.0] * 16])
    finished = on_database("generate", "--json", "--k", "8", "--seed", "5")
    assert finished.code == 0
    assert re.match(r"survey\n60\d photos of 16 dimensions\nsample\n", finished.err)
    result = only_json(finished)
    assert list(result) == [
        *("run_id", "kind", "dry_run", "algorithm", "metric", "seed", "k_requested", "scopes"),
        *("clusters_created", "clusters_kept", "clusters_emptied", "photos_processed"),
        *("photos_moved", "duplicates", "skipped", "inertia", "iterations", "converged"),
        *("recall", "quality", "embeddings_digest", "groups", "changes", "seconds"),
        "vector_indexes",
    ]
    assert result["skipped"] == {"without_embedding": 1, "zero_vector": 1, "already_clustered": 0}
    assert (result["algorithm"], result["metric"], result["seed"]) == ("kmeans", "cosine", 5)
    assert (result["k_requested"], result["clusters_created"]) == (8, 8)
    assert (result["photos_processed"], result["converged"]) == (600, True)
    assert isinstance(result["run_id"], int)
    assert list(result["quality"]) == [
        *("silhouette", "davies_bouldin", "calinski_harabasz"),
        *("smallest_cluster", "largest_cluster", "photos_measured"),
    ]
    assert result["quality"]["photos_measured"] == 600
    assert result["inertia"] > 0
    assert result["iterations"] > 0
    assert all(seconds >= 0 for seconds in result["seconds"].values())
    assert result["seconds"]["total"] == pytest.approx(
        sum(result["seconds"].values()) - result["seconds"]["total"] - result["seconds"]["locked"],
        abs=0.01,
    )


def test_generate_for_people(on_database: Run, session: Session) -> None:
    add_photos(session, made_library(1)[0])
    finished = on_database("generate", "--k", "25", "--metric", "l2", "--seed", "7")
    assert finished.code == 0
    lines = finished.out.splitlines()
    assert lines[0].startswith("Run 1: 600 photos in 25 clusters (kmeans, l2, seed 7), inertia ")
    assert lines[1].startswith("Silhouette 0.")
    assert lines[2].startswith("cluster")
    assert len(lines) == 2 + 1 + 20 + 1
    assert lines[-1] == "... and 5 smaller ones: fluffy-sql clusters --run 1"


def test_generate_without_photos(on_database: Run) -> None:
    finished = on_database("generate")
    assert (finished.code, finished.out) == (0, "No photos to cluster.\n")
    result = only_json(on_database("generate", "--json"))
    assert (result["run_id"], result["inertia"], result["converged"]) == (None, None, None)
    assert only_json(on_database("runs", "--json")) == {"runs": []}


def test_generate_when_all_is_clustered(clustered: Run) -> None:
    finished = clustered("generate")
    assert finished.code == 0
    assert finished.out.startswith("No photos to cluster.")
    assert "600 photos in a cluster already" in finished.out
    assert only_json(clustered("generate", "--json"))["skipped"]["already_clustered"] == 600


def test_generate_takes_settings_from_the_file_where_no_flag_is_given(
    on_database: Run, tmp_path: Path, session: Session
) -> None:
    (tmp_path / "image_embed.yml").write_text("clustering: {kmeans: {k: 3}, seed: 4, metric: l2}\n")
    add_photos(session, made_library(1, photos=50)[0])
    result = only_json(on_database("generate", "--json", "--seed", "9"))
    assert (result["k_requested"], result["seed"], result["metric"]) == (3, 9, "l2")


def test_the_largest_seed_is_a_seed(on_database: Run, session: Session) -> None:
    add_photos(session, made_library(1)[0])
    finished = on_database("generate", "--k", "8", "--seed", str(2**63 - 1))
    assert (finished.code, finished.err.splitlines()[-1]) == (0, "commit")


# assign


@pytest.fixture
def let_go(clustered: Run, session: Session) -> Run:
    """Runs a command where every third photo was let go."""
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id % 3 = 0")
    return clustered


def test_assign_with_json_has_the_promised_keys(let_go: Run) -> None:
    tried = only_json(let_go("assign", "--json", "--max-distance", "0.1", "--dry-run"))
    finished = let_go("assign", "--json", "--max-distance", "0.1")
    assert (finished.code, finished.err) == (
        0, "survey\n200 photos of 16 dimensions\nassign\ncommit\n",
    )  # fmt: skip
    result = only_json(finished)
    assert list(result) == [
        *("run_id", "dry_run", "metric", "max_distance", "within", "clusters", "voting"),
        *("photos_assigned", "photos_left", "left", "skipped", "moves", "seconds"),
        "vector_indexes",
    ]
    assert result["photos_assigned"] + result["photos_left"] == 200
    assert result["photos_left"] == result["left"]["too_far"] > 0
    assert list(result["moves"][0]) == [
        *("from_cluster_id", "from_name", "to_cluster_id", "to_name", "photos")
    ]
    assert isinstance(result["run_id"], int)
    assert tried["moves"] == result["moves"]
    assert (tried["run_id"], tried["dry_run"]) == (None, True)


def test_assign_for_people(let_go: Run) -> None:
    dry = let_go("assign", "--dry-run").out.splitlines()
    assert dry[0].startswith("Dry run, nothing was changed: would place 200 photos in 8 of 8 ")
    assert dry[1].split() == ["photos", "from", "to", "name"]
    photos = [int(line.split()[0]) for line in dry[2:]]
    assert photos == sorted(photos, reverse=True)
    assert sum(photos) == 200
    done = let_go("assign", "--within", "100").out.splitlines()
    assert re.match(r"Run \d+: placed 200 photos in 8 of 8 clusters \(cosine\), ", done[0])
    assert done[1:] == dry[1:]
    again = let_go("assign")
    assert (again.code, again.out) == (0, "No photos placed.\n")
    assert " assign " in let_go("runs").out


def test_assign_without_clusters(on_database: Run, session: Session) -> None:
    assert on_database("assign").code == 0
    add_photos(session, [[1, 0]])
    finished = on_database("assign")
    assert finished.code == 0
    assert "There is no active cluster; make some: fluffy-sql generate" in finished.out
    assert only_json(on_database("assign", "--json"))["photos_left"] == 1


def test_assign_shows_the_largest_moves_of_many(on_database: Run, session: Session) -> None:
    add_photos(session, made_library(1, themes=30)[0])
    assert on_database("generate", "--k", "30").code == 0
    execute(session, "UPDATE photos SET cluster_id = NULL")
    lines = on_database("assign", "--dry-run").out.splitlines()
    assert len(lines) == 1 + 1 + 20 + 1
    assert lines[-1] == "... and 10 more moves: --json has all"


# clusters and runs


def test_lists_that_are_empty(on_database: Run) -> None:
    for command, what in [("clusters", "No clusters yet"), ("runs", "No runs yet")]:
        finished = on_database(command)
        assert (finished.code, finished.err) == (0, "")
        assert finished.out.startswith(what)
        assert only_json(on_database(command, "--json")) == {command: []}


def test_clusters_largest_first(clustered: Run) -> None:
    rows = only_json(clustered("clusters", "--json"))["clusters"]
    photos = [row["photos_count"] for row in rows]
    assert len(rows) == 8
    assert photos == sorted(photos, reverse=True)
    assert sum(photos) == 600
    lines = clustered("clusters").out.splitlines()
    assert [line.split()[0] for line in lines] == ["cluster", *(str(row["id"]) for row in rows)]
    assert [line.split()[-1] for line in lines[1:]] == [row["central_photo"] for row in rows]


def test_clusters_of_a_run(clustered: Run, session: Session) -> None:
    add_photos(session, made_library(2, photos=40)[0], [f"new{i}" for i in range(40)])
    assert clustered("generate", "--k", "3").code == 0
    second = only_json(clustered("clusters", "--json", "--run", "2"))["clusters"]
    assert [row["run_id"] for row in second] == [2, 2, 2]
    assert sum(row["photos_count"] for row in second) == 40
    assert len(only_json(clustered("clusters", "--json"))["clusters"]) == 11
    assert only_json(clustered("clusters", "--json", "--run", "3")) == {"clusters": []}
    newest, first = only_json(clustered("runs", "--json"))["runs"]
    assert (newest["id"], newest["k_requested"], newest["status"]) == (2, 3, "succeeded")
    assert (first["id"], first["k_requested"], first["photos_processed"]) == (1, 8, 600)
    assert [line.split()[0] for line in clustered("runs").out.splitlines()] == ["run", "2", "1"]
    assert [
        run["id"] for run in only_json(clustered("runs", "--json", "--limit", "1"))["runs"]
    ] == [2]


def test_limit_keeps_the_first_rows(clustered: Run) -> None:
    every = only_json(clustered("clusters", "--json"))["clusters"]
    assert only_json(clustered("clusters", "--json", "--limit", "3"))["clusters"] == every[:3]
    assert len(clustered("clusters", "--limit", "3").out.splitlines()) == 1 + 3


def test_paths_come_out_literally(on_database: Run, session: Session) -> None:
    paths = ["[red]x[/red].jpg", "two\nlines.jpg", "[/].jpg"]
    add_photos(session, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], paths)
    shown = {"[red]x[/red].jpg", "two\\nlines.jpg", "[/].jpg"}
    for finished in (on_database("generate", "--k", "3"), on_database("clusters")):
        assert finished.code == 0
        assert {line.split()[-1] for line in finished.out.splitlines()[-3:]} == shown
    rows = only_json(on_database("clusters", "--json"))["clusters"]
    assert {row["central_photo"] for row in rows} == set(paths)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_reader_who_leaves_early_is_no_error(
    clustered: Run, database_url: str, tmp_path: Path, flags: list[str], unbuffered: str
) -> None:
    finished = python(
        *("clusters", *flags, "--database-url", database_url),
        folder=tmp_path,
        pipe=" | true",
        PYTHONUNBUFFERED=unbuffered,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_went_wrong_is_told_also_where_the_reader_left(
    tmp_path: Path, unbuffered: str
) -> None:
    finished = python(
        *("clusters", "--json", "--database-url", UNREACHABLE),
        folder=tmp_path,
        pipe=" | true",
        PYTHONUNBUFFERED=unbuffered,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith("fluffy-sql: can't connect to")
    assert finished.stderr.count("\n") == 1


# sample


def test_sample_leaves_a_named_database_alone(
    run_cli: Run, session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    refused = run_cli("sample")
    assert refused.code == 2
    assert "only ever loaded into the embedded server" in refused.err
    quiet = run_cli("sample", "--if-empty")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert only_json(run_cli("sample", "--if-empty", "--json")) == {"photos_loaded": 0}
    assert session.fetch_value("survey/has_photos") is False


# psql


@pytest.fixture
def stranger(session: Session) -> Iterator[str]:
    """A role with a password that was granted nothing."""
    with new_role(session, "LOGIN PASSWORD 'secret'") as name:
        yield name


def test_psql_is_given_the_address_without_showing_the_password(
    run_cli: Run, database_url: str, stranger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "psql"
    program.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" >argv\nenv | grep ^PG | sort >env\necho out\n'
        "echo err >&2\nexit 7\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("PGOPTIONS", "-c jit=off")
    query = "SELECT '%s' AS \"a b\""
    url = make_conninfo(database_url, user=stranger, password="secret")  # noqa: S106
    finished = run_cli("psql", "--database-url", url, "-At", "-c", query, "-v", "x=1")
    assert (finished.code, finished.out, finished.err) == (7, "out\n", "err\n")
    assert (tmp_path / "argv").read_text().splitlines() == ["-At", "-c", query, "-v", "x=1"]
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    assert set((tmp_path / "env").read_text().splitlines()) >= {
        *(f"PGUSER={stranger}", "PGPASSWORD=secret", f"PGDATABASE={name}"),
        r"PGOPTIONS=-c jit=off -c search_path=fluffy_sql,\ public,\ pg_temp"
        " -c fluffy_sql.schema=fluffy_sql",
    }


def test_psql_that_reaches_no_server_says_so_as_all_commands_do(run_cli: Run) -> None:
    refusal = run_cli("psql", "--database-url", UNREACHABLE).refusal()
    assert refusal.startswith("can't connect to me@127.0.0.1:1/photos: ")


def test_psql_answers(on_database: Run) -> None:
    answered = on_database(
        "psql", "-At", "-c", "SELECT count(*), current_database() <> '' FROM photos"
    )
    assert (answered.code, answered.out, answered.err) == (0, "0|t\n", "")
    # without naming the schema that the view is in
    overview = on_database("psql", "-At", "-c", "SELECT count(*) FROM cluster_overview")
    assert (overview.code, overview.out, overview.err) == (0, "0\n", "")
    refused = on_database("psql", "-c", "SELECT no_such_column")
    assert refused.code == 1
    assert "no_such_column" in refused.err


# The embedded server


@pytest.mark.database
def test_all_of_it_without_naming_a_database(run_cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "Mum's photos"
        project.mkdir()
        data = project / "pg" / "data"
        config = project / "s.yml"
        config.write_text("database:\n  embedded_dir: pg\nclustering:\n  kmeans: {k: 2}\n")

        def run(command: str, *arguments: str) -> Finished:
            finished = run_cli(command, "--config", str(config), *arguments)
            assert (data / "PG_VERSION").exists()
            assert not (data / "postmaster.pid").exists()
            return finished

        assert "run: fluffy-sql migrate" in run("sample").err
        assert run("migrate").out.startswith("Applied 0001_library\n")
        loader = "fluffy_sql.operations.sample_library.loading.load_sample_library"
        monkeypatch.setattr(loader, load_three)
        drawn = run("sample", "--json", "--if-empty")
        assert only_json(drawn) == {"photos_loaded": 3}
        assert str(project / "sample_library") in drawn.err
        refused = run("sample")
        assert (refused.code, refused.out) == (2, "")
        assert only_json(run("sample", "--json", "--if-empty")) == {"photos_loaded": 0}
        assert run("generate").out.startswith("Run 1: 3 photos in 2 clusters (kmeans, cosine")
        assert [row["id"] for row in only_json(run("runs", "--json"))["runs"]] == [1]
        assert run("psql", "-At", "-c", "SELECT sum(photos_count) FROM clusters").out == "3\n"


def load_three(session: Session, folder: Path, *, watch: object) -> int:
    """Stands in for drawing pictures."""
    execute(
        session,
        "INSERT INTO photos (path, embedding)"
        " VALUES ('a', '[1,0]'), ('b', '[1,0.1]'), ('c', '[0,1]')",
    )
    return 3


def test_an_embedded_server_that_can_not_start_is_one_line(run_cli: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "s.yml").write_text("database: {embedded_dir: file/pg}\n")
    assert run_cli("runs", "--config", "s.yml").refusal().startswith("the embedded server in ")
