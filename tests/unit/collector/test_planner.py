from datetime import timedelta

from contracts.jobs import Plan, Refresh
from contracts.vocabulary import Source
from services.collector.planner import Limits, cut, event, leases
from tests.support.upstreams import NOW

LIMITS = Limits(batch_size=25, max_leased=1_000, lease_seconds=900)


def test_batches_are_cut_in_order_and_the_last_one_is_shorter():
    assert cut(["a", "b", "c", "d", "e"], 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert cut([], 2) == []


def test_a_lease_is_longer_for_those_that_wait_for_others():
    assert leases(3, LIMITS, NOW) == [NOW + timedelta(seconds=900 + 3 * n) for n in range(3)]


def test_plans_of_one_minute_are_one_message():
    again = event(Plan(), NOW + timedelta(seconds=30))
    later = event(Plan(), NOW + timedelta(minutes=1))

    assert event(Plan(), NOW).id == again.id
    assert again.id != later.id


def test_each_batch_of_a_run_is_a_message_of_its_own():
    jobs = [
        Refresh(source=Source.NPM, run_id=run, batch=batch, purls=[])
        for run, batch in ((1, 0), (1, 1), (11, 0))
    ]

    assert len({event(job, NOW).id for job in jobs}) == 3
