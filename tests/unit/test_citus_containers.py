"""Where the servers for tests of Citus come from; no engine and no server is asked."""

import warnings
from collections.abc import Iterator
from unittest.mock import MagicMock, Mock, call, create_autospec

import psycopg
import pytest

from tests.citus import conftest
from tests.citus.conftest import servers
from tests.citus.containers import IMAGE, INSTALL_PGVECTOR, citus_in_containers


@pytest.fixture(autouse=True)
def _no_servers_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CITUS_TEST_URL", raising=False)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Takes note of what is asked of testcontainers; what it would not understand is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.community import postgres
        from testcontainers.core import network

        noted = Mock()
        for module, name in ((postgres, "PostgresContainer"), (network, "Network")):
            noted.attach_mock(create_autospec(getattr(module, name)), name)
            monkeypatch.setattr(module, name, getattr(noted, name))
        noted.attach_mock(MagicMock(), "connect")
        monkeypatch.setattr(psycopg, "connect", noted.connect)
        container = noted.PostgresContainer.return_value
        container.exec.return_value.exit_code = 0
        container.get_connection_url.side_effect = ["first", "second", "third"]
        yield noted


def test_without_an_engine_tests_of_citus_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "docker_answers", lambda: False)
    with pytest.raises(pytest.skip.Exception, match="no Docker engine answers"), servers():
        pass


def test_not_every_process_starts_containers(engine: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "docker_answers", lambda: True)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    with pytest.raises(pytest.skip.Exception, match="run tests/citus in one"), servers():
        pass
    assert not engine.mock_calls


def test_three_servers_know_each_other_by_name(
    engine: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "docker_answers", lambda: True)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    with servers() as urls:
        assert urls == ["first", "second", "third"]
    container = engine.PostgresContainer.return_value
    assert [made.args for made in engine.PostgresContainer.call_args_list] == [(IMAGE,)] * 3
    names = [call("coordinator"), call("worker1"), call("worker2")]
    assert container.with_network_aliases.call_args_list == names
    assert container.exec.call_args_list == [call(INSTALL_PGVECTOR)] * 3
    [(where, _)] = engine.connect.call_args_list
    assert where == ("first",)
    assert engine.connect.return_value.execute.call_args_list == [
        call("SELECT citus_set_coordinator_host(%s)", ("coordinator",)),
        call("SELECT citus_add_node(%s, 5432)", ("worker1",)),
        call("SELECT citus_add_node(%s, 5432)", ("worker2",)),
    ]
    assert_all_removed(engine, containers=3)


def test_all_is_removed_where_pgvector_can_not_be_installed(engine: Mock) -> None:
    installed = engine.PostgresContainer.return_value.exec.return_value
    installed.exit_code, installed.output = 100, b"no such package"
    with pytest.raises(RuntimeError, match="no such package"), citus_in_containers():
        pass
    assert_all_removed(engine, containers=1)


def assert_all_removed(engine: Mock, *, containers: int) -> None:
    assert engine.PostgresContainer.return_value.__enter__.call_count == containers
    assert engine.PostgresContainer.return_value.__exit__.call_count == containers
    assert engine.Network.return_value.__exit__.call_count == 1
