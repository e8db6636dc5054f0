"""Messages of pulls are read from the wire, however it cuts them."""

from typing import Any

import pytest

from services.runtime.connection import Connection, Pull

HEADERS = b"NATS/1.0\r\nce-id: 7\r\nce-type: a.b.v1\r\n\r\n"
PULLED = "readings.v1.a.b"


class Taken(Pull):
    """A pull that says what it was given."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, bytes, bytes]] = []

    def receive(self, subject: str, reply: str, data: bytes, headers: bytes) -> None:
        self.found.append((subject, reply, data, headers))


@pytest.fixture
def connection() -> Connection:
    """A pull has the subscription 3, and nobody else any."""
    made = Connection()
    made.pulls[3] = Taken()
    return made


def message(payload: bytes, reply: str = "$JS.ACK.1", sid: int = 3) -> bytes:
    size = len(HEADERS) + len(payload)
    line = f"HMSG {PULLED} {sid} {reply} {len(HEADERS)} {size}\r\n".replace("  ", " ")
    return line.encode() + HEADERS + payload + b"\r\n"


async def taken(connection: Connection, *pieces: bytes) -> list[Any]:
    for piece in pieces:
        await connection._ps.parse(piece)
    pull: Any = connection.pulls[3]
    assert bytearray() == connection._ps.buf
    return list(pull.found)


PAYLOADS = [b"{}", b"", b"HMSG x 3 y 1 2\r\n", "é\r\n\r\n".encode()]
WIRE = b"".join(map(message, PAYLOADS))
EXPECTED = [(PULLED, "$JS.ACK.1", payload, HEADERS) for payload in PAYLOADS]


async def test_many_messages_in_one_piece_are_taken_in_order(connection: Connection):
    assert EXPECTED == await taken(connection, WIRE)
    assert len(PAYLOADS) == connection.stats["in_msgs"]
    assert sum(map(len, PAYLOADS)) == connection.stats["in_bytes"]


@pytest.mark.parametrize("cut", range(1, len(WIRE)))
async def test_the_wire_may_cut_them_anywhere(connection: Connection, cut: int):
    assert EXPECTED == await taken(connection, WIRE[:cut], WIRE[cut:])


async def test_they_may_come_byte_by_byte(connection: Connection):
    assert EXPECTED == await taken(connection, *(WIRE[n : n + 1] for n in range(len(WIRE))))


async def test_what_is_between_them_is_left_to_the_client(connection: Connection):
    status = b"NATS/1.0 404 No Messages\r\n\r\n"
    said = b"HMSG _INBOX.x.1 3 %d %d\r\n%b\r\n" % (len(status), len(status), status)
    plain = b"MSG other 9 2\r\n{}\r\n"

    found = await taken(connection, WIRE + b"+OK\r\n" + said + plain + message(b"", sid=8) + WIRE)

    assert [*EXPECTED, ("_INBOX.x.1", "", b"", status), *EXPECTED] == found
