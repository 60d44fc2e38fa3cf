"""Compiles translations without the gettext programs, which a fresh machine lacks. Knows formats, no language."""

import ast
import re
import struct
import sys
from pathlib import Path

_MAGIC = 0x950412DE
_CONTEXT = "\x04"
_KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d+)\])?)?\s*(".*")\s*$')


class BadMessages(Exception):
    """A line of a translation file cannot be read; the message names file and line."""


def compile_all(source: Path, target: Path) -> int:
    """Compile every `LANGUAGE/LC_MESSAGES/*.po` below `source` into `target`; those already newer are left. Returns
    how many were compiled. Raises BadMessages."""
    done = 0
    for po in sorted(source.glob("*/LC_MESSAGES/*.po")):
        mo = target / po.relative_to(source).with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        mo.parent.mkdir(parents=True, exist_ok=True)
        half = mo.with_suffix(".new")
        half.write_bytes(compiled(read(po)))
        half.replace(mo)
        done += 1
    return done


def read(po: Path) -> dict[str, str]:
    """Translations by key as the compiled file wants them: context, id, plural joined; no fuzzy and no empty ones."""
    found: dict[str, str] = {}
    entry: dict[str, str] = {}
    fuzzy, part = False, ""
    for number, raw in enumerate([*po.read_text(encoding="utf-8").splitlines(), ""], 1):
        line = raw.strip()
        if not line or (line.startswith("#") and "msgstr" in entry):
            _keep(entry, fuzzy, found)
            entry, fuzzy, part = {}, False, ""
        if line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        if not line:
            continue
        match = _KEYWORD.match(line)
        if match is None or (match[1] is None and not part):
            raise BadMessages(f"{po}:{number}: this line is neither a keyword with a text nor a text: {line[:60]}")
        if match[1] in {"msgctxt", "msgid"} and any(key.startswith("msgstr") for key in entry):
            _keep(entry, fuzzy, found)
            entry, fuzzy = {}, False
        part = match[1] or part
        entry[part] = entry.get(part, "") + str(ast.literal_eval(match[3]))
    return found


def _keep(entry: dict[str, str], fuzzy: bool, found: dict[str, str]) -> None:
    if "msgid" not in entry or (fuzzy and entry["msgid"]):
        return
    key = entry["msgid"]
    if "msgid_plural" in entry:
        key += "\0" + entry["msgid_plural"]
        forms = sorted((name for name in entry if name.startswith("msgstr[")), key=lambda name: int(name[7:-1]))
        texts = [entry[name] for name in forms]
    else:
        texts = [entry.get("msgstr", "")]
    if "msgctxt" in entry:
        key = entry["msgctxt"] + _CONTEXT + key
    if all(texts):
        found[key] = "\0".join(texts)


def compiled(messages: dict[str, str]) -> bytes:
    """The GNU `.mo` format: a header, two tables of lengths and offsets, the texts. Keys are sorted by their bytes."""
    pairs = sorted((key.encode(), text.encode()) for key, text in messages.items())
    count = len(pairs)
    keys_at, texts_at = 28, 28 + 8 * count
    offset = 28 + 16 * count
    tables: list[bytes] = []
    body: list[bytes] = []
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), offset))
            body.append(pair[column] + b"\0")
            offset += len(pair[column]) + 1
    return struct.pack("<7I", _MAGIC, 0, count, keys_at, texts_at, 0, 28 + 16 * count) + b"".join(tables + body)


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]), Path(sys.argv[2]))
