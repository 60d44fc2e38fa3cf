"""Hands completions over as files: one file per message, named by its order and key, looked for before it is written.

Our own copy in `archive/out` is what we go by; the file in `out` belongs to the ERP, which may move or delete it.
"""

import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from erp_sync.adapters.errors import Ambiguous, ErpError, Rejected, Unreachable
from erp_sync.adapters.file.b2mml import performance
from erp_sync.adapters.file.documents import NotTaken
from erp_sync.adapters.file.folders import ARCHIVE, OUT, Folder, bring_to_disk, explained, write_through
from erp_sync.facts import Fact
from erp_sync.messages import Issue, OrderTotals, Receipt, ReceiptStatus, Severity


def name_of(fact: Fact) -> str:
    """The same message always has the same name."""
    return f"{_beginning(fact.order_key)}{fact.key}.xml"


def _beginning(order_key: str) -> str:
    word = quote(order_key, safe=" ").replace("_", "%5F")
    if len(word) > 80:
        word = f"{word[:40]}-{hashlib.sha256(order_key.encode()).hexdigest()[:16]}"
    return f"performance_{word}_"


def _places(folder: Folder, name: str) -> tuple[Path, Path, Path]:
    """Ours first, then where the ERP finds it, then where it may put it."""
    return folder / ARCHIVE / OUT / name, folder / OUT / name, folder / OUT / ARCHIVE / name


def issues_of(folder: Folder, fact: Fact) -> list[Issue]:
    try:
        folder.ready()
        performance.render(fact)
    except ErpError as failure:
        return [Issue(Severity.ERROR, getattr(failure, "code", type(failure).__name__), failure.text)]
    return []


def hand_over(folder: Folder, fact: Fact) -> Receipt:
    """Lay the file down where the ERP finds it, unless it lies there or lay there. Raises the adapter's errors."""
    try:
        folder.ready()
        content = performance.render(fact)
        with folder.alone():
            known = _known(folder, fact, content)
            if known is not None:
                return known
    except ErpError as failure:
        failure.nothing_written = True
        raise
    with folder.alone():
        return _known(folder, fact, content) or _lay_out(folder, fact, content)


def _lay_out(folder: Folder, fact: Fact, content: bytes) -> Receipt:
    """Both copies are on the disk before either has its name: a full disk leaves nothing behind that anybody sees."""
    ours, theirs, _moved = _places(folder, name_of(fact))
    begun = [path.with_name(path.name + ".tmp") for path in (theirs, ours)]
    try:
        with explained(folder.path):
            for path in begun:
                write_through(path, content)
            begun[0].rename(theirs)
    except ErpError as failure:
        failure.nothing_written = True
        for path in begun:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    try:
        bring_to_disk(theirs.parent)
        begun[1].rename(ours)
        bring_to_disk(ours.parent)
        written = ours.read_bytes()
    except OSError as error:
        raise Ambiguous(f"The file {theirs} may not have reached the disk: {error.strerror}.") from error
    if written != content:
        raise Ambiguous(f"The file {ours} does not hold what was written into it; is the disk sound?")
    return _receipt(fact, ReceiptStatus.POSTED)


def find(folder: Folder, fact: Fact) -> Receipt | None:
    with explained(folder.path):
        if not folder.path.is_dir():
            raise Unreachable(f"The folder {folder.path} is not there; is the share mounted?")
    return _known(folder, fact, performance.render(fact))


def _known(folder: Folder, fact: Fact, content: bytes) -> Receipt | None:
    """The receipt of a file that lies in one of the places. Raises `Rejected` when it says something else."""
    name = name_of(fact)
    for path in _places(folder, name):
        with explained(folder.path), suppress(FileNotFoundError, NotADirectoryError):
            if path.read_bytes() != content:
                raise Rejected("key_reused", f"The file {path} is there already with another content.")
            return _receipt(fact, ReceiptStatus.ALREADY_POSTED)
    return None


def _receipt(fact: Fact, status: ReceiptStatus) -> Receipt:
    return Receipt(status, fact.key, fact.order, datetime.now(UTC), fact.digest)


def totals(folder: Folder, order_keys: list[str]) -> list[OrderTotals]:
    """What our copies tell of these orders; of an order that was told several times, what was told last."""
    found = []
    for key in order_keys:
        with explained(folder.path):
            start = _beginning(key)
            copies = [entry for entry in _entries(folder / ARCHIVE / OUT) if entry.name.startswith(start)]
            copies = [entry for entry in copies if entry.name.endswith(".xml")]
            if not copies:
                continue
            last = max(copies, key=lambda entry: entry.stat().st_mtime_ns)
            try:
                told = performance.totals_of(Path(last.path).read_bytes())
            except NotTaken as refusal:
                raise Ambiguous(f"Our copy {last.path} cannot be read back. {refusal}") from refusal
        found.append(OrderTotals(key, told.state, told.good, told.scrap, told.unit, told.consumed, told.time))
    return found


def _entries(path: Path) -> "list[os.DirEntry[str]]":
    with suppress(FileNotFoundError):
        return list(os.scandir(path))
    return []
