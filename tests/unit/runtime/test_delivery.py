"""The breaker and the delays; what really happens to messages is in the integration tests."""

import pytest

from contracts.streams import CONSUMERS, Consumer
from services.runtime import broker, process
from services.runtime.delivery import Breaker, next_delay


def breaker() -> Breaker:
    return Breaker("ingest", max_ratio=0.5, window=1_000, min_count=100)


def test_the_delay_grows_with_every_delivery_and_ends_at_a_minute():
    delays = [next_delay(number) for number in range(1, 20)]

    assert delays == sorted(delays)
    assert 1 == delays[0]
    assert 60 == delays[-1]


def test_a_few_dead_messages_do_not_trip_it():
    one = breaker()
    one.record(99, 99)

    assert not one.tripped


def test_it_trips_when_most_are_dead():
    one = breaker()
    one.record(40, 50)
    one.record(40, 50)

    assert one.tripped


def test_exactly_the_ratio_does_not_trip_it():
    one = breaker()
    one.record(250, 500)

    assert not one.tripped


def test_only_the_last_messages_count():
    one = breaker()
    one.record(0, 1_000_000)
    assert not one.tripped

    one.record(600, 1_000)
    assert one.tripped


def test_once_tripped_it_stays_so():
    one = breaker()
    one.record(100, 100)
    one.record(0, 100_000)

    assert one.tripped


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.durable)
def test_a_stopping_process_is_done_before_its_messages_go_to_others(consumer: Consumer):
    assert process.CONNECTIONS_SECONDS + broker.GRACEFUL_TIMEOUT < consumer.ack_wait
