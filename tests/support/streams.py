"""What streams hold."""

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

_AT_ONCE = 1_000


async def stored(js: JetStreamContext, stream: str) -> list[Msg]:
    """Every message of a stream, in order."""
    left = (await js.stream_info(stream)).state.messages
    made = await js.add_consumer(stream, ConsumerConfig(ack_policy=AckPolicy.NONE))
    reading = await js.pull_subscribe_bind(durable=made.name, stream=stream)
    found: list[Msg] = []
    while len(found) < left:
        found += await reading.fetch(min(_AT_ONCE, left - len(found)))
    await reading.unsubscribe()
    await js.delete_consumer(stream, made.name)
    return found
