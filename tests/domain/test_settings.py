"""Settings: what each variable does, and that none is undocumented."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from albumjudge.domain import settings
from albumjudge.domain.settings import SETTINGS, Settings, SettingsError

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_nothing_set_means_the_bundled_models_and_a_file_for_votes() -> None:
    nothing = Settings.from_environment({})
    assert nothing == Settings()
    assert nothing.generator_directory is None and nothing.judge_hub is None
    assert nothing.hub_deadline == 60 and nothing.hub_endpoint == "https://huggingface.co"
    assert nothing.data_directory == Path("data") and nothing.database_url == "sqlite:///data/votes.db"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_environment(dict.fromkeys(SETTINGS, " ")) == Settings()


def test_every_variable_is_read() -> None:
    given = Settings.from_environment(
        {
            "ALBUMJUDGE_GENERATOR_DIR": "/weights/generator",
            "ALBUMJUDGE_JUDGE_DIR": "/weights/judge",
            "ALBUMJUDGE_GENERATOR_HUB": f"museum/painter@{COMMIT}",
            "ALBUMJUDGE_JUDGE_HUB": f"museum/judge@{COMMIT}",
            "ALBUMJUDGE_HUB_DEADLINE": "2.5",
            "ALBUMJUDGE_DATA_DIR": "/var/exhibit",
            "ALBUMJUDGE_DATABASE_URL": "sqlite:////var/votes.db",
            "ALBUMJUDGE_CURATOR_PASSWORD": "open sesame",
            "ALBUMJUDGE_HUB_DATASET": "museum/votes",
            "HF_ENDPOINT": "http://localhost:8090/",
            "ALBUMJUDGE_KIOSK": "1",
            "ALBUMJUDGE_KIOSK_IDLE": "90",
            "ALBUMJUDGE_HUB_PUSH_MINUTES": "15",
            "ALBUMJUDGE_PROXIES": "1",
            "ALBUMJUDGE_TIME_ZONE": "Europe/Berlin",
        }
    )
    assert given == Settings(
        generator_directory=Path("/weights/generator"),
        judge_directory=Path("/weights/judge"),
        generator_hub=f"museum/painter@{COMMIT}",
        judge_hub=f"museum/judge@{COMMIT}",
        hub_deadline=2.5,
        data_directory=Path("/var/exhibit"),
        database_url="sqlite:////var/votes.db",
        hub_endpoint="http://localhost:8090",
        kiosk=True,
        kiosk_idle=90,
        curator_password="open sesame",
        hub_dataset="museum/votes",
        hub_push_minutes=15,
        proxies=1,
        time_zone=ZoneInfo("Europe/Berlin"),
    )


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBUMJUDGE_HUB_DEADLINE", "7")
    assert Settings.from_environment().hub_deadline == 7


def test_votes_go_into_the_data_folder_unless_told_otherwise() -> None:
    url = Settings.from_environment({"ALBUMJUDGE_DATA_DIR": "/var/exhibit"}).database_url
    assert url == "sqlite:////var/exhibit/votes.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("variable", ["ALBUMJUDGE_DATABASE_URL", "DATABASE_URL"])
def test_postgresql_goes_through_psycopg_however_it_is_spelled(scheme: str, variable: str) -> None:
    given = Settings.from_environment({variable: f"{scheme}://curator:p%40ss@db.example:5432/votes?x=y"})
    assert given.database_url == "postgresql+psycopg://curator:p%40ss@db.example:5432/votes?x=y"


def test_our_own_variable_goes_before_the_one_of_hosting_services() -> None:
    both = {"DATABASE_URL": "postgres://elsewhere/x", "ALBUMJUDGE_DATABASE_URL": "sqlite:///here.db"}
    assert Settings.from_environment(both).database_url == "sqlite:///here.db"


def test_a_password_is_not_shown() -> None:
    given = Settings.from_environment({"DATABASE_URL": "postgres://curator:secret@db/votes"})
    assert "secret" not in repr(given)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"DATABASE_URL": "mysql://curator:secret@db/votes"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALBUMJUDGE_HUB_DEADLINE", "soon", "Give a number of seconds above zero"),
        ("ALBUMJUDGE_HUB_DEADLINE", "0", "Give a number of seconds above zero"),
        ("ALBUMJUDGE_HUB_DEADLINE", "-1", "Give a number of seconds above zero"),
        ("ALBUMJUDGE_HUB_DEADLINE", "nan", "Give a number of seconds above zero"),
        ("ALBUMJUDGE_HUB_DEADLINE", "inf", "Give a number of seconds above zero"),
        ("ALBUMJUDGE_GENERATOR_HUB", "museum/painter", "full 40-digit hash"),
        ("ALBUMJUDGE_GENERATOR_HUB", "museum/painter@main", "full 40-digit hash"),
        ("ALBUMJUDGE_JUDGE_HUB", "judge", "Write org/name@commit"),
        ("ALBUMJUDGE_DATABASE_URL", "votes.db", "Give sqlite:///path/to/file"),
        ("ALBUMJUDGE_DATABASE_URL", "postgresql://db:port/votes", "Give sqlite:///path/to/file"),
        ("DATABASE_URL", "mysql://db/votes", "which votes are not kept in"),
        ("DATABASE_URL", "postgresql+asyncpg://db/votes", "which votes are not kept in"),
        ("ALBUMJUDGE_FRAME_ANCESTORS", "everyone", "Give addresses of sites"),
        ("ALBUMJUDGE_TIME_ZONE", "Berlin", "Give a time zone's name"),
        ("ALBUMJUDGE_TIME_ZONE", "../etc/passwd", "Give a time zone's name"),
        ("HF_ENDPOINT", "localhost:8090", "Give a web address"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(variable: str, value: str, says: str) -> None:
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
    # exhibit.py puts the kind into ALBUMJUDGE_..._DIR, which leaves only the beginning to be found.
    assert {name for name in named if not name.endswith("_")} == {
        n for n in SETTINGS if n.startswith("ALBUM")
    }


@pytest.mark.parametrize("variable", SETTINGS)
def test_every_setting_is_documented(variable: str) -> None:
    row = re.compile(rf"^\| *`{variable}` *\|", re.MULTILINE)
    assert settings.__doc__ is not None and row.search(settings.__doc__)
    assert row.search((ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")), "docs lack it"


@pytest.mark.parametrize(
    ("variable", "text"),
    [("ALBUMJUDGE_KIOSK", "maybe"), ("ALBUMJUDGE_KIOSK_IDLE", "-1"), ("ALBUMJUDGE_PROXIES", "two")],
)
def test_a_kiosk_setting_that_means_nothing_is_a_sentence(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is '{text}'. Give "):
        Settings.from_environment({variable: text})


def test_a_curators_password_is_long_enough_and_not_shown() -> None:
    given = Settings.from_environment({"ALBUMJUDGE_CURATOR_PASSWORD": "open sesame"})
    assert "sesame" not in repr(given)
    with pytest.raises(SettingsError, match="ALBUMJUDGE_CURATOR_PASSWORD is too short") as caught:
        Settings.from_environment({"ALBUMJUDGE_CURATOR_PASSWORD": "sesame"})
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["votes", "museum/votes/x", "museum/..", "https://huggingface.co/museum/votes"]
)
def test_a_data_set_is_named_as_the_hub_does(name: str) -> None:
    with pytest.raises(SettingsError, match=r"ALBUMJUDGE_HUB_DATASET is .*org/name"):
        Settings.from_environment({"ALBUMJUDGE_HUB_DATASET": name})
