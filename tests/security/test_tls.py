"""The TLS settings of an address hold for every connection that is made with it."""

import asyncio
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest
import trustme
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.conftest import Run
from tests.security.conftest import Guarded
from tests.security.helpers import add_photos

# What a client sends first that would like TLS: a length of 8, and this code.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass
class Gate:
    """A way over TCP to a server on a socket; with a certificate, one that speaks TLS.

    The embedded server is built without TLS, so the gate speaks it in its place.

    Attributes:
        encrypted: connections that came over TLS.
        plain: connections that did not.
    """

    socket: Path
    tls: ssl.SSLContext | None
    port: int = 0
    encrypted: int = 0
    plain: int = 0
    ready: Event = field(default_factory=Event)

    async def serve(self, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        async with server:
            await stop.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted = False
        with suppress(OSError, EOFError):  # EOFError: the client is not content and leaves
            begun = await reader.readexactly(8)
            if begun == SSL_REQUEST:
                writer.write(b"S" if self.tls else b"N")
                if self.tls:
                    await writer.start_tls(self.tls)
                    encrypted = True
                begun = await reader.readexactly(8)
            self.encrypted += encrypted
            self.plain += not encrypted
            to_server = await asyncio.open_unix_connection(self.socket)
            to_server[1].write(begun)
            await asyncio.gather(pump(reader, to_server[1]), pump(to_server[0], writer))
        writer.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def gate(guarded: Guarded, tls: ssl.SSLContext | None) -> Iterator[Gate]:
    opened = Gate(guarded.socket, tls)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = Thread(target=lambda: loop.run_until_complete(opened.serve(stop)))
    thread.start()
    try:
        assert opened.ready.wait(10)
        yield opened
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@dataclass(frozen=True)
class Certificate:
    """One for localhost.

    Attributes:
        tls: speaks TLS with it.
        root: the file that says to trust it.
        others: a file that says to trust others only.
    """

    tls: ssl.SSLContext
    root: str
    others: str


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    made = Certificate(
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), str(folder / "root"), str(folder / "others")
    )
    authority.issue_cert("localhost").configure_cert(made.tls)
    authority.cert_pem.write_to_path(made.root)
    trustme.CA().cert_pem.write_to_path(made.others)
    return made


@pytest.fixture(scope="module", autouse=True)
def _photos(guarded: Guarded) -> None:
    """Some photos to cluster."""
    schema.migrate(guarded.url(guarded.password))
    with Session.open(guarded.url(guarded.password)) as session:
        session.connection.execute("TRUNCATE photos, clusters CASCADE")
        add_photos(session, 0, 30)


def address(guarded: Guarded, way: Gate, **options: str) -> str:
    """The address over TCP; the certificate is for localhost."""
    return make_conninfo(
        guarded.url(guarded.password),
        host=options.pop("host", "localhost"),
        hostaddr="127.0.0.1",
        port=way.port,
        **options,
    )


def test_all_connections_of_a_run_are_encrypted(
    guarded: Guarded, certificate: Certificate, run_cli: Run
) -> None:
    with gate(guarded, certificate.tls) as way:
        url = address(guarded, way, sslmode="verify-full", sslrootcert=certificate.root)
        finished = run_cli("generate", "--recluster", "--k", "3", "--database-url", url)
        assert finished.code == 0, finished.err
        assert run_cli("migrate", "--database-url", url).code == 0
    assert way.plain == 0
    assert way.encrypted > 3


def test_the_variables_of_libpq_count_too(
    guarded: Guarded, certificate: Certificate, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", certificate.root)
    with gate(guarded, certificate.tls) as way:
        assert run_cli("runs", "--database-url", address(guarded, way)).code == 0
        refused = run_cli("runs", "--database-url", address(guarded, way, host="127.0.0.1"))
    assert refused.code == 1
    assert (way.plain, way.encrypted) == (0, 1)  # that of the first command


# With which settings what is refused, and why.
REFUSED = {
    "no TLS there": (False, {"sslmode": "require"}, "server does not support SSL"),
    "nobody who can be trusted": (
        True,
        {"sslmode": "verify-ca", "sslrootcert": "{0.others}"},
        "certificate verify failed",
    ),
    "another host's certificate": (
        True,
        {"sslmode": "verify-full", "sslrootcert": "{0.root}", "host": "127.0.0.1"},
        "does not match host name",
    ),
    "no file of whom to trust": (
        True,
        {"sslmode": "verify-full", "sslrootcert": "none.pem"},
        'root certificate file "none.pem" does not exist',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_in_one_line(
    case: str, guarded: Guarded, certificate: Certificate, run_cli: Run
) -> None:
    speaks_tls, options, reason = REFUSED[case]
    options = {key: value.format(certificate) for key, value in options.items()}
    with gate(guarded, certificate.tls if speaks_tls else None) as way:
        finished = run_cli("runs", "--database-url", address(guarded, way, **options))
    assert reason in finished.refusal()
    assert way.plain == way.encrypted == 0
