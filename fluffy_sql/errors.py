"""The one hierarchy of errors. Each message is one line: what is wrong, where, and what to do."""


class FluffySqlError(Exception):
    """Something a user can cause or fix. The command line prints it and exits with `exit_code`."""

    exit_code = 1


class UsageError(FluffySqlError):
    """The command was called in a way that can't work."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, of the wrong kind or out of range."""


class MissingExtraError(UsageError):
    """An optional part of the package is not installed."""


class DatabaseError(FluffySqlError):
    """Postgres refused a statement or could not be reached.

    `sqlstate` is Postgres's five-character code, if there was one.
    """

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class UnreachableError(DatabaseError):
    """No server answers at the address, or it does not let us in."""


class NoneLeftError(UnreachableError):
    """A pooler has lent all of its connections."""


class SchemaError(FluffySqlError):
    """The database lacks our tables, or holds tables that can't be adopted."""


class LibraryError(FluffySqlError):
    """The photos can't be clustered as they are."""


class OtherModelError(LibraryError):
    """Photos have embeddings of another model than the one that is asked for."""


class ImportFileError(FluffySqlError):
    """A file of embeddings can't be read, or one of its rows is wrong."""


class PhotoError(FluffySqlError):
    """A photo can't be embedded. The message is short: such photos are counted by it."""


class ProviderError(FluffySqlError):
    """The model or the service that makes embeddings fails, whatever the photo."""


class HistoryError(FluffySqlError):
    """A run can't be shown, compared or undone."""


class BusyError(FluffySqlError):
    """Another run is active in this database."""


class PostconditionError(FluffySqlError):
    """A result broke a promise; it was rolled back. This is a bug to report, with the run's id."""


class ReportError(FluffySqlError):
    """A report or an export can't be written where it was asked for."""
