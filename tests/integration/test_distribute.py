"""`distribute` where there is no Citus; tests/citus has the rest."""

from tests.conftest import Run


def test_without_citus_it_says_so_in_one_line(on_database: Run) -> None:
    finished = on_database("distribute")
    assert finished.code == 1
    assert finished.out == ""
    assert finished.err.count("\n") == 1
    assert "does not have the extension citus" in finished.err
