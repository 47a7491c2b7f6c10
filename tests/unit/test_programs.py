"""Where the embedded server's programs are, and who runs them."""

import os
import pwd
from pathlib import Path

import pytest

from fluffy_sql.errors import DatabaseError, MissingExtraError, SettingsError, UsageError
from fluffy_sql.postgres import programs


def test_without_the_package_there_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtraError, match=r'pip install "fluffy_sql\[embedded\]"'):
        programs.find_programs()
    with pytest.raises(UsageError, match="there is no psql here"):
        programs.find_psql(prefer_embedded=True)


@pytest.mark.parametrize("name", ["$(touch x)", 'a"b', "`x`", "a\\b", "a\nb"])
def test_programs_that_a_shell_would_not_find_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_installed", lambda: tmp_path / name)
    monkeypatch.setattr(programs, "we_are_root", lambda: False)
    with pytest.raises(SettingsError, match="install fluffy_sql elsewhere") as refused:
        programs.find_programs()
    assert "\n" not in str(refused.value)


def test_the_server_runs_as_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    assert programs.find_account() == pwd.getpwuid(1)


def test_a_user_without_a_name_can_not_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 5)
    with pytest.raises(DatabaseError, match="this machine has no user with the id 2147483643"):
        programs.find_account()


def test_roots_runs_as_a_user_that_is_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "_SYSTEM_USER", "no such user can be made")
    with pytest.raises(DatabaseError, match="has no user no such user can be made; add one"):
        programs.find_account()
