"""Settings from the environment, and what is said when they are wrong."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, field

from services.runtime.settings import Runtime, SettingsError, describe, load, render_reference


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Settings(Runtime, frozen=True, kw_only=True):
    port: int = 8001
    name: str = "x"
    retries: Annotated[int, Meta(ge=1, description="How often.")] = 3
    ratio: float = 0.5
    strict: bool = False
    colour: Colour = Colour.RED
    hosts: tuple[str, ...] = ()
    numbers: list[int] = field(default_factory=list)
    timeout_seconds: timedelta = timedelta(seconds=2)
    token: Annotated[str | None, Meta(extra={"secret": True})] = None

    def __post_init__(self) -> None:
        if self.ratio > self.retries:
            raise ValueError("GROUNDSWELL_API_RATIO is above GROUNDSWELL_API_RETRIES")


NEEDED = {
    "GROUNDSWELL_DATABASE_URL": "postgresql://u:sesame@db/gs",
    "GROUNDSWELL_NATS_URL": "nats://u:sesame@nats",
}


def given(**variables: str) -> Settings:
    return load(Settings, "api", NEEDED | variables)


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        given(**variables)
    return raised.value.problems


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("name", "some text", "some text"),
        ("retries", "5", 5),
        ("ratio", "0.25", 0.25),
        ("ratio", "2", 2.0),
        ("strict", "true", True),
        ("strict", "0", False),
        ("colour", "blue", Colour.BLUE),
        ("hosts", "a, b,", ("a", "b")),
        ("numbers", "1,2", [1, 2]),
        ("timeout_seconds", "1.5", timedelta(seconds=1.5)),
        ("timeout_seconds", "90", timedelta(seconds=90)),
        ("otlp_endpoint", "http://collector:4318", "http://collector:4318"),
        ("environment", "production", "production"),
    ],
)
def test_a_variable_becomes_the_type_of_its_field(field: str, text: str, value: object):
    settings = given(**{f"GROUNDSWELL_API_{field.upper()}": text})

    assert value == getattr(settings, field)


def test_what_is_not_set_has_its_default():
    assert 8001 == given().port
    assert "127.0.0.1" == given().host


def test_the_variable_of_the_service_wins_over_the_shared_one():
    settings = given(GROUNDSWELL_LOG_LEVEL="error", GROUNDSWELL_API_LOG_LEVEL="debug")

    assert "debug" == settings.log_level


def test_an_empty_variable_counts_as_not_set():
    assert given(GROUNDSWELL_OTLP_ENDPOINT="", GROUNDSWELL_API_RETRIES="").otlp_endpoint is None


def test_every_mistake_is_told_at_once():
    assert [
        "GROUNDSWELL_API_COLOUR: 'green' is not one of red, blue",
        "GROUNDSWELL_API_HOTS is not a setting; did you mean GROUNDSWELL_API_HOSTS?",
        "GROUNDSWELL_API_NUMBERS: '1,x' is not a list with commas, each a whole number",
        "GROUNDSWELL_API_PORT: 'http' is not a whole number",
        "GROUNDSWELL_API_RETRIES: '0' is not a whole number of at least 1",
        "GROUNDSWELL_API_STRICT: 'perhaps' is not true or false",
        "GROUNDSWELL_API_TIMEOUT_SECONDS: '1m' is not a number of seconds",
    ] == sorted(
        problems(
            GROUNDSWELL_API_PORT="http",
            GROUNDSWELL_API_RETRIES="0",
            GROUNDSWELL_API_STRICT="perhaps",
            GROUNDSWELL_API_COLOUR="green",
            GROUNDSWELL_API_NUMBERS="1,x",
            GROUNDSWELL_API_TIMEOUT_SECONDS="1m",
            GROUNDSWELL_API_HOTS="a",
        )
    )


def test_what_must_be_given_is_named_when_it_is_not():
    with pytest.raises(SettingsError) as raised:
        load(Runtime, "ingest", {})

    assert [
        "GROUNDSWELL_DATABASE_URL is not set",
        "GROUNDSWELL_NATS_URL is not set",
        "GROUNDSWELL_PORT is not set",
    ] == sorted(raised.value.problems)


def test_settings_that_do_not_go_together_are_a_problem():
    assert ["GROUNDSWELL_API_RATIO is above GROUNDSWELL_API_RETRIES"] == problems(
        GROUNDSWELL_API_RATIO="9"
    )


@pytest.mark.parametrize(
    "variable",
    [
        "GROUNDSWELL_COLLECTOR_CONTACT",
        "GROUNDSWELL_INGEST_BATCH_SIZE",
        "GROUNDSWELL_SEARCH_URL",
        "GROUNDSWELL_DATA_DIR",
        "GROUNDSWELL_URL",
        "GROUNDSWELL_TEST_SERVERS",
        "HOME",
    ],
)
def test_what_belongs_to_others_is_left_alone(variable: str):
    assert "x" == given(**{variable: "anything"}).name


def test_a_secret_is_read_from_its_file(tmp_path: Path):
    secret = tmp_path / "token"
    secret.write_text("sesame\n")

    assert "sesame" == given(GROUNDSWELL_API_TOKEN_FILE=str(secret)).token


def test_a_file_that_is_missing_is_a_problem(tmp_path: Path):
    told = problems(GROUNDSWELL_API_TOKEN_FILE=str(tmp_path / "none"))

    assert [
        f"GROUNDSWELL_API_TOKEN_FILE: {tmp_path}/none cannot be read: No such file or directory"
    ] == told


def test_a_value_and_its_file_are_one_too_many(tmp_path: Path):
    told = problems(GROUNDSWELL_API_TOKEN_FILE="/run/token", GROUNDSWELL_API_TOKEN="x")

    assert [
        "GROUNDSWELL_API_TOKEN and GROUNDSWELL_API_TOKEN_FILE are both set; one is enough"
    ] == told


def test_a_wrong_secret_is_not_repeated():
    class Numbered(Runtime, frozen=True, kw_only=True):
        pin: Annotated[int, Meta(extra={"secret": True})]

    with pytest.raises(SettingsError) as raised:
        load(Numbered, "api", {**NEEDED, "GROUNDSWELL_PORT": "1", "GROUNDSWELL_API_PIN": "sesame"})

    assert ["GROUNDSWELL_API_PIN: its value is not a whole number"] == raised.value.problems


def test_every_field_is_described_with_type_and_default():
    described = {one.variable: one for one in describe(Settings, "api")}

    assert "GROUNDSWELL_LOG_LEVEL" in described
    assert "one of debug, error, info, warning" == described["GROUNDSWELL_LOG_LEVEL"].type
    assert "8001" == described["GROUNDSWELL_API_PORT"].default
    assert "2" == described["GROUNDSWELL_API_TIMEOUT_SECONDS"].default
    assert "How often." == described["GROUNDSWELL_API_RETRIES"].description
    assert "red" == described["GROUNDSWELL_API_COLOUR"].default
    assert "none" == described["GROUNDSWELL_API_TOKEN"].default
    assert not described["GROUNDSWELL_DATABASE_URL"].default


def test_the_reference_has_a_row_for_each_setting_of_each_service():
    text = render_reference({"api": Settings})

    assert "## Every service" in text
    assert "## api" in text
    assert "| `GROUNDSWELL_API_RETRIES` | a whole number of at least 1 | `3` | How often. |" in text
    assert 1 == text.count("`GROUNDSWELL_DATABASE_URL`")
    assert "| `GROUNDSWELL_DATABASE_URL` | text | must be given | " in text
