"""A coordinator of Citus and two workers in containers."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg
from testcontainers.community.postgres import PostgresContainer

from tests.security.helpers import PASSWORD

IMAGE = "citusdata/citus:13.2.0"
COORDINATOR = "coordinator"
WORKERS = ("worker1", "worker2")
# Several sessions at once, each with a connection for each shard; a server that is thrown away need
# not survive a power cut.
COMMAND = ["postgres", "-c", "max_connections=300", "-c", "fsync=off", "-c", "full_page_writes=off"]
# The image is a Debian that knows PostgreSQL's own repository of packages.
INSTALL_PGVECTOR = [
    "sh",
    "-c",
    "apt-get update && apt-get install --yes --no-install-recommends postgresql-$PG_MAJOR-pgvector",
]


@contextmanager
def citus_in_containers() -> Iterator[list[str]]:
    """Addresses of all servers, the coordinator's first; all of it is removed at the end.

    Tests come in by ports of this machine; the servers know each other by their names in a network
    of their own.
    """
    with warnings.catch_warnings(), ExitStack() as stack:
        warnings.simplefilter("ignore")
        from testcontainers.community.postgres import PostgresContainer
        from testcontainers.core.network import Network

        network = stack.enter_context(Network())
        urls = []
        for name in (COORDINATOR, *WORKERS):
            container = PostgresContainer(
                IMAGE, username="postgres", password=PASSWORD, dbname="postgres", driver=None
            )
            container.with_network(network)
            container.with_network_aliases(name)
            container.with_command(COMMAND)
            # Servers come to each other with it, as any role: that of tests has the same password.
            container.with_env("PGPASSWORD", PASSWORD)
            stack.enter_context(container)
            _install_pgvector(container)
            urls.append(container.get_connection_url())
        _introduce(urls[0])
        yield urls


def _install_pgvector(container: PostgresContainer) -> None:
    installed = container.exec(INSTALL_PGVECTOR)
    if installed.exit_code:
        raise RuntimeError(f"pgvector can't be installed: {installed.output.decode()}")


def _introduce(url: str) -> None:
    """Makes the coordinator known to itself, and the workers to it."""
    with closing(psycopg.connect(url, autocommit=True)) as coordinator:
        coordinator.execute("SELECT citus_set_coordinator_host(%s)", (COORDINATOR,))
        for worker in WORKERS:
            coordinator.execute("SELECT citus_add_node(%s, 5432)", (worker,))
