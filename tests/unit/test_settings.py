"""Settings: the shipped file, which source wins, and what is said about each mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from fluffy_sql.embedding.image_embed import ImageEmbedSettings
from fluffy_sql.embedding.onnx_file import OnnxSettings
from fluffy_sql.errors import SettingsError
from fluffy_sql.graph.dbscan import DBSCANSettings
from fluffy_sql.graph.leiden import LeidenSettings
from fluffy_sql.kmeans.settings import KMeansSettings
from fluffy_sql.postgres.session import DEFAULT_SCHEMA
from fluffy_sql.settings import (
    ClusteringSettings,
    DatabaseSettings,
    DuplicatesSettings,
    EmbeddingSettings,
    Settings,
    clustering_settings,
    load_settings,
    recorded_settings,
)
from tests import running

SHIPPED = Path(__file__).resolve().parents[2] / "image_embed.yml"
SECTIONS: dict[str, type[BaseModel]] = {
    "database": DatabaseSettings,
    "duplicates": DuplicatesSettings,
    "clustering": ClusteringSettings,
    "embedding": EmbeddingSettings,
}
# Those of what is chosen in a section, if there is anything to set.
OWN: dict[str, dict[str, type[BaseModel]]] = {
    "clustering": {"kmeans": KMeansSettings, "leiden": LeidenSettings, "dbscan": DBSCANSettings},
    "embedding": {"onnx": OnnxSettings, "image_embed": ImageEmbedSettings},
}

K = "a whole number from 1 to 1,000,000"
ALGORITHMS = "dbscan, kmeans, leiden"
PROVIDERS = "builtin, image_embed, onnx"
LEVELS = (
    "a list of numbers above 0, each smaller than the one before and the first smaller than the"
    " granularity, as in [0.5, 0.25]"
)
GRANULARITY = "a number, more than 0, up to 1,000"
K_OF_SCOPE = "a k for each scope, as in {7: 12, 9: 40}"
FROM_1 = "a whole number from 1 up"
SEED = "a whole number from 0 up to 9,223,372,036,854,775,807"
TOLERANCE = "a number from 0 up, below 1 (0.0001: YAML takes 1e-4 for text)"
CONNECTIONS = "a whole number from 1 to 64"
COUNTER_CACHE = "auto, triggers or service"
URL = "a postgresql:// address or null"
SCHEMA = "a name of letters, digits and _, at most 63"
CHANNELS = "three numbers, of red, green and blue, or null"
SERVICE = "an address, as in http://localhost:8000"
NOT_TEXT = "a value that is not text"

# key, its value as it stands in the file, what the message says was found, what it allows
WRONG_VALUES = [
    ("database.url", "5", NOT_TEXT, URL),
    ("database.url", "true", NOT_TEXT, URL),
    ("database.url", "[postgresql://me:secret@host/db]", NOT_TEXT, URL),
    ("database.url", "{password: secret}", NOT_TEXT, URL),
    ("database.schema", '""', "''", SCHEMA),
    ("database.schema", "null", "nothing", SCHEMA),
    ("database.schema", "5", "5", SCHEMA),
    ("database.schema", "my-photos", "'my-photos'", SCHEMA),
    ("database.schema", "7th", "'7th'", SCHEMA),
    ("database.schema", f"{'s' * 64}", f"'{'s' * 64}'", SCHEMA),
    ("database.schema", '"photos\\n"', "'photos\\n'", SCHEMA),
    ("database.embedded_dir", '""', "''", "a folder"),
    ("database.embedded_dir", "null", "nothing", "a folder"),
    ("database.embedded_dir", "", "nothing", "a folder"),
    ("database.embedded_dir", "7", "7", "a folder"),
    ("database.connections", "0", "0", CONNECTIONS),
    ("database.connections", "-1", "-1", CONNECTIONS),
    ("database.connections", "65", "65", CONNECTIONS),
    ("database.connections", '"2"', "'2'", CONNECTIONS),
    ("database.connections", "true", "True", CONNECTIONS),
    ("database.connections", "2.0", "2.0", CONNECTIONS),
    ("database.connections", "null", "nothing", CONNECTIONS),
    ("embedding.provider", '""', "''", PROVIDERS),
    ("embedding.provider", "3", "3", PROVIDERS),
    ("embedding.provider", "null", "nothing", PROVIDERS),
    ("embedding.text_model", "3", "3", "a file, or null"),
    ("embedding.onnx.file", "3", "3", "a file"),
    ("embedding.onnx.output", '""', "''", "a name, or null"),
    ("embedding.onnx.pooling", "max", "'max'", "cls, mean or null"),
    ("embedding.onnx.resize", "15", "15", "pixels, from 16 to 2048, or null"),
    ("embedding.onnx.squash", "1", "1", "true, false or null"),
    ("embedding.onnx.crop", "4096", "4096", "pixels, from 16 to 2048, or null"),
    ("embedding.onnx.rescale", "0", "0", "a number above 0, or null"),
    ("embedding.onnx.mean", "0.5", "0.5", CHANNELS),
    ("embedding.onnx.std", "[1, 1]", "[1, 1]", CHANNELS),
    ("embedding.onnx.channels", "grey", "'grey'", "rgb, bgr or null"),
    ("embedding.image_embed.url", "localhost:8000", "'localhost:8000'", SERVICE),
    ("embedding.image_embed.url", "file:///etc", "an address", SERVICE),
    ("embedding.image_embed.operation", "null", "nothing", "a name"),
    ("embedding.image_embed.connections", "0", "0", CONNECTIONS),
    ("embedding.image_embed.timeout", ".inf", "inf", "seconds, more than 0, up to 3,600"),
    ("embedding.image_embed.retries", "-1", "-1", "a whole number from 0 to 10"),
    ("clustering.algorithm", '""', "''", ALGORITHMS),
    ("clustering.algorithm", "3", "3", ALGORITHMS),
    ("clustering.algorithm", "[kmeans]", "['kmeans']", ALGORITHMS),
    ("clustering.algorithm", "null", "nothing", ALGORITHMS),
    ("clustering.kmeans.k", "0", "0", K),
    ("clustering.kmeans.k", "-3", "-3", K),
    ("clustering.kmeans.k", "1000001", "1000001", K),
    ("clustering.kmeans.k", "twenty", "'twenty'", K),
    ("clustering.kmeans.k", '"20"', "'20'", K),
    ("clustering.kmeans.k", "true", "True", K),
    ("clustering.kmeans.k", "20.0", "20.0", K),
    ("clustering.kmeans.k", ".nan", "nan", K),
    ("clustering.kmeans.k", ".inf", "inf", K),
    ("clustering.kmeans.k", "null", "nothing", K),
    ("clustering.kmeans.k", "", "nothing", K),
    ("clustering.kmeans.k", "[1, 2]", "[1, 2]", K),
    ("clustering.kmeans.k", "{a: 1}", "{'a': 1}", K),
    ("clustering.kmeans.k_of_scope", "5", "5", K_OF_SCOPE),
    ("clustering.kmeans.k_of_scope", "null", "nothing", K_OF_SCOPE),
    ("clustering.kmeans.k_of_scope", "[1, 2]", "[1, 2]", K_OF_SCOPE),
    ("clustering.metric", "euclidean", "'euclidean'", "cosine or l2"),
    ("clustering.metric", "Cosine", "'Cosine'", "cosine or l2"),
    ("clustering.metric", "2", "2", "cosine or l2"),
    ("clustering.metric", "null", "nothing", "cosine or l2"),
    ("clustering.seed", "-1", "-1", SEED),
    ("clustering.seed", "9223372036854775808", "9223372036854775808", SEED),
    ("clustering.seed", "0.0", "0.0", SEED),
    ("clustering.seed", "false", "False", SEED),
    ("clustering.kmeans.batch_size", "0", "0", FROM_1),
    ("clustering.kmeans.batch_size", "-1", "-1", FROM_1),
    ("clustering.kmeans.batch_size", "8192.5", "8192.5", FROM_1),
    ("clustering.kmeans.batch_size", "true", "True", FROM_1),
    ("clustering.kmeans.sample_per_cluster", "0", "0", FROM_1),
    ("clustering.kmeans.sample_per_cluster", "many", "'many'", FROM_1),
    ("clustering.kmeans.sample_per_cluster", "null", "nothing", FROM_1),
    ("clustering.kmeans.iterations", "0", "0", FROM_1),
    ("clustering.kmeans.iterations", "1.5", "1.5", FROM_1),
    ("clustering.kmeans.iterations", "yes", "True", FROM_1),
    ("clustering.kmeans.tolerance", "-0.1", "-0.1", TOLERANCE),
    ("clustering.kmeans.tolerance", "1", "1", TOLERANCE),
    ("clustering.kmeans.tolerance", ".nan", "nan", TOLERANCE),
    ("clustering.kmeans.tolerance", ".inf", "inf", TOLERANCE),
    ("clustering.kmeans.tolerance", "true", "True", TOLERANCE),
    ("clustering.kmeans.tolerance", '"0.1"', "'0.1'", TOLERANCE),
    ("clustering.kmeans.tolerance", "null", "nothing", TOLERANCE),
    ("clustering.kmeans.restarts", "0", "0", FROM_1),
    ("clustering.kmeans.restarts", "-2", "-2", FROM_1),
    ("clustering.kmeans.restarts", "[3]", "[3]", FROM_1),
    ("clustering.kmeans.refine", "1", "1", "true or false"),
    ("clustering.kmeans.refine", '"true"', "'true'", "true or false"),
    ("clustering.kmeans.refine", "null", "nothing", "true or false"),
    ("clustering.leiden.neighbours", "0", "0", "a whole number from 1 to 1,000"),
    ("clustering.leiden.neighbours", "1.5", "1.5", "a whole number from 1 to 1,000"),
    ("clustering.leiden.keep", "1", "1", "true or false"),
    ("clustering.leiden.granularity", "0", "0", GRANULARITY),
    ("clustering.leiden.granularity", ".nan", "nan", GRANULARITY),
    ("clustering.leiden.granularity", "fine", "'fine'", GRANULARITY),
    ("clustering.leiden.k", "0", "0", f"{K}, or null"),
    ("clustering.leiden.k", "2.5", "2.5", f"{K}, or null"),
    ("clustering.leiden.levels", "[1.5]", "[1.5]", LEVELS),
    ("clustering.leiden.levels", "[0.5, 0.5]", "[0.5, 0.5]", LEVELS),
    ("clustering.leiden.levels", "[0.5, 0]", "[0.5, 0]", LEVELS),
    ("clustering.leiden.levels", "0.5", "0.5", LEVELS),
    ("clustering.leiden.noise", "0", "0", "a number, more than 0, up to 1, or null"),
    ("clustering.leiden.noise", "1.5", "1.5", "a number, more than 0, up to 1, or null"),
    ("clustering.dbscan.eps", "0", "0", "a distance, more than 0"),
    ("clustering.dbscan.eps", ".inf", "inf", "a distance, more than 0"),
    ("clustering.dbscan.eps", ".nan", "nan", "a distance, more than 0"),
    ("clustering.dbscan.min_samples", "0", "0", K),
    ("clustering.dbscan.min_samples", "2.5", "2.5", K),
    ("clustering.history", "-1", "-1", "a whole number from 0 to 1,000,000"),
    ("clustering.history", "null", "nothing", "a whole number from 0 to 1,000,000"),
    ("clustering.counter_cache", "trigger", "'trigger'", COUNTER_CACHE),
    ("clustering.counter_cache", "false", "False", COUNTER_CACHE),
    ("clustering.counter_cache", "null", "nothing", COUNTER_CACHE),
    ("clustering.duplicates", "twice", "'twice'", "keep or once"),
    ("clustering.duplicates", "true", "True", "keep or once"),
    ("duplicates.within", "-0.1", "-0.1", "a number from 0 up, or null"),
    ("duplicates.within", ".inf", "inf", "a number from 0 up, or null"),
    ("duplicates.within", "near", "'near'", "a number from 0 up, or null"),
    ("clustering.lock_wait", "0", "0", "seconds, more than 0, up to 86,400"),
    ("clustering.lock_wait", "null", "nothing", "seconds, more than 0, up to 86,400"),
    ("clustering.lock_wait", "soon", "'soon'", "seconds, more than 0, up to 86,400"),
    ("clustering.lock_hold", "0", "0", "seconds, more than 0, up to 86,400, or null"),
    ("clustering.lock_hold", "90000", "90000", "seconds, more than 0, up to 86,400, or null"),
]

DATABASE_KEYS = "url, schema, embedded_dir, connections"
CLUSTERING_KEYS = (
    "algorithm, metric, seed, history, counter_cache, duplicates, lock_wait, lock_hold, kmeans"
)
KMEANS_KEYS = (
    "k, k_of_scope, batch_size, sample_per_cluster, iterations, tolerance, restarts, refine"
)

# what the file holds, and the whole message about it
WRONG_FILES = [
    (
        "clustering:\n  kmeans:\n    k_of_scope: {7: 0}\n",
        f"s.yml, line 3: clustering.kmeans.k_of_scope.7 is 0; allowed: {K_OF_SCOPE}",
    ),
    (
        "clustering:\n  kmeans:\n    k_of_scope: {me: 3}\n",
        f"s.yml, line 3: clustering.kmeans.k_of_scope.me is 'me'; allowed: {K_OF_SCOPE}",
    ),
    (
        "clustering:\n  kk: 3\n",
        f"s.yml, line 2: clustering.kk is not a setting; allowed here: {CLUSTERING_KEYS}",
    ),
    (
        "clustering:\n  kmeans: {kk: 3}\n",
        f"s.yml, line 2: clustering.kmeans.kk is not a setting; allowed here: {KMEANS_KEYS}",
    ),
    (
        "clustering:\n  k: 3\n",
        "s.yml, line 2: clustering.k is a setting of kmeans; write it as clustering.kmeans.k",
    ),
    (
        "clustering:\n  seed: 1\n  refine: no\n",
        "s.yml, line 3: clustering.refine is a setting of kmeans; write it as"
        " clustering.kmeans.refine",
    ),
    ("clustering: {kmeans: 3}\n", "s.yml, line 1: clustering.kmeans must be a mapping of settings"),
    (
        "clustering: {kmeanz: {k: 3}}\n",
        f"s.yml, line 1: clustering.kmeanz is not a setting; allowed here: {CLUSTERING_KEYS}",
    ),
    (
        "database:\n  ulr: postgresql://me:secret@host/db\n",
        f"s.yml, line 2: database.ulr is not a setting; allowed here: {DATABASE_KEYS}",
    ),
    (
        "clustring: {k: 3}\n",
        "s.yml, line 1: clustring is not a setting; allowed here: database, duplicates, clustering,"
        " embedding",
    ),
    (
        "\nk: 3\n",
        f"s.yml, line 2: k is not a setting; allowed here: {', '.join(SECTIONS)}",
    ),
    (
        "# nothing beneath it\nclustring:\n",
        "s.yml, line 2: clustring is not a setting; allowed here: database, duplicates, clustering,"
        " embedding",
    ),
    (
        "clustering:\n  kmeans:\n    k: 3\n    refine: no\n    k: 4\n",
        "s.yml, line 5: clustering.kmeans.k is set a second time; keep one",
    ),
    (
        "clustering: {k: 3}\nclustering: {k: 3}\n",
        "s.yml, line 2: clustering is set a second time; keep one",
    ),
    ("- k\n", "s.yml, line 1: the file must be a mapping of settings"),
    ("k=20\n", "s.yml, line 1: the file must be a mapping of settings"),
    ("clustering: [k, 3]\n", "s.yml, line 1: clustering must be a mapping of settings"),
    (
        "database: postgresql://me:secret@host/db\n",
        "s.yml, line 1: database must be a mapping of settings",
    ),
]

# Text that YAML's own parser or constructors refuse, each in another place.
NOT_YAML = [
    "clustering: {k: 3\n",
    "clustering:\n\tk: 3\n",
    "clustering:\n  k: *nowhere\n",
    "clustering: {k: 1}\n---\nclustering: {k: 2}\n",
    "clustering:\n  k: \0\n",
    "clustering:\n  k: !own 3\n",
    "clustering:\n  k: !!int three\n",
    "clustering:\n  seed: 2024-13-01\n",
    "clustering:\n  k: {[1]: 2}\n",
]

# A password in places where a mistake can put it.
MISTAKES_NEAR_A_PASSWORD = [
    "database:\n  url: postgresql://me:secret@host/db: x\n",
    'database:\n  url: "postgresql://me:secret@host/db\n',
    "database:\n  url: postgresql://me:secret@host/db\n  connections: [\n",
    "database:\n  url: {postgresql://me:secret@host/db: }\n",
    "database:\n  url: !url postgresql://me:secret@host/db\n",
    "database:\n  url: !!int postgresql://me:secret@host/db\n",
    "database:\n  url: [postgresql://me:secret@host/db]\n",
    "database:\n  url: postgresql://me:secret@host/db\n  url: postgresql://me:secret@host/b\n",
    "database: postgresql://me:secret@host/db\n",
    "url: postgresql://me:secret@host/db\n",
    "database:\n  url: postgresql://me:secret@host/db\n  connections: 0\n",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, **flags: Any) -> Settings:
    Path("s.yml").write_text(text)
    return load_settings(Path("s.yml"), flags=flags, environment={})


def refusal(text: str, **flags: Any) -> str:
    """The message about a settings file; it is one line and ends the command with exit code 2."""
    with pytest.raises(SettingsError) as refused:
        load(text, **flags)
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)
    return str(refused.value)


def keys_of(model: type[BaseModel]) -> list[str]:
    """As a file has them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def test_settings_come_back_from_the_record_of_a_run_as_they_were() -> None:
    settings = running.settings(k=3, k_of_scope={7: 12})
    recorded = json.loads(settings.model_dump_json())
    assert recorded_settings(recorded) == settings
    own = KMeansSettings(k=3, k_of_scope={7: 12})
    assert settings.of_algorithm == own
    assert [own.k_for(scope) for scope in (None, 7, 8)] == [3, 12, 3]


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    shipped = load_settings(SHIPPED, environment={})
    defaults = load_settings(environment={})
    assert shipped.clustering == clustering_settings(kmeans={}, leiden={}, dbscan={})
    assert defaults.clustering == clustering_settings()
    assert shipped.database.url == defaults.database.url == DatabaseSettings().url
    assert shipped.database.schema_ == defaults.database.schema_ == DEFAULT_SCHEMA
    assert shipped.database.connections == DatabaseSettings().connections
    written = yaml.safe_load(SHIPPED.read_text())["database"]["embedded_dir"]
    assert written == DatabaseSettings().embedded_dir


def test_the_shipped_file_holds_every_key_and_no_other() -> None:
    written = yaml.safe_load(SHIPPED.read_text())
    assert list(written) == list(Settings.model_fields) == list(SECTIONS)
    for section, model in SECTIONS.items():
        assert sorted(written[section]) == sorted([*keys_of(model), *OWN.get(section, {})])
    for section, own in OWN.items():
        for name, model in own.items():
            assert list(written[section][name]) == keys_of(model)


def test_the_shipped_file_explains_every_key() -> None:
    settings = [line for line in SHIPPED.read_text().splitlines() if line.startswith("  ")]
    owned = [model for own in OWN.values() for model in own.values()]
    keys = [key for model in (*SECTIONS.values(), *owned) for key in keys_of(model)]
    keys += [name for own in OWN.values() for name in own]
    assert len(settings) == len(keys)
    assert [line for line in settings if len(line.partition("  # ")[2]) < 10] == []


@pytest.mark.parametrize(
    ("flag", "environment", "in_file", "expected"),
    [
        ("flag", "environment", "file", "flag"),
        (None, "environment", "file", "environment"),
        (None, None, "file", "file"),
        ("flag", "", "''", "flag"),
        (None, "environment", "''", "environment"),
        ("flag", None, None, "flag"),
        (None, "environment", None, "environment"),
        (None, None, None, None),
    ],
)
def test_a_flag_beats_the_environment_beats_the_file(
    flag: str | None, environment: str | None, in_file: str | None, expected: str | None
) -> None:
    Path("s.yml").write_text(f"database:\n  url: {in_file or 'null'}\n")
    loaded = load_settings(
        Path("s.yml"),
        flags={"database.url": flag},
        environment={} if environment is None else {"DATABASE_URL": environment},
    )
    assert loaded.database.url == expected


@pytest.mark.parametrize("empty", ["", " ", "\t\n"])
def test_an_empty_address_is_no_address(empty: str) -> None:
    Path("s.yml").write_text(f"database:\n  url: {json.dumps(empty)}\n")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"flags": {"database.url": empty}}, "--database-url is empty; leave it out, or name a"),
        ({"environment": {"DATABASE_URL": empty}}, "DATABASE_URL is empty; unset it, or name a"),
        ({"file": Path("s.yml")}, "database.url in s.yml, line 2 is empty; write null, or name a"),
    ]
    for sources, message in cases:
        with pytest.raises(SettingsError) as refused:
            load_settings(**{"environment": {}, **sources})
        assert str(refused.value) == f"{message} database"


def test_settings_know_where_the_address_is_from_and_do_not_show_it() -> None:
    Path("s.yml").write_text("database:\n  url: secret\n")
    flags, environment = {"database.url": "secret"}, {"DATABASE_URL": "secret"}
    for settings, origin in [
        (load_settings(Path("s.yml"), flags=flags, environment=environment), "--database-url"),
        (load_settings(Path("s.yml"), environment=environment), "DATABASE_URL"),
        (load_settings(Path("s.yml"), environment={}), "database.url in s.yml, line 2"),
        (Settings(database=DatabaseSettings(url="secret")), "database.url"),
    ]:
        assert settings.url_origin == origin
        assert "secret" not in repr(settings)


def test_help_does_not_show_the_environment() -> None:
    """What is evaluated at import is shown as a default."""
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import fluffy_sql.settings; help(fluffy_sql.settings.load_settings)",
        ],
        env={**os.environ, "DATABASE_URL": "postgresql://me:secret@host/photos"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "load_settings(file:" in shown
    assert "secret" not in shown


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///there")
    assert load_settings().database.url == "postgresql:///there"


def test_a_flag_replaces_one_key_and_leaves_the_others() -> None:
    text = "clustering: {kmeans: {k: 3, restarts: 2}, seed: 4}\n"
    loaded = load(text, **{"clustering.kmeans.k": 5, "clustering.metric": None})
    assert loaded.clustering == running.settings(k=5, restarts=2, seed=4)


def test_the_file_in_the_working_directory_is_read_unless_another_is_named() -> None:
    Path("image_embed.yml").write_text("clustering: {seed: 3}\n")
    assert load_settings(environment={}).clustering.seed == 3
    assert load("clustering: {seed: 4}\n").clustering.seed == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "---\n",
        "clustering:\n",
        "database: null\nclustering: ~\n",
        "clustering:\n  kmeans:\n",
        "database:\n  url:\n",
        "database: {url: ~}\n",
    ],
)
def test_what_is_not_set_has_its_default(text: str) -> None:
    settings = load(text)
    assert settings.clustering == clustering_settings()
    assert settings.database.url is None


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("k: 1", "k", 1),
        ("k: 1000000", "k", 1_000_000),
        ("seed: 9223372036854775807", "seed", 2**63 - 1),
        ("tolerance: 0", "tolerance", 0.0),
        ("tolerance: 0.999", "tolerance", 0.999),
        ("refine: no", "refine", False),
        ("metric: l2", "metric", "l2"),
    ],
)
def test_the_ends_of_each_range_are_allowed(text: str, key: str, expected: object) -> None:
    common = key in ClusteringSettings.model_fields
    written = text if common else f"kmeans: {{{text}}}"
    clustering = load(f"clustering: {{{written}}}\n").clustering
    assert getattr(clustering if common else clustering.of_algorithm, key) == expected


@pytest.mark.parametrize(("key", "value", "found", "allowed"), WRONG_VALUES)
def test_a_wrong_value_is_told_by_line_key_found_and_allowed(
    key: str, value: str, found: str, allowed: str
) -> None:
    *sections, name = key.split(".")
    opened = "".join(f"{'  ' * depth}{section}:\n" for depth, section in enumerate(sections))
    text = f"# settings\n{opened}  # here\n{'  ' * len(sections)}{name}: {value}\n"
    line = 3 + len(sections)
    assert refusal(text) == f"s.yml, line {line}: {key} is {found}; allowed: {allowed}"


def test_every_key_is_in_the_table_of_wrong_values() -> None:
    keys = {f"{section}.{key}" for section, model in SECTIONS.items() for key in keys_of(model)}
    for section, own in OWN.items():
        keys |= {f"{section}.{name}.{key}" for name, model in own.items() for key in keys_of(model)}
    assert {key for key, *_ in WRONG_VALUES} == keys


@pytest.mark.parametrize(("text", "message"), WRONG_FILES)
def test_a_wrong_structure_is_told_by_line_and_key(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize("text", NOT_YAML)
def test_what_is_not_yaml_is_told_in_one_line(text: str) -> None:
    assert refusal(text).startswith("s.yml")


@pytest.mark.parametrize("text", MISTAKES_NEAR_A_PASSWORD)
def test_no_message_repeats_a_password(text: str) -> None:
    assert "secret" not in refusal(text)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("clustering.kmeans.k", 0, f"--k: clustering.kmeans.k is 0; allowed: {K}"),
        ("clustering.seed", -1, f"--seed: clustering.seed is -1; allowed: {SEED}"),
        ("clustering.metric", "dot", "--metric: clustering.metric is 'dot'; allowed: cosine or l2"),
        ("clustering.algorithm", "", "--algorithm: clustering.algorithm is ''; allowed:"),
        ("database.url", 5, f"--database-url: database.url is {NOT_TEXT}; allowed: {URL}"),
    ],
)
def test_a_wrong_flag_is_named_in_place_of_a_line(key: str, value: object, message: str) -> None:
    assert refusal("clustering: {kmeans: {k: 3}}\n", **{key: value}).startswith(message)


@pytest.mark.parametrize("folder", ["~nobody-of-that-name/data", r"a\0b"])
def test_a_folder_that_can_not_be_named_is_told_by_line(folder: str) -> None:
    message = refusal(f'clustering:\ndatabase:\n  embedded_dir: "{folder}"\n')
    assert message.startswith("s.yml, line 3: database.embedded_dir is '")
    assert ", which names no folder: " in message


def test_a_right_flag_repairs_what_is_wrong_in_the_file() -> None:
    loaded = load("clustering: {kmeans: {k: 0}}\n", **{"clustering.kmeans.k": 5})
    assert loaded.clustering == running.settings(k=5)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    latin = Path("latin.yml")
    latin.write_bytes("clustering: {k: 3} # größer\n".encode("latin-1"))
    for path, reason in [
        (Path("none.yml"), "there is no such settings file; check its path"),
        (tmp_path, "can't be read"),
        (latin, "can't be read"),
    ]:
        with pytest.raises(SettingsError, match=reason) as refused:
            load_settings(path, environment={})
        assert str(refused.value).startswith(f"{path}: ")
        assert refused.value.exit_code == 2


def test_embedded_dir_is_seen_from_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for written, expected in [
        ("data", folder / "data"),
        ("../data", tmp_path / "data"),
        ("/srv/data", Path("/srv/data")),
        ("~/data", tmp_path / "home" / "data"),
    ]:
        (folder / "s.yml").write_text(f"database:\n  embedded_dir: {written}\n")
        loaded = load_settings(Path("elsewhere/s.yml"), environment={})
        assert loaded.database.embedded_dir == str(expected)


def test_embedded_dir_is_seen_from_the_working_directory_where_there_is_no_file(
    tmp_path: Path,
) -> None:
    expected = tmp_path / ".fluffy_sql" / "postgres"
    assert load_settings(environment={}).database.embedded_dir == str(expected)


def test_settings_are_frozen() -> None:
    settings: Any = load_settings(environment={})
    for section, key in [(settings.clustering, "seed"), (settings, "clustering")]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, 3)
