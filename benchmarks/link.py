"""A network between a client and its server: delays, limits and counts what passes.

It delays by time alone: windows, lost packets and TLS are left out, so a real network is slower.
"""

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_CHUNK = 65_536
# What is under way on a connection each way: then its sender has to wait.
_MOST_CHUNKS = 64
_BITS_PER_MEGABIT = 1e6


def _ignore(_size: int) -> None:
    """Nobody counts there."""


@dataclass(frozen=True)
class Link:
    """What a network is like.

    Attributes:
        round_trip: seconds there and back.
        megabits: each way, a second.
    """

    round_trip: float
    megabits: float

    def __str__(self) -> str:
        """As tables and the command line have it: 20ms-100mbit."""
        return f"{self.round_trip * 1000:g}ms-{self.megabits:g}mbit"


LINKS = (Link(0.001, 1000), Link(0.02, 100), Link(0.08, 100))


def link_named(name: str) -> Link:
    """The link that a table calls so.

    Raises:
        KeyError: there is none.
    """
    return {str(link): link for link in LINKS}[name]


@dataclass
class Traffic:
    """What passed, as the client saw it.

    Attributes:
        bytes_up: from the client to the server.
        bytes_down: from the server to the client.
        round_trips: the most of them that followed each other, each begun when the one before had
            ended, on whatever connection. Making a connection is one, before anything is said.
    """

    bytes_up: int = 0
    bytes_down: int = 0
    round_trips: int = 0


class _Trips:
    """Follows one connection: a round trip ends with an answer to what was sent after another."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._begun = 0

    def sent(self, size: int) -> None:
        self._traffic.bytes_up += size
        self._begun = self._traffic.round_trips + 1

    def heard(self, size: int) -> None:
        self._traffic.bytes_down += size
        self._traffic.round_trips = max(self._traffic.round_trips, self._begun)


class _Way:
    """One direction of a link, which all connections share."""

    def __init__(self, link: Link) -> None:
        self._delay = link.round_trip / 2
        self._bytes_per_second = link.megabits * _BITS_PER_MEGABIT / 8
        self._free_at = 0.0

    def arrival(self, size: int) -> float:
        """When so much arrives that is sent now."""
        self._free_at = max(self._free_at, time.monotonic()) + size / self._bytes_per_second
        return self._free_at + self._delay


class Proxy:
    """Stands before a server and is the link to it.

    Attributes:
        url: the address to use in place of the server's.
        traffic: what passed so far.
    """

    def __init__(self, url: str, link: Link) -> None:
        self.traffic = Traffic()
        self._link = link
        self._up, self._down = _Way(link), _Way(link)
        self._server = conninfo_to_dict(url)
        self._loop = asyncio.new_event_loop()
        self._listener = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        port = str(self._listener.sockets[0].getsockname()[1])
        self.url = make_conninfo(url, host="127.0.0.1", port=port, hostaddr="", requirepeer="")

    @classmethod
    @contextmanager
    def before(cls, url: str, link: Link) -> Iterator[Self]:
        """Stands before the server at an address; at the end it cuts what is still open."""
        proxy = cls(url, link)
        thread = Thread(target=proxy._loop.run_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy._loop.call_soon_threadsafe(proxy._loop.stop)
            thread.join()
            proxy._loop.run_until_complete(proxy._end())
            proxy._loop.close()

    async def _end(self) -> None:
        self._listener.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        host, port = str(self._server["host"]), str(self._server.get("port") or "5432")
        if host.startswith("/"):
            server, to_server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            server, to_server = await asyncio.open_connection(host, int(port))
        trips = _Trips(self.traffic)
        trips.sent(0)
        await asyncio.sleep(self._link.round_trip)
        trips.heard(0)
        with suppress(asyncio.CancelledError):  # by _end
            await asyncio.gather(
                self._pass_on(client, to_server, self._up, heard=trips.sent),
                self._pass_on(server, to_client, self._down, arrived=trips.heard),
            )
        for end in (to_server, to_client):
            end.close()
            with suppress(OSError):
                await end.wait_closed()

    async def _pass_on(
        self,
        source: StreamReader,
        target: StreamWriter,
        way: _Way,
        *,
        heard: Callable[[int], None] = _ignore,
        arrived: Callable[[int], None] = _ignore,
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_CHUNKS)

        async def deliver() -> None:
            while True:
                when, chunk = await under_way.get()
                await asyncio.sleep(when - time.monotonic())
                if not chunk:
                    return
                arrived(len(chunk))
                target.write(chunk)
                await target.drain()

        delivery = asyncio.create_task(deliver())
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                heard(len(chunk))
                await under_way.put((way.arrival(len(chunk)), chunk))
        await under_way.put((way.arrival(0), b""))
        with suppress(OSError):
            await delivery
        target.close()
