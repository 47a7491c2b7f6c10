"""What was released stays as it is: databases have run it, and no change of it would reach them."""

from hashlib import sha256

from fluffy_sql.resources import migrations_folder

# These of 0.2.0. A new one is added when it is released.
FROZEN = {
    "0001_library": "e8e3d6d7d0a93f2dda9f9ad5692f13655a7acd9f4f6af1097ea719fee8e35ab8",
    "0002_runs": "16851e751e8a9bab6e4d1d622f4980a3cb6664b0aafc80dd6d122e9a501e3d10",
    "0003_counts": "644dcb710335dee512d8c73ce8d94eb7d07d07b32ed51054da4bb106f3ecdbf5",
    "0004_bookkeeping": "c6e2324de8a1575c5b1637145d4783e14e94ff8896a37be132c065403fa03101",
    "0005_work_tables": "c5eaf49911da76048f950c7ced0bae10ef1a276ee431998482deb44157ace986",
}


def test_released_migrations_are_as_they_were() -> None:
    digests = {
        file.stem: sha256(file.read_bytes()).hexdigest() for file in migrations_folder().iterdir()
    }
    changed = [name for name, digest in FROZEN.items() if digests.get(name) != digest]
    assert changed == [], "put the change into a new migration (CONTRIBUTING, A migration)"
