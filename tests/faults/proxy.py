"""A network that can be cut: passes bytes on between a program and its server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_PORT = "5432"
# What a server answers when a transaction is committed.
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"


class Proxy:
    """Passes on what it hears, until it is told to cut.

    Attributes:
        url: the address to be used in place of the server's.
        cuts_at_commit: whether the answer to the next COMMIT is lost, and with it the connection.
    """

    def __init__(self, url: str, folder: Path) -> None:
        # We are not the user that the server runs as.
        ours = {"host": str(folder), "port": _PORT, "hostaddr": "", "requirepeer": ""}
        self.url = make_conninfo(url, **ours)
        self.cuts_at_commit = False
        self._server = conninfo_to_dict(url)
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{_PORT}"))
        self._listener.listen()

    @classmethod
    @contextmanager
    def before(cls, url: str) -> Iterator[Self]:
        """Stands before the server at an address."""
        with TemporaryDirectory(prefix="fluffy_") as folder:
            proxy = cls(url, Path(folder))
            proxy._run(proxy._accept)
            try:
                yield proxy
            finally:
                proxy.stay_down()
                for thread in proxy._threads:
                    thread.join()

    def cut(self) -> None:
        """Ends all connections there are; new ones are passed on."""
        with self._lock:
            for end in self._open:
                _shut(end)
            self._open.clear()

    def take_no_more(self) -> None:
        """Refuses new connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def stay_down(self) -> None:
        """Ends all connections, and takes no more."""
        self.take_no_more()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                with self._lock:
                    self._open += [client, server]
                self._run(self._pass_on, client, server)
                self._run(self._pass_on, server, client)

    def _connect(self) -> socket.socket:
        host, port = str(self._server["host"]), int(self._server.get("port") or _PORT)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while heard := source.recv(65_536):
                if self.cuts_at_commit and _COMMITTED in heard:
                    self.cuts_at_commit = False
                    break
                target.sendall(heard)
        for end in (source, target):
            _shut(end)
        source.close()

    def _run(self, work: object, *arguments: object) -> None:
        thread = Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
