"""CI tests what README claims, pre-commit runs what `make check` runs, YAML is YAML."""

import re
from typing import Any

import pytest
import yaml

from fluffy_sql.postgres.schema import OLDEST_PGVECTOR, OLDEST_POSTGRES
from tests.docs.pages import CHECKOUT, PAGES, Block, blocks_of, text_of

CLAIM = re.search(
    r"PostgreSQL (\d+) to (\d+) with pgvector (\d\.\d) or (\d\.\d),"
    r" and Python 3\.(\d+) to 3\.(\d+)",
    text_of(CHECKOUT / "README.md"),
)
YAML_BLOCKS = [block for page in PAGES for block in blocks_of(page) if block.language == "yaml"]


def matrix(job: str) -> Any:
    workflow = yaml.safe_load(text_of(CHECKOUT / ".github" / "workflows" / "test.yml"))
    return workflow["jobs"][job]["strategy"]["matrix"]


def test_the_matrix_is_what_readme_claims() -> None:
    assert CLAIM is not None
    first, last, oldest, newest, *python = CLAIM.groups()
    postgres = matrix("postgres")
    assert postgres["postgres"] == [str(n) for n in range(int(first), int(last) + 1)]
    assert postgres["pgvector"] == [oldest, newest]
    assert matrix("make-test")["python"] == [
        f"3.{minor}" for minor in range(int(python[0]), int(python[1]) + 1)
    ]


def test_the_claim_is_what_the_code_demands() -> None:
    assert CLAIM is not None
    assert CLAIM[1] == str(OLDEST_POSTGRES)
    assert CLAIM[3] == ".".join(map(str, OLDEST_PGVECTOR))
    assert f'requires-python = ">=3.{CLAIM[5]}"' in text_of(CHECKOUT / "pyproject.toml")


def test_each_pgvector_of_the_matrix_has_images() -> None:
    postgres = matrix("postgres")
    assert [row["pgvector"] for row in postgres["include"]] == postgres["pgvector"]


def test_hooks_check_what_make_checks() -> None:
    [local] = yaml.safe_load(text_of(CHECKOUT / ".pre-commit-config.yaml"))["repos"]
    hooks = {hook["entry"].partition(" -m ")[2].split(" --")[0] for hook in local["hooks"]}
    recipe = text_of(CHECKOUT / "Makefile").partition("\ncheck:")[2].partition("\n\n")[0]
    assert hooks == {
        line.partition(" -m ")[2].split(" --")[0].removesuffix(" .")
        for line in recipe.splitlines()
        if " -m " in line
    }


@pytest.mark.parametrize("block", YAML_BLOCKS, ids=str)
def test_a_block_of_yaml_is_yaml(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict)
