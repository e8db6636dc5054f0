from pathlib import Path

import pytest

from groundswell.stack import services
from groundswell.stack.nats import Server
from groundswell.stack.passwords import Passwords
from groundswell.stack.postgres import Cluster

CLUSTER = Cluster(Path("/data"), Path("/programs"), 5000, "superuser's")
SERVER = Server(Path("/nats"), 4000, "nats's")
PASSWORDS = Passwords(collector="collector's", ingest="ingest's", api="api's")


def environ_of(service: str) -> dict[str, str]:
    return services.program(service, 7000, CLUSTER, SERVER, PASSWORDS).environ


def test_a_service_enters_the_database_by_its_own_role():
    url = environ_of("ingest")["GROUNDSWELL_DATABASE_URL"]

    assert "postgresql://groundswell_ingest:ingest's@127.0.0.1:5000/groundswell" == url


@pytest.mark.parametrize("service", services.SERVICES)
def test_a_service_listens_on_this_machine_only(service: str):
    environ = environ_of(service)

    assert "127.0.0.1" == environ[f"GROUNDSWELL_{service.upper()}_HOST"]
    assert "7000" == environ[f"GROUNDSWELL_{service.upper()}_PORT"]


def test_a_service_sees_its_own_settings_and_no_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROUNDSWELL_COLLECTOR_NPM_REGISTRY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GROUNDSWELL_DATA_DIR", "/data")
    monkeypatch.setenv("GROUNDSWELL_LOG_LEVEL", "debug")

    assert "GROUNDSWELL_COLLECTOR_NPM_REGISTRY_URL" in environ_of("collector")
    assert "GROUNDSWELL_COLLECTOR_NPM_REGISTRY_URL" not in environ_of("ingest")
    assert "GROUNDSWELL_DATA_DIR" not in environ_of("collector")
    assert "debug" == environ_of("api")["GROUNDSWELL_LOG_LEVEL"]
