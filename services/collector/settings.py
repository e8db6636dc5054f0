"""What the collector can be told; each field is a variable `GROUNDSWELL_COLLECTOR_<FIELD>`."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from services.runtime.settings import SECRET, Runtime

_Url = Annotated[
    str, Meta(pattern="^https?://", description="Base URL of a server that answers like it.")
]
_Tokens = Annotated[tuple[Annotated[str, Meta(pattern="^[!-~]+$")], ...], Meta(extra=SECRET)]
NO_CONTACT: Final = "no contact given"


class CollectorSettings(Runtime, frozen=True, kw_only=True):
    """How to ask upstreams, how fast, and how work is handed out."""

    port: Annotated[int, Meta(description="Port to listen on.", ge=0, le=65_535)] = 8101
    contact: Annotated[
        str,
        Meta(description="Address or URL for upstreams to write to; it goes into the User-Agent."),
    ] = NO_CONTACT

    npm_registry_url: _Url = "https://registry.npmjs.org"
    npm_requests_per_second: Annotated[
        int, Meta(ge=1, description="Packuments asked of npm in a second.")
    ] = 20
    npm_concurrency: Annotated[
        int, Meta(ge=1, description="Packuments asked of npm at the same time.")
    ] = 8
    npm_downloads_url: _Url = "https://api.npmjs.org"
    npm_downloads_interval_seconds: Annotated[
        float, Meta(ge=0, description="Between two questions to npm's counter, which is touchy.")
    ] = 3.0
    pypi_url: _Url = "https://pypi.org"
    pypi_requests_per_second: Annotated[
        int, Meta(ge=1, description="Projects asked of PyPI in a second, one after another.")
    ] = 10
    pypi_top_url: _Url = "https://hugovk.github.io/top-pypi-packages"
    pypistats_url: _Url = "https://pypistats.org"
    pypistats_requests_per_minute: Annotated[
        int, Meta(ge=1, description="pypistats.org allows 30.")
    ] = 30
    github_url: _Url = "https://api.github.com"
    github_raw_url: _Url = "https://raw.githubusercontent.com"
    github_tokens: Annotated[
        _Tokens,
        Meta(description="Tokens of GitHub, separated by commas; they need no permission at all."),
    ] = ()
    github_batch_size: Annotated[
        int, Meta(ge=1, le=100, description="Repositories in one question of GraphQL.")
    ] = 50
    github_history_pages: Annotated[
        int, Meta(ge=1, le=100, description="Pages of 30 weeks of stars that are read back.")
    ] = 40
    huggingface_url: _Url = "https://huggingface.co"
    huggingface_tokens: Annotated[
        _Tokens,
        Meta(description="Tokens of Hugging Face, separated by commas; reading is enough."),
    ] = ()
    huggingface_requests_per_5_minutes: Annotated[
        int, Meta(ge=1, description="500 without a token; 1,000 and more with one.")
    ] = 500
    huggingface_concurrency: Annotated[
        int, Meta(ge=1, description="Questions to Hugging Face at the same time.")
    ] = 4
    skills_sh_url: _Url = "https://skills.sh"
    skills_sh_tokens: Annotated[
        _Tokens,
        Meta(
            description="Tokens of skills.sh; without one it is not asked, as its robots.txt wants."
        ),
    ] = ()
    gitlab_url: _Url = "https://gitlab.com"
    gitlab_requests_per_minute: Annotated[
        int, Meta(ge=1, description="gitlab.com allows 400 projects a minute.")
    ] = 300
    gitlab_tokens: Annotated[
        _Tokens, Meta(description="Personal access tokens with the scope read_api.")
    ] = ()
    bitbucket_url: _Url = "https://api.bitbucket.org"
    bitbucket_tokens: Annotated[
        _Tokens, Meta(description="Access tokens that may read repositories.")
    ] = ()
    bitbucket_requests_per_hour: Annotated[
        int,
        Meta(ge=0, description="0 stands for what is allowed: 60, or 1,000 for each token."),
    ] = 0

    crates_url: _Url = "https://crates.io"
    crates_interval_seconds: Annotated[
        float,
        Meta(ge=0, description="Between two questions to crates.io, which allows one a second."),
    ] = 1.0
    crates_index_url: _Url = "https://index.crates.io"
    crates_index_requests_per_second: Annotated[
        int, Meta(ge=1, description="The index of crates.io has no limit of its own.")
    ] = 20
    maven_url: _Url = "https://repo1.maven.org/maven2"
    maven_requests_per_second: Annotated[
        int, Meta(ge=1, description="Files asked of Maven Central in a second.")
    ] = 5
    maven_search_url: _Url = "https://search.maven.org"
    maven_search_interval_seconds: Annotated[
        float, Meta(ge=0, description="Between two questions to the search of Maven Central.")
    ] = 2.0
    depsdev_url: _Url = "https://api.deps.dev"
    depsdev_requests_per_second: Annotated[
        int, Meta(ge=1, description="Questions to deps.dev in a second; it publishes no limit.")
    ] = 5
    librariesio_url: _Url = "https://libraries.io"
    librariesio_requests_per_minute: Annotated[
        int, Meta(ge=1, description="Libraries.io allows 60 for each key.")
    ] = 60
    librariesio_tokens: Annotated[
        _Tokens, Meta(description="API keys of Libraries.io; without one it is not asked.")
    ] = ()

    connect_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Until an upstream accepts a connection.")
    ] = 5.0
    read_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Until an upstream sends the next part of its answer.")
    ] = 20.0
    total_timeout_seconds: Annotated[float, Meta(gt=0, description="For one try as a whole.")] = (
        60.0
    )
    max_bytes: Annotated[
        int, Meta(ge=1_024, description="Largest answer that is taken, unpacked.")
    ] = 64_000_000

    batch_size: Annotated[
        int, Meta(ge=1, le=128, description="Artifacts in one job; progress is counted in jobs.")
    ] = 25
    batch_timeout_seconds: Annotated[
        float, Meta(gt=0, description="For one job as a whole; what is left is asked later.")
    ] = 600.0
    discover_timeout_seconds: Annotated[
        float, Meta(gt=0, description="For one look around of a source; what was found stays.")
    ] = 1_800.0
    max_leased: Annotated[
        int, Meta(ge=1, description="Watches of a source that are handed out at the same time.")
    ] = 1_000
    lease_seconds: Annotated[
        float, Meta(gt=0, description="How long a watch that was handed out is left alone.")
    ] = 900.0
