"""A command loads what it needs, and starts soon: what it loads is looked at, since times vary."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from fluffy_sql.cli.main import _COMMANDS

# What some command or extra needs, or tests do; each takes longer to load than all of ours.
HEAVY = {"jinja2", "matplotlib", "pandas", "PIL", "psutil", "pyarrow", "scipy", "sklearn", "yoyo"}
HEAVY |= {"httpx", "onnxruntime", "pillow_heif"}
# What every command needs that asks a database.
OF_A_SESSION = {"numpy", "pgvector", "psycopg", "pydantic", "yaml"}

LIST_MODULES = """
import json, sys
from fluffy_sql.cli.main import run
for arguments in json.loads(sys.argv[1]):
    assert run(arguments) == 0
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(*commands: list[str]) -> set[str]:
    """Modules that a new interpreter has loaded after it ran these commands, and their packages."""
    finished = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, json.dumps(commands)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    modules = json.loads(finished.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in modules} | set(modules)


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_loads_no_command(flag: str) -> None:
    assert loaded_by([flag]) & (HEAVY | OF_A_SESSION) == set()


def test_no_command_loads_what_it_may_never_need() -> None:
    assert loaded_by(*([name, "--help"] for name in _COMMANDS)) & HEAVY == set()


def test_what_is_asked_often_loads_nothing_of_what_other_commands_need(
    database_url: str, add_photos: Callable[..., list[int]]
) -> None:
    add_photos([[float(number), 1.0] for number in range(9)])
    at = ["--database-url", database_url]
    work = [["generate", "--k", "2", *at], ["generate", "--recluster", "--k", "3", *at]]
    leiden = ["generate", "--recluster", "--algorithm", "leiden", *at]
    assert loaded_by(*work, leiden, ["check", *at]) & HEAVY == set()
    looked = loaded_by(["clusters", *at], ["runs", *at])
    of_algorithms = {"fluffy_sql.kmeans.labelling", "fluffy_sql.graph.neighbours"}
    assert looked & (HEAVY | {"numpy", "pgvector"} | of_algorithms) == set()
    assert "yoyo" in loaded_by(["migrate", *at])
