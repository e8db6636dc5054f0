"""The examples of docs/api.md, sent as they stand there: none of them is an error."""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

import httpx
import pytest

from groundswell.schema import ROOT

pytestmark = pytest.mark.integration

_ASKED_TO_END = 2.0


def _examples() -> list[str]:
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [block.replace("\\\n", " ").strip() for block in blocks]


def _request(example: str, base: str) -> httpx.Request:
    """What curl would send."""
    words = shlex.split(example)
    target = next(word for word in words if word.startswith("http://"))
    body = words[words.index("--json") + 1] if "--json" in words else None
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    parts = urlsplit(target)
    return httpx.Request(
        method,
        f"{base}{parts.path}?{parts.query}".rstrip("?"),
        content=body,
        headers={"Content-Type": "application/json"} if body else {},
    )


def test_every_example_is_answered(url: str) -> None:
    """In order, since some of them make what others ask for."""
    examples = _examples()
    answered: list[str] = []
    with httpx.Client(timeout=_ASKED_TO_END) as http:
        http.post(f"{url}/api/v1/scrape?source=pypi").raise_for_status()
        for example in examples:
            response = http.send(_request(example, url), stream=True)
            assert response.status_code in {200, 202}, (example, response.read())
            answered.append(example)
            response.close()

    assert answered == examples
    assert len(examples) > 20
