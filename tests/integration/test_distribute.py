"""`distribute` where there is no Citus; tests/citus has the rest."""

from collections.abc import Callable

from tests.conftest import Finished


def test_without_citus_it_says_so_in_one_line(
    database_url: str, run_cli: Callable[..., Finished]
) -> None:
    finished = run_cli("distribute", "--database-url", database_url)
    assert finished.code == 1
    assert finished.out == ""
    assert finished.err.count("\n") == 1
    assert "does not have the extension citus" in finished.err
