"""A new statement needs a test."""

from pathlib import Path

from fluffy_sql.postgres.statements import statement_names

# Tested with the import or the embed that runs them; with whole runs in
# tests/integration/test_citus_forms.py; on Citus in tests/citus.
TESTED_ELSEWHERE = ("import/", "embed/", "distribute/")
ONLY_ON_CITUS = {"session/is_distributed", "attach/list_spread"}


def test_every_statement_is_run_by_a_test_in_this_folder() -> None:
    tests = "".join(
        file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))
    )
    untested = [
        name
        for name in statement_names()
        if not name.startswith(TESTED_ELSEWHERE)
        and not name.startswith("citus/")
        and name not in ONLY_ON_CITUS
        and f'"{name}"' not in tests
    ]
    assert untested == []
