import pytest

from services.collector import waits

NOW = 1_794_000_000.0  # Sat, 07 Nov 2026 00:00:00 GMT is 1794009600
CASES: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "120"}, 120.0),
    ({"retry-after": " 1.5 "}, 1.5),
    ({"retry-after": "Sat, 07 Nov 2026 00:00:00 GMT"}, 9_600.0),
    ({"retry-after": "Fri, 06 Nov 2020 00:00:00 GMT"}, 0.0),
    ({"retry-after": "soon", "x-ratelimit-reset": "30"}, 30.0),
    ({"retry-after": "5", "x-ratelimit-reset": "30"}, 5.0),
    # GitHub and GitLab: a moment in seconds.
    ({"x-ratelimit-reset": "1794000060"}, 60.0),
    ({"ratelimit-reset": "1794000060"}, 60.0),
    ({"x-ratelimit-reset": "1793999999"}, 0.0),
    # A moment in milliseconds.
    ({"x-rate-limit-reset": "1794000060000"}, 60.0),
    # Libraries.io, skills.sh and the older IETF drafts: seconds left.
    ({"x-ratelimit-reset": "42"}, 42.0),
    ({"ratelimit-reset": "42"}, 42.0),
    # Hugging Face and the later drafts.
    ({"ratelimit": '"api";r=0;t=171'}, 171.0),
    ({"ratelimit": "limit=60, remaining=0, reset=17"}, 17.0),
    ({"ratelimit": '"api";r=0;t=30, "pages";r=5;t=200'}, 30.0),
    ({"ratelimit": '"api";r=3;t=30'}, 30.0),
    ({"ratelimit-policy": '"fixed window";"api";q=500;w=300'}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), CASES)
def test_every_spelling_of_a_wait_is_read(headers: dict[str, str], seconds: float | None):
    assert waits.stated(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-remaining": "0"}, True),
        ({"ratelimit-remaining": "0"}, True),
        ({"ratelimit": '"api";r=0;t=171'}, True),
        ({"ratelimit": "limit=60, remaining=0, reset=17"}, True),
        ({"x-ratelimit-remaining": "10"}, False),
        ({"ratelimit": '"api";r=10;t=100'}, False),
        ({}, False),
    ],
)
def test_an_empty_window_is_noticed(headers: dict[str, str], expected: bool):
    assert waits.exhausted(headers) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-remaining": "42"}, 42.0),
        ({"ratelimit": '"api";r=10;t=100, "pages";r=3;t=100'}, 3.0),
        ({"ratelimit-remaining": "many"}, None),
        ({}, None),
    ],
)
def test_what_is_left_of_a_window_is_read(headers: dict[str, str], expected: float | None):
    assert waits.remaining(headers) == expected


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "1794003000"}, None),
        ({"x-ratelimit-remaining": "4000", "retry-after": "90"}, 90.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1794003000"}, 3_000.0),
        ({"x-ratelimit-reset": "30"}, 30.0),
    ],
)
def test_a_reset_is_no_wait_while_requests_are_left(headers: dict[str, str], seconds: float | None):
    assert waits.limited(headers, NOW) == seconds


@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset"])
def test_a_wait_without_end_is_a_year(header: str):
    assert waits.stated({header: "9" * 500}, NOW) == 366 * 86_400
