import pytest

from services.ingest.records import UnexpectedShape
from tests.support.readings import reading
from tests.support.understood import one

PURL = "pkg:npm/left-padding"


@pytest.mark.parametrize("name", ["git@github.com:", "a@b", ""])
def test_a_name_that_makes_another_purl_is_no_name(name: str):
    with pytest.raises(UnexpectedShape):
        one(reading("npm.listing.v1", PURL, {"rows": [{"name": name}]}))
