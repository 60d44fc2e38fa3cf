"""Notices edited files for `--debug`: which of our files are newer than at the last look. Restarts nothing itself."""

from collections.abc import Iterator
from pathlib import Path

from mes.supervisor.instance import ROOT

_FOLDERS = (
    "mes",
    "workorders",
    "traceability",
    "quality",
    "labor",
    "erp_sync",
    "devices",
    "templates",
    "static",
    "locale",
)
_KINDS = {".py", ".html", ".po", ".css", ".js", ".svg", ".csv"}


class Changes:
    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._seen = dict(self._look())

    def _look(self) -> Iterator[tuple[Path, int]]:
        for folder in _FOLDERS:
            for path in (self._root / folder).rglob("*"):
                if path.suffix in _KINDS and "__pycache__" not in path.parts:
                    try:
                        yield path, path.stat().st_mtime_ns
                    except FileNotFoundError:
                        continue

    def since_last_look(self) -> list[Path]:
        """Files made, changed or removed since this was asked before."""
        now = dict(self._look())
        changed = sorted(path for path in now.keys() | self._seen.keys() if now.get(path) != self._seen.get(path))
        self._seen = now
        return changed
