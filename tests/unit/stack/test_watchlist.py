from pathlib import Path

import pytest

from contracts.jobs import Discover
from contracts.streams import SCHEDULES
from contracts.vocabulary import Source
from groundswell.stack import watchlist
from groundswell.stack.errors import StackError
from services.collector.source import Discovers
from services.collector.sources import build
from tests.support.upstreams import settings


def test_the_starter_list_names_a_hundred_packages_of_each_registry():
    purls = watchlist.read(watchlist.STARTER)

    assert len(purls) == len(set(purls))
    for type_ in ("npm", "pypi", "github"):
        assert 100 <= sum(purl.startswith(f"pkg:{type_}/") for purl in purls)


def test_the_starter_list_names_models_and_skills():
    purls = watchlist.read(watchlist.STARTER)

    assert "pkg:huggingface/meta-llama/Llama-3.1-8B" in purls
    assert 60 <= sum(purl.startswith("pkg:huggingface/") for purl in purls)
    assert "pkg:github/vercel-labs/agent-skills#skills/react-best-practices" in purls


def test_a_skill_is_a_folder_in_a_repository(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('[skills]\nskills = ["Acme/Skills#Tidy/Up"]\n')

    assert ["pkg:github/acme/skills#Tidy/Up"] == watchlist.read(path)


def test_names_become_canonical_purls(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('[pypi]\npackages = ["Typing_Extensions"]\n[npm]\npackages = ["@vue/core"]\n')

    assert ["pkg:pypi/typing-extensions", "pkg:npm/%40vue/core"] == watchlist.read(path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[npm", id="no TOML"),
        pytest.param('[nmp]\npackages = ["react"]', id="unknown source"),
        pytest.param('[npm]\nnames = ["react"]', id="misspelt key"),
        pytest.param('[npm]\npackages = "react"', id="no list"),
        pytest.param('[npm]\npackages = ["a/b/c"]', id="no name"),
    ],
)
def test_a_file_that_is_no_watchlist_is_an_error_that_names_it(tmp_path: Path, text: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(StackError, match=r"mine\.toml is not a watchlist"):
        watchlist.read(path)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(StackError, match="nowhere"):
        watchlist.read(tmp_path / "nowhere")


def test_repositories_and_models_have_lists_of_their_own(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[github]\nrepositories = ["Litestar-Org/litestar"]\n'
        '[huggingface]\nmodels = ["openai/whisper-large-v3"]\n'
    )

    assert [
        "pkg:github/litestar-org/litestar",
        "pkg:huggingface/openai/whisper-large-v3",
    ] == watchlist.read(path)


def test_rules_become_daily_schedules_and_are_no_names(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('[discover.github]\ntopics = ["llm"]\nlimit = 50\n[npm]\npackages = ["vue"]\n')

    (schedule,) = [one for one in watchlist.schedules(path) if one.name == "discover-github"]
    assert schedule.job == Discover(source=Source.GITHUB, rules={"topics": ["llm"], "limit": 50})
    assert schedule.every == "0 0 3 * * *"
    assert watchlist.read(path) == ["pkg:npm/vue"]
    assert [one for one in watchlist.schedules(path) if one in SCHEDULES] == list(SCHEDULES)


def test_the_starter_list_has_rules_for_sources_that_can_look_around():
    sources = build(settings())
    jobs = [one.job for one in watchlist.schedules() if isinstance(one.job, Discover)]

    assert jobs
    for job in jobs:
        assert isinstance(sources[job.source], Discovers)
        assert job.rules["limit"] <= 1_000


@pytest.mark.parametrize("text", ["discover = 1", "[discover.nmp]\na = 1", "[discover]\nnpm = 1"])
def test_rules_that_are_none_are_an_error_that_names_the_file(tmp_path: Path, text: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(StackError, match=r"mine\.toml is not a watchlist"):
        watchlist.schedules(path)
