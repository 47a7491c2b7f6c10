"""`image_embed.yml` -> frozen, validated settings. A flag beats the environment beats the file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from fluffy_sql.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_FILE = Path("image_embed.yml")

Metric = Literal["cosine", "l2"]
CounterCache = Literal["auto", "triggers", "service"]

# What an address, which may hold a password, can be told by where none belongs.
_AN_ADDRESS = re.compile(r"://|(pass\w*|pwd)\s*=", re.IGNORECASE)

# Flags that are not called like the last part of their key.
_FLAGS = {"database.url": "--database-url"}

# bigint in Postgres; NumPy wants seeds that are not negative.
_LARGEST_SEED = 2**63 - 1
# A day: Postgres counts such times in milliseconds, as integers.
_MOST_SECONDS = 86_400


_K = Annotated[int, Field(ge=1, le=1_000_000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DatabaseSettings(_Section):
    """Where the photos are."""

    url: str | None = Field(default=None, repr=False)
    # schema is the name of a method of pydantic's models.
    schema_: str = Field(
        default="fluffy_sql", alias="schema", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
    )
    embedded_dir: str = Field(default=".fluffy_sql/postgres", min_length=1)
    connections: Annotated[int, Field(ge=1, le=64)] = 2


class ClusteringSettings(_Section):
    """What to make of them."""

    algorithm: str = Field(default="kmeans", pattern=r"^\w+$")
    k: _K = 20
    k_of_scope: dict[int, _K] = Field(default_factory=dict)
    metric: Metric = "cosine"
    seed: Annotated[int, Field(ge=0, le=_LARGEST_SEED)] = 0
    batch_size: Annotated[int, Field(ge=1)] = 8192
    sample_per_cluster: Annotated[int, Field(ge=1)] = 128
    iterations: Annotated[int, Field(ge=1)] = 100
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 1e-3
    restarts: Annotated[int, Field(ge=1)] = 3
    refine: bool = True
    history: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    counter_cache: CounterCache = "auto"
    lock_wait: Annotated[float, Field(gt=0, le=_MOST_SECONDS)] = 60.0
    lock_hold: Annotated[float, Field(gt=0, le=_MOST_SECONDS)] | None = None

    def k_for(self, scope: int | None) -> int:
        """How many clusters to make of the photos of a scope; None: unscoped."""
        return self.k if scope is None else self.k_of_scope.get(scope, self.k)


class Settings(_Section):
    """Everything `image_embed.yml` says."""

    database: DatabaseSettings = DatabaseSettings()
    clustering: ClusteringSettings = ClusteringSettings()
    _url_origin: str = PrivateAttr(default="database.url")

    def model_post_init(self, context: Any, /) -> None:
        """Keeps where the address was set; `context` is what was validated, if it was loaded."""
        if isinstance(context, _Sources):
            self._url_origin = context.url_origin()

    @property
    def url_origin(self) -> str:
        """Where `database.url` was set, for messages: `--database-url`, `DATABASE_URL`, ..."""
        return self._url_origin


def load_settings(
    file: Path | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Reads the settings file and lays environment and flags over it.

    Args:
        file: the settings file; None reads `image_embed.yml` in the working directory where there
            is one, and the defaults where there is none.
        flags: dotted key to value, such as `{"clustering.k": 12}`; None means not given.
        environment: where `DATABASE_URL` is looked up; None is that of the process.

    Raises:
        SettingsError: the file can't be read, or a key or value is wrong. The message names the
            file and line (or the flag), the key, what was found and what is allowed. An empty
            address is wrong: `--database-url "$UNSET"` must not choose another database.
    """
    environment = os.environ if environment is None else environment
    sources = _Sources()
    path = file or DEFAULT_FILE
    if file is not None or path.exists():
        sources.add_file(path)
    if "DATABASE_URL" in environment:
        sources.add("database.url", environment["DATABASE_URL"], "DATABASE_URL")
    for key, value in (flags or {}).items():
        if value is not None:
            sources.add(key, value, _FLAGS.get(key, f"--{key.rpartition('.')[2]}"))
    sources.refuse_empty_url()
    try:
        settings = Settings.model_validate(sources.values, context=sources)
    except ValidationError as error:
        raise SettingsError(_describe(error, sources)) from None
    try:
        return _anchor_embedded_dir(settings, path if sources.has_file else Path())
    except (OSError, RuntimeError, ValueError) as error:
        key, written = "database.embedded_dir", settings.database.embedded_dir
        raise SettingsError(
            f"{sources.origin(key)}: {key} is {written!r}, which names no folder: {error}"
        ) from None


# Where an address can be set besides the file, and how not to.
_UNSET = {"DATABASE_URL": "unset it", "--database-url": "leave it out"}


class _Sources:
    """The merged values, and where each of them was set, for messages."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.has_file = False
        self._origins: dict[str, str] = {}
        self._file = ""

    def add(self, key: str, value: Any, origin: str) -> None:
        section, _, name = key.partition(".")
        self.values[section] = {**self.values.get(section, {}), name: value}
        self._origins[key] = origin

    def add_file(self, path: Path) -> None:
        self._file = str(path)
        self.has_file = True
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SettingsError(f"{path}: there is no such settings file; check --config") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: can't be read: {error}") from None
        root, values = _parse_yaml(path, text)
        if values is None:
            return
        self._note_lines(root, "")
        # A section with nothing under it is one whose settings have their defaults.
        self.values = {key: {} if value is None else value for key, value in values.items()}

    def _note_lines(self, node: yaml.Node, prefix: str) -> None:
        """Remembers the line of each key; refuses what is no mapping, and a key set twice."""
        if not isinstance(node, yaml.MappingNode):
            what = prefix.rstrip(".") or "the file"
            raise SettingsError(f"{self._at(node)}: {what} must be a mapping of settings")
        for key_node, value_node in node.value:
            key = f"{prefix}{key_node.value}"
            if key in self._origins:
                raise SettingsError(f"{self._at(key_node)}: {key} is set a second time; keep one")
            self._origins[key] = self._at(key_node)
            if not prefix and key in Settings.model_fields and not _is_null(value_node):
                self._note_lines(value_node, f"{key}.")

    def _at(self, node: yaml.Node) -> str:
        return f"{self._file}, line {node.start_mark.line + 1}"

    def origin(self, key: str) -> str:
        return self._origins.get(key, self._file)

    def url_origin(self) -> str:
        """Where the address was set."""
        origin = self._origins.get("database.url")
        if origin is None or origin in _UNSET:
            return origin or "database.url"
        return f"database.url in {origin}"

    def refuse_empty_url(self) -> None:
        """An empty address is most often a variable that was to be set."""
        url = self.values.get("database", {}).get("url")
        if isinstance(url, str) and not url.strip():
            origin = self.url_origin()
            raise SettingsError(
                f"{origin} is empty; {_UNSET.get(origin, 'write null')}, or name a database"
            )


def _parse_yaml(path: Path, text: str) -> tuple[Any, Any]:
    """The file as a tree of nodes, which know their lines, and as values.

    YAML's own messages quote the line, which may hold a password; only what is wrong is kept.
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        what = re.sub(r"'.*'", "...", error.problem or error.context or "unreadable")
        raise SettingsError(f"{path}{line}: is not YAML as it should be: {what}") from None
    except yaml.YAMLError:
        raise SettingsError(
            f"{path}: is not YAML: it holds a character that YAML refuses"
        ) from None
    except (ValueError, KeyError, RecursionError):
        raise SettingsError(
            f"{path}: is not YAML as it should be: a value is not what it claims"
        ) from None


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _describe(error: ValidationError, sources: _Sources) -> str:
    """One line for the first thing wrong: where, which key, what was found, what is allowed."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    key = " ".join(".".join(path).split())
    where = sources.origin(".".join(path[:2]))
    if first["type"] == "extra_forbidden":
        section = first["loc"][0] if len(first["loc"]) > 1 else None
        fields = _fields_of(str(section) if section is not None else None)
        return f"{where}: {key} is not a setting; allowed here: {', '.join(fields)}"
    found = "nothing" if first["input"] is None else repr(first["input"])
    if key == "database.url" or _AN_ADDRESS.search(found):  # it may hold a password
        found = "a value that is not text" if key == "database.url" else "an address"
    return f"{where}: {key} is {found}; allowed: {_allowed('.'.join(path[:2]), first['msg'])}"


def _fields_of(section: str | None) -> list[str]:
    models: dict[str | None, type[BaseModel]] = {
        None: Settings,
        "database": DatabaseSettings,
        "clustering": ClusteringSettings,
    }
    return [field.alias or name for name, field in models[section].model_fields.items()]


_ALLOWED = {
    "database.url": "a postgresql:// address or null",
    "database.schema": "a name of letters, digits and _, at most 63",
    "database.embedded_dir": "a folder",
    "database.connections": "a whole number from 1 to 64",
    "clustering.algorithm": "the name of an algorithm",
    "clustering.k": "a whole number from 1 to 1,000,000",
    "clustering.k_of_scope": "a k for each scope, as in {7: 12, 9: 40}",
    "clustering.metric": "cosine or l2",
    "clustering.seed": "a whole number from 0 up to 9,223,372,036,854,775,807",
    "clustering.batch_size": "a whole number from 1 up",
    "clustering.sample_per_cluster": "a whole number from 1 up",
    "clustering.iterations": "a whole number from 1 up",
    "clustering.tolerance": "a number from 0 up, below 1 (0.0001: YAML takes 1e-4 for text)",
    "clustering.restarts": "a whole number from 1 up",
    "clustering.refine": "true or false",
    "clustering.history": "a whole number from 0 to 1,000,000",
    "clustering.counter_cache": "auto, triggers or service",
    "clustering.lock_wait": "seconds, more than 0, up to 86,400",
    "clustering.lock_hold": "seconds, more than 0, up to 86,400, or null",
}


def _allowed(key: str, otherwise: str) -> str:
    return _ALLOWED.get(key, otherwise)


def _anchor_embedded_dir(settings: Settings, file: Path) -> Settings:
    """A relative embedded_dir is seen from the settings file, not from wherever one stands."""
    folder = (file.parent / Path(settings.database.embedded_dir).expanduser()).resolve()
    database = settings.database.model_copy(update={"embedded_dir": str(folder)})
    return settings.model_copy(update={"database": database})
