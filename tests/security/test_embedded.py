"""The embedded server is its user's alone."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from fluffy_sql.database.embedded import embedded_server
from fluffy_sql.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.conftest import Guarded


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_listens_on_no_network_address(guarded: Guarded) -> None:
    with psycopg.connect(guarded.admin_url) as admin:
        assert admin.execute("SHOW listen_addresses").fetchall() == [("",)]
    pid = int((guarded.folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    server = psutil.Process(pid)
    for process in [server, *server.children()]:
        with suppress(psutil.NoSuchProcess):  # autovacuum's come and go
            assert process.net_connections("inet") == []


def test_its_folder_is_private(guarded: Guarded) -> None:
    assert mode(guarded.folder) == 0o700


def test_so_is_its_socket_where_it_lies_in_a_folder_of_all_users(guarded: Guarded) -> None:
    assert guarded.socket.parent != guarded.folder
    assert mode(guarded.socket) == 0o700


@pytest.mark.parametrize("name", ["My Photos", "$(touch x)", "a;b", "a'b", 'a"b', "a%62", "a,b"])
def test_a_folder_that_a_shell_or_an_address_would_take_apart_is_refused(
    name: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(SettingsError, match=r"in database\.embedded_dir"),
        embedded_server(tmp_path / name / "data"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
