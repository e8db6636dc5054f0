"""Events to publish, and messages as a consumer gets them."""

from datetime import UTC, datetime

from nats.aio.msg import Msg
from nats.js import JetStreamContext

from contracts import subjects
from contracts.envelope import Event
from contracts.readings.gone import Gone
from contracts.streams import Consumer

TYPE = "npm.gone.v1"
SUBJECT = subjects.reading(TYPE)


def event(number: int = 1, type_: str = TYPE) -> Event:
    """The `number`th of many readings that differ."""
    return Event(
        id=f"event-{number}",
        type=type_,
        source="collector",
        subject=f"pkg:npm/package-{number}",
        time=datetime(2026, 1, 2, tzinfo=UTC),
        data=Gone(status=404, url=f"https://registry.npmjs.org/package-{number}"),
    )


def events(count: int) -> list[tuple[str, Event]]:
    """`(subject, event)`, as `publish_all` takes them."""
    return [(SUBJECT, event(number)) for number in range(count)]


async def fetch(
    js: JetStreamContext, consumer: Consumer, count: int = 1, seconds: float = 5.0
) -> list[Msg]:
    """
    The next messages of a durable.

    Raises:
        TimeoutError: there was none.
    """
    subscription = await js.pull_subscribe_bind(durable=consumer.durable, stream=consumer.stream)
    messages: list[Msg] = []
    try:
        while len(messages) < count:
            messages += await subscription.fetch(count - len(messages), timeout=seconds)
    finally:
        await subscription.unsubscribe()
    return messages
