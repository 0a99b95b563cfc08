"""Settings: what each variable does, and that none is undocumented."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from albumjudge.domain.settings import SETTINGS, Settings, SettingsError

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SECRET = "postgres://curator:secret@db/votes"


def test_nothing_set_means_the_bundled_models_and_a_file_for_votes() -> None:
    nothing = Settings.from_environment({})
    assert nothing == Settings() == Settings.from_environment(dict.fromkeys(SETTINGS, " "))
    assert nothing.generator_directory is None and nothing.judge_hub is None
    assert nothing.hub_deadline == 60 and nothing.hub_endpoint == "https://huggingface.co"
    assert nothing.data_directory == Path("data") and nothing.database_url == "sqlite:///data/votes.db"
    both = {"DATABASE_URL": "postgres://elsewhere/x", "ALBUMJUDGE_DATABASE_URL": "sqlite:///here.db"}
    assert Settings.from_environment(both).database_url == "sqlite:///here.db"


@pytest.mark.parametrize(
    ("variable", "text", "setting", "value"),
    [
        ("ALBUMJUDGE_GENERATOR_DIR", "/weights/generator", "generator_directory", Path("/weights/generator")),
        ("ALBUMJUDGE_JUDGE_DIR", "~/judge", "judge_directory", Path.home() / "judge"),
        ("ALBUMJUDGE_GENERATOR_HUB", f"museum/painter@{COMMIT}", "generator_hub", f"museum/painter@{COMMIT}"),
        ("ALBUMJUDGE_JUDGE_HUB", f"museum/judge@{COMMIT}", "judge_hub", f"museum/judge@{COMMIT}"),
        ("ALBUMJUDGE_HUB_DEADLINE", " 2.5 ", "hub_deadline", 2.5),
        ("ALBUMJUDGE_DATA_DIR", "/var/exhibit", "data_directory", Path("/var/exhibit")),
        ("ALBUMJUDGE_DATA_DIR", "/var/exhibit", "database_url", "sqlite:////var/exhibit/votes.db"),
        ("ALBUMJUDGE_DATABASE_URL", "sqlite:////var/votes.db", "database_url", "sqlite:////var/votes.db"),
        ("ALBUMJUDGE_CURATOR_PASSWORD", "open sesame", "curator_password", "open sesame"),
        ("ALBUMJUDGE_HUB_DATASET", "museum/votes", "hub_dataset", "museum/votes"),
        ("HF_ENDPOINT", "http://localhost:8090/", "hub_endpoint", "http://localhost:8090"),
        ("ALBUMJUDGE_KIOSK", "1", "kiosk", True),
        ("ALBUMJUDGE_KIOSK_IDLE", "90", "kiosk_idle", 90),
        ("ALBUMJUDGE_HUB_PUSH_MINUTES", "15", "hub_push_minutes", 15),
        (
            "ALBUMJUDGE_FRAME_ANCESTORS",
            "https://a.org http://*.b.org:80",
            "frame_ancestors",
            ("https://a.org", "http://*.b.org:80"),
        ),
        ("ALBUMJUDGE_PROXIES", "1", "proxies", 1),
        ("ALBUMJUDGE_TIME_ZONE", "Europe/Berlin", "time_zone", ZoneInfo("Europe/Berlin")),
        *(
            (
                variable,
                f"{scheme}://u:p%40ss@db:5432/votes?x=y",
                "database_url",
                "postgresql+psycopg://u:p%40ss@db:5432/votes?x=y",
            )
            for scheme in ("postgres", "postgresql", "postgresql+psycopg")
            for variable in ("ALBUMJUDGE_DATABASE_URL", "DATABASE_URL")
        ),
    ],
)
def test_every_variable_is_read(
    variable: str, text: str, setting: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert getattr(Settings.from_environment({variable: text}), setting) == value
    monkeypatch.setenv(variable, text)
    assert getattr(Settings.from_environment(), setting) == value


@pytest.mark.parametrize(
    ("variable", "good", "wrong"),
    [
        ("DATABASE_URL", SECRET, SECRET.replace("postgres", "mysql")),
        ("ALBUMJUDGE_CURATOR_PASSWORD", "my secret words", "secret"),
    ],
)
def test_a_password_is_not_shown(variable: str, good: str, wrong: str) -> None:
    assert "secret" not in repr(Settings.from_environment({variable: good}))
    with pytest.raises(SettingsError, match=variable) as caught:
        Settings.from_environment({variable: wrong})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "values", "says"),
    [
        ("ALBUMJUDGE_HUB_DEADLINE", ("soon", "0", "-1", "nan", "inf"), "Give a number of seconds above zero"),
        ("ALBUMJUDGE_KIOSK_IDLE", ("-1",), "Give a number of seconds above zero"),
        ("ALBUMJUDGE_GENERATOR_HUB", ("museum/painter", "museum/painter@main"), "full 40-digit hash"),
        ("ALBUMJUDGE_JUDGE_HUB", ("judge",), "Write org/name@commit"),
        (
            "ALBUMJUDGE_DATABASE_URL",
            ("votes.db", "postgresql://db:port/votes"),
            "Give sqlite:///path/to/file",
        ),
        (
            "DATABASE_URL",
            ("mysql://db/votes", "postgresql+asyncpg://db/votes"),
            "which votes are not kept in",
        ),
        ("ALBUMJUDGE_FRAME_ANCESTORS", ("everyone",), "Give addresses of sites"),
        ("ALBUMJUDGE_TIME_ZONE", ("Berlin", "../etc/passwd"), "Give a time zone's name"),
        ("HF_ENDPOINT", ("localhost:8090",), "Give a web address"),
        ("ALBUMJUDGE_KIOSK", ("maybe",), "Give 1 for on or 0 for off"),
        ("ALBUMJUDGE_PROXIES", ("two",), "Give a whole number"),
        ("ALBUMJUDGE_CURATOR_PASSWORD", ("sesame",), "is too short to keep anyone out"),
        (
            "ALBUMJUDGE_HUB_DATASET",
            ("votes", "museum/votes/x", "museum/..", "https://huggingface.co/museum/votes"),
            "org/name",
        ),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(
    variable: str, values: tuple[str, ...], says: str
) -> None:
    for value in values:
        with pytest.raises(SettingsError, match=says) as caught:
            Settings.from_environment({variable: value})
        assert str(caught.value).startswith(variable) and str(caught.value).endswith(".")


def test_every_variable_that_the_code_names_is_listed() -> None:
    sources = [
        *(ROOT / "albumjudge").rglob("*.py"),
        *(ROOT / "pages").rglob("*.py"),
        ROOT / "streamlit_app.py",
    ]
    named = {name for path in sources for name in re.findall(r"\bALBUMJUDGE_[A-Z_]+\b", path.read_text())}
    # Where the kind is put into ALBUMJUDGE_..._DIR, only the beginning can be found.
    assert {name for name in named if not name.endswith("_")} == {
        n for n in SETTINGS if n.startswith("ALBUM")
    }
