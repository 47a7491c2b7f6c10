"""`image_embed.yml` -> frozen, validated settings. A flag beats the environment beats the file."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError

from fluffy_sql.algorithms import ALGORITHMS, AlgorithmSettings, algorithm_named
from fluffy_sql.embedding.provider import PROVIDERS, ProviderSettings
from fluffy_sql.errors import SettingsError
from fluffy_sql.plugins import Plugins

DEFAULT_FILE = Path("image_embed.yml")

Metric = Literal["cosine", "l2"]
CounterCache = Literal["auto", "triggers", "service"]
Duplicates = Literal["keep", "once"]

# How to recognize an address, which may hold a password, in a wrong place.
_AN_ADDRESS = re.compile(r"://|(pass\w*|pwd)\s*=", re.IGNORECASE)

# bigint in Postgres; NumPy wants seeds that are not negative.
_LARGEST_SEED = 2**63 - 1
# A day: Postgres counts such times in milliseconds, as integers.
_MOST_SECONDS = 86_400


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DatabaseSettings(_Section):
    """Where the photos are."""

    url: str | None = Field(default=None, repr=False, description="a postgresql:// address or null")
    # schema is the name of a method of pydantic's models.
    schema_: str = Field(
        default="fluffy_sql",
        alias="schema",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        description="a name of letters, digits and _, at most 63",
    )
    embedded_dir: str = Field(default=".fluffy_sql/postgres", min_length=1, description="a folder")
    connections: int = Field(default=2, ge=1, le=64, description="a whole number from 1 to 64")


def _one_of(plugins: Plugins) -> BeforeValidator:
    """Allows the names that there are."""

    def check(name: object) -> object:
        if name not in (names := plugins.names):
            raise PydanticCustomError("name", ", ".join(names))
        return name

    return BeforeValidator(check)


class ClusteringSettings(_Section):
    """What to make of them, whatever the algorithm; each algorithm has a section of its own.

    Make them by `clustering_settings`, which adds that section.
    """

    algorithm: Annotated[str, _one_of(ALGORITHMS)] = "kmeans"
    metric: Metric = Field(default="cosine", description="cosine or l2")
    seed: int = Field(
        default=0,
        ge=0,
        le=_LARGEST_SEED,
        description="a whole number from 0 up to 9,223,372,036,854,775,807",
    )
    history: int = Field(
        default=50, ge=0, le=1_000_000, description="a whole number from 0 to 1,000,000"
    )
    counter_cache: CounterCache = Field(default="auto", description="auto, triggers or service")
    duplicates: Duplicates = Field(default="keep", description="keep or once")
    lock_wait: float = Field(
        default=60.0, gt=0, le=_MOST_SECONDS, description="seconds, more than 0, up to 86,400"
    )
    lock_hold: float | None = Field(
        default=None,
        gt=0,
        le=_MOST_SECONDS,
        description="seconds, more than 0, up to 86,400, or null",
    )

    @property
    def normalize(self) -> bool:
        """Whether embeddings are compared as unit vectors."""
        return self.metric == "cosine"

    @property
    def of_algorithm(self) -> AlgorithmSettings:
        """The section of the algorithm."""
        section: AlgorithmSettings = getattr(self, self.algorithm)
        return section


class EmbeddingSettings(_Section):
    """What makes embeddings of photos; each provider has a section of its own.

    Make them by `embedding_settings`, which adds that section.
    """

    provider: Annotated[str, _one_of(PROVIDERS)] = "builtin"
    text_model: str | None = Field(default=None, min_length=1, description="a file, or null")

    @property
    def of_provider(self) -> ProviderSettings:
        """The section of the provider."""
        section: ProviderSettings = getattr(self, self.provider)
        return section


class _Choice(NamedTuple):
    """A section in which one of several is chosen, each of which has a section of its own in it.

    Attributes:
        model: the class of the section without those.
        key: the setting that names which one it is.
        plugins: all that it can name.
    """

    model: type[_Section]
    key: str
    plugins: Plugins

    def named(self, values: object) -> str:
        """Which one some values of the section name, or its default."""
        default: str = self.model.model_fields[self.key].default
        name: str = values.get(self.key, default) if isinstance(values, dict) else default
        return name


_CHOICES = {
    "clustering": _Choice(ClusteringSettings, "algorithm", ALGORITHMS),
    "embedding": _Choice(EmbeddingSettings, "provider", PROVIDERS),
}


def clustering_settings(**values: Any) -> ClusteringSettings:
    """Settings as in the section `clustering`, as in `clustering_settings(kmeans={"k": 12})`.

    Raises:
        ValidationError: a value is not allowed.
    """
    made: ClusteringSettings = _model_of("clustering", values).model_validate(values)
    return made


def embedding_settings(**values: Any) -> EmbeddingSettings:
    """The same of the section `embedding`."""
    made: EmbeddingSettings = _model_of("embedding", values).model_validate(values)
    return made


def recorded_settings(values: Mapping[str, Any]) -> ClusteringSettings:
    """Settings as the record of a run keeps them: as a JSON object."""
    model = _model_of("clustering", values)
    made: ClusteringSettings = model.model_validate_json(json.dumps(values))
    return made


def _model_of(section: str, values: object) -> Any:
    """The class of a section in which one is chosen: with sections for those that it names."""
    choice = _CHOICES[section]
    given = values if isinstance(values, dict) else {}
    named = [choice.named(given), *given]
    return _model_with(section, frozenset(name for name in choice.plugins.names if name in named))


@cache
def _model_with(section: str, names: frozenset[str]) -> Any:
    choice = _CHOICES[section]
    sections: dict[str, Any] = {
        name: (of_name, Field(default_factory=of_name))
        for name in sorted(names)
        for of_name in [choice.plugins.load(name).settings]
    }
    return create_model(choice.model.__name__, __base__=choice.model, **sections)


class DuplicatesSettings(_Section):
    """What a near-duplicate is."""

    within: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="a number from 0 up, or null",
    )


class Settings(_Section):
    """Everything `image_embed.yml` says."""

    database: DatabaseSettings = DatabaseSettings()
    duplicates: DuplicatesSettings = DuplicatesSettings()
    clustering: ClusteringSettings = Field(default_factory=clustering_settings)
    embedding: EmbeddingSettings = Field(default_factory=embedding_settings)
    _url_origin: str = PrivateAttr(default="database.url")
    _folder: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: Any, /) -> None:
        """Keeps where they come from; `context` is what was validated, if it was loaded."""
        if isinstance(context, SettingsSources):
            self._url_origin = context.url_origin()
            self._folder = context.folder

    @property
    def folder(self) -> Path:
        """What relative paths in them start from."""
        return self._folder

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
    """Reads the settings file; environment and flags override it.

    Args:
        file: the settings file; None reads `image_embed.yml` in the working directory if there is
            one, else the defaults.
        flags: dotted key to value, such as `{"clustering.kmeans.k": 12}`; None means not given.
        environment: has `DATABASE_URL`; None is that of the process.

    Raises:
        SettingsError: the file can't be read, or a key or value is wrong. The message names the
            file and line (or the flag), the key, what was found and what is allowed. An empty
            address is wrong: `--database-url "$UNSET"` must not choose another database.
    """
    return SettingsSources.read(file, environment).with_values(flags or {}, as_option).settings()


def as_option(key: str) -> str:
    """What the command line calls a setting."""
    return "--database-url" if key == "database.url" else f"--{key.rpartition('.')[2]}"


def as_argument(key: str) -> str:
    """What a function in Python calls a setting."""
    return f"argument {key.rpartition('.')[2]}"


def _settings_model(values: Mapping[str, Any]) -> type[Settings]:
    sections: dict[str, Any] = {
        section: (model, Field(default_factory=model))
        for section in _CHOICES
        for model in [_model_of(section, values.get(section))]
    }
    return create_model("Settings", __base__=Settings, **sections)


# Where an address can be set besides the file, and how to unset it.
_UNSET = {
    "DATABASE_URL": "unset it",
    as_option("database.url"): "leave it out",
    as_argument("database.url"): "leave it out",
}


@dataclass(frozen=True)
class SettingsSources:
    """What was set, and where, for messages.

    Attributes:
        values: merged, as a file nests them.
        origins: where each was set, by its dotted key; of sections too, in a file.
        file: the settings file; None: there is none.
    """

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    origins: dict[str, str] = field(default_factory=dict)
    file: Path | None = None

    @classmethod
    def read(cls, file: Path | None = None, environment: Mapping[str, str] | None = None) -> Self:
        """The settings file and the environment; see `load_settings`."""
        environment = os.environ if environment is None else environment
        path = file or DEFAULT_FILE
        sources = cls._read_file(path) if file is not None or path.exists() else cls()
        named = {"database.url": environment.get("DATABASE_URL")}
        return sources.with_values(named, lambda _: "DATABASE_URL")

    @classmethod
    def _read_file(cls, path: Path) -> Self:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SettingsError(f"{path}: there is no such settings file; check its path") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: can't be read: {error}") from None
        root, values = _parse_yaml(path, text)
        if values is None:
            return cls(file=path)
        return cls(_without_empty_sections(values), dict(_find_lines(path, root)), path)

    @property
    def folder(self) -> Path:
        """The folder of the settings file, which relative paths in it start from."""
        return (self.file or Path()).parent

    def with_values(self, values: Mapping[str, Any], called: Callable[[str], str]) -> Self:
        """These, overridden by others.

        Args:
            values: by their dotted keys, in which `{algorithm}` stands for the one that is set;
                None means not given.
            called: what messages call the setting of a key.
        """
        merged, origins = self.values, {**self.origins}
        for given in sorted(values, key=lambda key: "{" in key):
            if (value := values[given]) is not None:
                key = given.format(algorithm=_algorithm_in(merged))
                *sections, name = key.split(".")
                merged = _with_value(merged, sections, name, value)
                origins[key] = called(key)
        return replace(self, values=merged, origins=origins)

    def settings(self) -> Settings:
        """The settings that these make; raises SettingsError as `load_settings` does."""
        self._refuse_empty_url()
        try:
            settings = _settings_model(self.values).model_validate(self.values, context=self)
        except ValidationError as error:
            raise SettingsError(_describe(error, self)) from None
        try:
            return _anchor_embedded_dir(settings)
        except (OSError, RuntimeError, ValueError) as error:
            key, written = "database.embedded_dir", settings.database.embedded_dir
            raise SettingsError(
                f"{self.origin(key)}: {key} is {written!r}, which names no folder: {error}"
            ) from None

    def origin(self, key: str) -> str:
        """Where a key was set, or the innermost section around it."""
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return self.origins.get(key, str(self.file or ""))

    def url_origin(self) -> str:
        """Where the address was set."""
        origin = self.origins.get("database.url")
        if origin is None or origin in _UNSET:
            return origin or "database.url"
        return f"database.url in {origin}"

    def _refuse_empty_url(self) -> None:
        """An empty address is most often a variable that someone forgot to set."""
        url = self.values.get("database", {}).get("url")
        if isinstance(url, str) and not url.strip():
            origin = self.url_origin()
            raise SettingsError(
                f"{origin} is empty; {_UNSET.get(origin, 'write null')}, or name a database"
            )


def _find_lines(file: Path, node: yaml.Node, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each key and its line; refuses what is no mapping, and a key that is set twice."""
    if not isinstance(node, yaml.MappingNode):
        what = prefix.rstrip(".") or "the file"
        raise SettingsError(f"{_at(file, node)}: {what} must be a mapping of settings")
    seen = set()
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        if key in seen:
            raise SettingsError(f"{_at(file, key_node)}: {key} is set a second time; keep one")
        seen.add(key)
        yield key, _at(file, key_node)
        if _is_section(key) and value_node.tag != "tag:yaml.org,2002:null":
            yield from _find_lines(file, value_node, f"{key}.")


def _at(file: Path, node: yaml.Node) -> str:
    return f"{file}, line {node.start_mark.line + 1}"


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
        raise SettingsError(f"{path}{line}: is not valid YAML: {what}") from None
    except yaml.YAMLError:
        raise SettingsError(
            f"{path}: is not YAML: it holds a character that YAML refuses"
        ) from None
    except (ValueError, KeyError, RecursionError):
        raise SettingsError(f"{path}: is not valid YAML: a value does not fit its tag") from None


def _with_value(values: Any, sections: list[str], name: str, value: Any) -> Any:
    """Values with one more, in a section of a section; a section that is none is refused later."""
    if not isinstance(values, dict):
        return values
    if not sections:
        return {**values, name: value}
    first, *others = sections
    return {**values, first: _with_value(values.get(first, {}), others, name, value)}


def _algorithm_in(values: Any) -> Any:
    clustering = values.get("clustering") if isinstance(values, dict) else None
    return _CHOICES["clustering"].named(clustering)


def _is_section(key: str) -> bool:
    section, _, name = key.partition(".")
    if not name:
        return section in Settings.model_fields
    return section in _CHOICES and name in _CHOICES[section].plugins.names


def _without_empty_sections(values: Any, prefix: str = "") -> Any:
    """A section with nothing under it is one whose settings have their defaults."""
    if not isinstance(values, dict):
        return values
    return {
        key: _without_empty_sections({} if value is None else value, f"{prefix}{key}.")
        if _is_section(f"{prefix}{key}")
        else value
        for key, value in values.items()
    }


def _describe(error: ValidationError, sources: SettingsSources) -> str:
    """One line for the first thing wrong: where, which key, what was found, what is allowed."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    model, field = _find_field(sources.values, path)
    key = " ".join(".".join(path).split())
    where = sources.origin(".".join(path))
    if first["type"] == "extra_forbidden":
        kmeans = algorithm_named("kmeans").settings.model_fields
        if path[:-1] == ["clustering"] and path[-1] in kmeans:
            place = f"clustering.kmeans.{path[-1]}"
            return f"{where}: {key} is a setting of kmeans; write it as {place}"
        names = [field.alias or name for name, field in model.model_fields.items()]
        return f"{where}: {key} is not a setting; allowed here: {', '.join(names)}"
    found = "nothing" if first["input"] is None else repr(first["input"])
    if key == "database.url" or _AN_ADDRESS.search(found):  # it may hold a password
        found = "a value that is not text" if key == "database.url" else "an address"
    return f"{where}: {key} is {found}; allowed: {field or first['msg']}"


def _find_field(values: Mapping[str, Any], path: list[str]) -> tuple[type[BaseModel], str | None]:
    """The innermost section on the way to a setting, and what is allowed there if it is one."""
    model: type[BaseModel] = _settings_model(values)
    for name in path:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if name not in fields:
            break
        kind = fields[name].annotation
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return model, fields[name].description
        model = kind
    return model, None


def _anchor_embedded_dir(settings: Settings) -> Settings:
    """A relative embedded_dir is relative to the settings file, not to the working directory."""
    folder = (settings.folder / Path(settings.database.embedded_dir).expanduser()).resolve()
    database = settings.database.model_copy(update={"embedded_dir": str(folder)})
    return settings.model_copy(update={"database": database})
