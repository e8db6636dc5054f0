"""Where the stack keeps what it writes: one data directory, and the name of every file in it."""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from msgspec import Struct

from groundswell.stack.errors import StackError


class Places(Struct, frozen=True):
    """The data directory and what lies in it."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def meilisearch(self) -> Path:
        return self.root / "meilisearch"


def data_dir(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """
    The data directory: the one given, else `GROUNDSWELL_DATA_DIR`, else the user's own.

    Root's is /var/lib/groundswell, because PostgreSQL runs as another account, to whom the home
    of root is closed.
    """
    named = given or environ.get("GROUNDSWELL_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/groundswell")
    return platformdirs.user_data_path("groundswell", appauthor=False)


def make(root: Path) -> Places:
    """
    Make the folders that are missing.

    They are closed to others; those of root may be walked through, since PostgreSQL has to.

    Raises:
        StackError: there is something else, or it belongs to someone else.
    """
    places = Places(root)
    mode = 0o711 if os.geteuid() == 0 else 0o700
    folders = (
        *((root, mode), (places.logs, 0o700), (places.nats, 0o700), (places.postgres, mode)),
        (places.meilisearch, 0o700),
    )
    try:
        for folder, folder_mode in folders:
            folder.mkdir(parents=True, exist_ok=True, mode=folder_mode)
            os.scandir(folder).close()
    except OSError as error:
        raise StackError(f"{error.filename} cannot be used: {error.strerror}.") from error
    return places


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step; nobody but its owner may ever read it."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - os.open carries the mode
        file.write(content)
    draft.replace(path)
