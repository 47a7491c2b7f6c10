"""What was released stays as it is: databases have run it, and no change of it would reach them."""

from __future__ import annotations

from hashlib import sha256

from fluffy_sql.resources import migrations_folder

# As of the release after which each stands here. Add new ones when they are released.
FROZEN = {
    "0001_library": "",
    "0002_runs": "",
    "0003_counts": "",
    "0004_bookkeeping": "",
    "0005_work_tables": "",
}


def test_released_migrations_are_as_they_were() -> None:
    digests = {
        file.stem: sha256(file.read_bytes()).hexdigest() for file in migrations_folder().iterdir()
    }
    changed = [name for name, digest in FROZEN.items() if digests.get(name) != digest]
    assert changed == [], "put the change into a new migration (CONTRIBUTING, A migration)"
