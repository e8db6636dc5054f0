"""Results are asked for once at a time, and validators are compared as HTTP says."""

import asyncio

import pytest

from services.api.caching import Results, etag, matches


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Counts how often it is asked; answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        await self.open.wait()
        return self.asked


async def test_many_who_ask_at_once_are_answered_by_one_question():
    results, source = Results(5, Clock()), Source()
    waiting = [asyncio.create_task(results.get("total", source)) for _ in range(20)]
    await asyncio.sleep(0)
    source.open.set()

    assert [1] * 20 == await asyncio.gather(*waiting)
    assert 1 == source.asked


async def test_a_result_is_kept_for_its_time_and_no_longer():
    clock, source = Clock(), Source()
    results = Results(5, clock)
    source.open.set()
    answers = []
    for now in (0.0, 4.9, 5.0):
        clock.now = now
        answers.append(await results.get("total", source))

    assert [1, 1, 2] == answers


async def test_who_goes_away_does_not_take_the_answer_from_the_others():
    results, source = Results(5, Clock()), Source()
    impatient, patient = (asyncio.create_task(results.get("total", source)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    source.open.set()

    assert 1 == await patient
    assert impatient.cancelled()


async def test_a_failure_is_told_to_everyone_and_not_kept():
    results, asked = Results(5, Clock()), []

    async def fail() -> None:
        asked.append(1)
        await asyncio.sleep(0)
        raise LookupError

    outcomes = await asyncio.gather(
        *(results.get("total", fail) for _ in range(3)), return_exceptions=True
    )
    with pytest.raises(LookupError):
        await results.get("total", fail)

    assert [LookupError] * 3 == [type(outcome) for outcome in outcomes]
    assert 2 == len(asked)


async def test_without_a_time_to_keep_each_question_is_asked_anew():
    results, source = Results(0, Clock()), Source()
    source.open.set()

    assert [1, 2] == [await results.get("total", source) for _ in range(2)]


async def test_memory_is_bounded_and_the_oldest_goes_first():
    results, source = Results(5, Clock()), Source()
    source.open.set()
    for number in range(1_025):
        await results.get(number, source)

    assert 1_025 == await results.get(1_024, source)
    assert 1_026 == await results.get(0, source)


TAG = etag(b"{}").decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        ("*", True),
        ('"other"', False),
        ("", False),
        (TAG.strip('"'), False),
    ],
)
def test_if_none_match_is_a_list_of_tags_compared_weakly(header: str, expected: bool):
    assert expected == matches(header, TAG)


def test_other_bytes_have_another_tag():
    assert etag(b"a") != etag(b"b")
