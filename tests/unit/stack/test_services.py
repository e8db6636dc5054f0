from pathlib import Path

import pytest

from groundswell.stack import services
from groundswell.stack.meilisearch import Server as Index
from groundswell.stack.nats import Server
from groundswell.stack.passwords import Passwords
from groundswell.stack.postgres import Cluster

CLUSTER = Cluster(Path("/data"), Path("/programs"), 5000, "superuser's")
SERVER = Server(Path("/nats"), 4000, "nats's")
PASSWORDS = Passwords(collector="collector's", ingest="ingest's", api="api's", search="search's")


def environ_of(service: str, index: Index | None = None) -> dict[str, str]:
    return services.program(service, 7000, CLUSTER, SERVER, PASSWORDS, index).environ


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


def test_those_that_have_to_do_with_the_index_are_told_where_it_is_and_by_which_key(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("GROUNDSWELL_MEILISEARCH_URL", "http://search:7700")
    monkeypatch.setenv("GROUNDSWELL_MEILISEARCH_KEY_FILE", "/run/secrets/master")
    searching = environ_of("search", Index("http://search:7700", "master"))
    answering = environ_of("api", Index("http://search:7700"))

    assert "http://search:7700" == searching["GROUNDSWELL_SEARCH_MEILISEARCH_URL"]
    assert "master" == searching["GROUNDSWELL_SEARCH_MEILISEARCH_KEY"]
    assert "http://search:7700" == answering["GROUNDSWELL_API_MEILISEARCH_URL"]
    for environ in (answering, environ_of("collector")):
        assert not [name for name in environ if "MEILISEARCH_KEY" in name]
    assert "GROUNDSWELL_MEILISEARCH_URL" not in environ_of("collector")
