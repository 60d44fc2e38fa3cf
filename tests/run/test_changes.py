"""What `--debug` notices."""

import os
from pathlib import Path

from mes.supervisor.changes import Changes


def test_made_changed_and_removed_files_of_our_kinds_are_noticed_once(tmp_path: Path) -> None:
    (tmp_path / "mes" / "__pycache__").mkdir(parents=True)
    kept, gone = tmp_path / "mes" / "kept.py", tmp_path / "mes" / "gone.html"
    kept.write_text("1")
    gone.write_text("1")
    changes = Changes(tmp_path)
    assert changes.since_last_look() == []
    os.utime(kept, (1, 1))
    gone.unlink()
    made = tmp_path / "mes" / "made.css"
    made.write_text("1")
    (tmp_path / "mes" / "notes.txt").write_text("1")
    (tmp_path / "mes" / "__pycache__" / "kept.py").write_text("1")
    assert changes.since_last_look() == sorted([gone, kept, made])
    assert changes.since_last_look() == []
