import pytest

from contracts.vocabulary import RunStatus
from groundswell.stack.collecting import Collected, Outcome, exit_code, summary


def outcome(status: RunStatus, failed: int = 0, error: str | None = None) -> Outcome:
    return Outcome(
        source="npm",
        job="refresh",
        status=status,
        planned=10,
        items=10 - failed,
        failed=failed,
        error=error,
    )


def collected(*outcomes: Outcome) -> Collected:
    return Collected(outcomes=outcomes, artifacts=1_218, observations=60_000, relations=0)


@pytest.mark.parametrize(
    ("code", "statuses"),
    [
        (0, []),
        (0, [RunStatus.SUCCESS, RunStatus.PARTIAL]),
        (1, [RunStatus.SUCCESS, RunStatus.ERROR]),
    ],
)
def test_only_a_run_that_failed_whole_fails_the_command(code: int, statuses: list[RunStatus]):
    assert code == exit_code(collected(*(outcome(status) for status in statuses)))


def test_the_summary_tells_what_came_and_why_the_rest_did_not():
    told = summary(
        collected(
            outcome(RunStatus.SUCCESS),
            outcome(RunStatus.PARTIAL, failed=3, error="429 from api.npmjs.org"),
        )
    )

    assert [
        "npm: success, 10 of 10 read",
        "npm: partial, 7 of 10 read, 3 failed (429 from api.npmjs.org)",
    ] == told[:2]
    assert told[2].startswith("There are 1,218 artifacts now, 60,000 observations")


def test_the_summary_says_so_when_nothing_was_due():
    assert "Nothing was due." == summary(collected())[0]
