"""`manage.py backup DIR`: a verified backup of the running plant into a new or empty folder."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes import env
from mes.kernel import chores
from mes.kernel.backup import taking


def passphrase(file: Path | None) -> str:
    """The text of the file, or MES_BACKUP_PASSPHRASE. Raises CommandError."""
    if file is None:
        return env.text("MES_BACKUP_PASSPHRASE")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise CommandError(f"The passphrase cannot be read from {file}.") from error


class Command(BaseCommand):
    help = "Takes a verified backup while the plant works. The key of stored credentials stays out, or is sealed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
        parser.add_argument("--passphrase-file", type=Path, help="adds the key of stored credentials, sealed by it")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"].resolve()
        try:
            manifest = taking.take(folder, passphrase=passphrase(options["passphrase_file"]))
        except taking.NotTaken as error:
            raise CommandError(str(error)) from error
        plants = ", ".join(manifest.plant_names()) or "no plant yet"
        size = sum(each["bytes"] for each in manifest.files.values())
        said = f"Backup of {plants} in {folder}: {sum(manifest.tables.values())} rows, {size / 1e6:.1f} MB, read back."
        chores.note("backup", good=True, says=said)
        self.stdout.write(said)
        if manifest.key_mark and not manifest.has_sealed_key:
            self.stdout.write(
                "The key of stored credentials (MES_FIELD_KEY) is not in it: keep it elsewhere, or back up with "
                "--passphrase-file."
            )
