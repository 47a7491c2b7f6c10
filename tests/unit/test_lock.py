"""What CI installs is pinned, file by file, and is what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (CHECKOUT / "requirements" / "test.txt").read_text(encoding="utf-8")
# One requirement each: its lines are joined by backslashes.
PINNED = [
    line
    for line in LOCK.replace("\\\n", " ").splitlines()
    if line and not line.lstrip().startswith("#")
]
EXTRAS = PROJECT["optional-dependencies"]
ASKED_FOR = [
    asked
    for asked in [
        *PROJECT["dependencies"],
        *(name for extra in EXTRAS if extra != "bench" for name in EXTRAS[extra]),
    ]
    if not asked.startswith("fluffy_sql")
]


def test_each_is_pinned_to_files_by_their_hashes() -> None:
    assert len(PINNED) > 50
    for line in PINNED:
        assert re.fullmatch(r"[a-z0-9.-]+==[^ ]+( ; [^-]+?)?( +--hash=sha256:[0-9a-f]{64})+", line)


def test_no_registry_is_named() -> None:
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert "--find-links" not in LOCK


@pytest.mark.parametrize("asked", ASKED_FOR)
def test_it_has_a_version_of_what_is_asked_for(asked: str) -> None:
    wanted = Requirement(asked)
    versions = [
        version
        for name, _, version in (line.split()[0].partition("==") for line in PINNED)
        if name == canonicalize_name(wanted.name)
    ]
    assert versions, "run: make lock"
    assert all(version in wanted.specifier for version in versions), "run: make lock"
