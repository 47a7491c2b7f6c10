"""What `fluffy-sql generate --k K --metric l2` does, whatever indexes there are."""

from benchmarks.contenders.fluffy_sql import run

__all__ = ["run"]
