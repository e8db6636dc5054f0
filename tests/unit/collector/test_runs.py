from collections import Counter

from contracts.vocabulary import RunStatus
from services.collector.runs import ended_as, merged

UNREACHABLE = "downloads: api.npmjs.org cannot be reached: Name or service not known"


def test_reasons_of_batches_add_up():
    first = merged(None, Counter({UNREACHABLE: 25}))
    second = merged(first, Counter({UNREACHABLE: 24, "packument: timed out": 1}))

    assert first == f"{UNREACHABLE} (25 artifacts)"
    assert second == f"{UNREACHABLE} (49 artifacts); packument: timed out (1 artifact)"


def test_nothing_wrong_is_no_reason():
    assert merged(None, Counter()) is None


def test_a_run_tells_five_reasons_and_counts_the_others():
    error = merged(None, Counter({f"reason {n}": 10 - n for n in range(8)}))
    error = merged(error, Counter({"reason 7": 100}))

    assert error is not None
    assert error.startswith("reason 7 (100 artifacts); reason 0 (10 artifacts)")
    # 5, 4 and 3 were left out the first time, and 6 had to make room the second time.
    assert error.endswith("; other reasons (18 artifacts)")
    assert error.count(";") == 5


def test_a_reason_stays_one_line_of_bounded_length():
    error = merged(None, Counter({"a;b\nc" + "x" * 500: 1}))

    assert error == "a,b c" + "x" * 195 + " (1 artifact)"


def test_a_run_ends_by_what_could_be_read():
    assert ended_as(0, None) is RunStatus.SUCCESS
    assert ended_as(5, None) is RunStatus.SUCCESS
    assert ended_as(5, "x (1 artifact)") is RunStatus.PARTIAL
    assert ended_as(0, "x (1 artifact)") is RunStatus.ERROR
