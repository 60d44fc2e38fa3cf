"""What a backup says about itself: where it comes from, what it holds, and the checksum of every file. Files only."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
MANIFEST, ANCHORS, DATABASE, SEALED_KEY = "manifest.json", "anchors.jsonl", "database", "field-key.sealed"
_CHUNK = 1 << 20


class BadBackup(Exception):
    """The folder holds no whole backup; the message says what is wrong with it and what to do."""


@dataclass
class Manifest:
    """`tables` are the rows of each table in the moment of the dump; `files` the size and sha256 of every file."""

    made_at: str
    product: str
    plants: list[dict[str, str]]
    server_major: int
    program: str
    migrations: dict[str, list[str]]
    tables: dict[str, int]
    last_event: int
    chains: int
    key_mark: str
    has_sealed_key: bool
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    def plant_names(self) -> list[str]:
        return [plant["code"] for plant in self.plants]

    def is_of(self, plant: str) -> bool:
        """Whether PLANT is the code or the name of a plant in this backup."""
        return any(plant in (each["code"], each["name"]) for each in self.plants)


def measured(path: Path) -> dict[str, Any]:
    """Size and sha256 of a file, read back from the disk."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def files_of(folder: Path) -> list[str]:
    """Every file of a backup but its manifest, as paths below the folder."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(name for name in found if name not in (MANIFEST, f"{MANIFEST}.new"))


def write(folder: Path, manifest: Manifest) -> None:
    """The last file of a backup; a folder without it is an interrupted one. Everything is on the disk before it."""
    for name in manifest.files:
        _to_disk(folder / name)
    body = asdict(manifest)
    body["seal"] = _seal(body)
    new = folder / f"{MANIFEST}.new"
    new.touch(mode=0o600)
    new.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _to_disk(new)
    new.replace(folder / MANIFEST)
    _to_disk(folder)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seal(body: dict[str, Any]) -> str:
    plain = {name: value for name, value in body.items() if name != "seal"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest alone; the files are not looked at. Raises BadBackup."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BadBackup(f"{folder} is no folder: name the folder that `backup` wrote.")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadBackup(
            f"{folder} holds no finished backup: it has no {MANIFEST}. A backup that was interrupted is worth nothing; "
            "take another one."
        ) from error
    except (OSError, ValueError) as error:
        raise BadBackup(f"{path} cannot be read; this backup is damaged. Take another one.") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise BadBackup(f"{path} is of a format that this version does not know: restore it with a newer version.")
    if body.pop("seal", "") != _seal(body):
        raise BadBackup(f"{path} was altered after it was written. Take another backup.")
    return Manifest(**body)


def verify_files(folder: Path, manifest: Manifest) -> int:
    """Read every file again and compare it with the manifest. Returns the bytes read. Raises BadBackup."""
    there = files_of(folder)
    missing = sorted(set(manifest.files) - set(there))
    if missing:
        raise BadBackup(f"{folder} is damaged: {missing[0]} is missing. Take another backup.")
    strange = sorted(set(there) - set(manifest.files))
    if strange:
        raise BadBackup(
            f"{folder} holds {strange[0]}, which is no part of this backup. Take it away, or another backup."
        )
    total = 0
    for name, wanted in manifest.files.items():
        try:
            found = measured(folder / name)
        except OSError as error:
            raise BadBackup(f"{folder / name} cannot be read ({error.strerror}). Take another backup.") from error
        if found["bytes"] < wanted["bytes"]:
            raise BadBackup(
                f"{folder} is damaged: {name} has {found['bytes']} of {wanted['bytes']} bytes. Take another backup."
            )
        if found != wanted:
            raise BadBackup(f"{folder} is damaged: {name} is not what was written. Take another backup.")
        total += found["bytes"]
    return total


def backups_in(folder: Path) -> list[tuple[Path, Manifest]]:
    """The finished backups below FOLDER, oldest first; what is none is passed over."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            found.append((path, read(path)))
        except BadBackup:
            continue
    return sorted(found, key=lambda each: each[1].made_at)
