import socket
from pathlib import Path

from groundswell.stack import ports


def test_a_port_stays_what_it_was(tmp_path: Path):
    path = tmp_path / "ports.json"

    chosen = ports.remembered(path, ["postgres", "nats"])

    assert chosen == ports.remembered(path, ["postgres", "nats"])
    assert chosen["postgres"] != chosen["nats"]


def test_a_port_that_someone_took_is_chosen_again(tmp_path: Path):
    path = tmp_path / "ports.json"
    chosen = ports.remembered(path, ["postgres", "nats"])
    with socket.socket() as someone:
        someone.bind(("127.0.0.1", chosen["nats"]))
        someone.listen()

        again = ports.remembered(path, ["postgres", "nats"])

    assert chosen["postgres"] == again["postgres"]
    assert chosen["nats"] != again["nats"]
    assert again == ports.remembered(path, ["postgres", "nats"])


def test_a_port_on_which_someone_listens_is_not_free():
    with socket.socket() as someone:
        someone.bind(("127.0.0.1", 0))
        someone.listen()

        assert not ports.is_free(someone.getsockname()[1])
