"""A site with a connection to a folder, and short ways to lay files into it, let the engine work, and look."""

import csv
import hashlib
import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erp_sync import inbound, outbound
from erp_sync.actions.connections import connect_erp
from erp_sync.actions.storing import make_due
from erp_sync.models import ErpConnection, InboundRecord
from mes.kernel import delivery
from tests.builders import Doer, Plant, plant
from workorders.models import WorkOrder

#: A small pump plant, as tables.
MASTER = {
    "units.csv": "code,name,decimals,base,numerator,denominator\nkg,Kilogram,6,,,\ng,Gram,6,kg,1,1000\npc,Piece,0,,,\n",
    "items.csv": (
        "code,name,unit,tracking,active\nFG,Pump,pc,LOT,yes\nSEAL,Seal kit,pc,NONE,yes\nRESIN,Resin,kg,LOT,yes\n"
    ),
    "work_centers.csv": "code,name\nCELL,Cell\nTEST,Test bench\n",
    "boms.csv": "item,version,component,quantity_per,unit,operation\nFG,A,SEAL,2,pc,10\nFG,A,RESIN,250,g,10\n",
    "routings.csv": (
        "item,version,sequence,work_center,name,setup_minutes,run_minutes_per_unit\n"
        "FG,A,10,CELL,Assemble,5,1.5\nFG,A,20,TEST,Pressure test,0,0.5\n"
    ),
    "lots.csv": "item,number,quantity,unit,location,expiry,supplier_lot\nRESIN,R-1,9.5,kg,STORE,2027-03-31,S-4711\n",
}


@dataclass
class Exchange:
    plant: Plant
    connection: ErpConnection
    path: Path

    def lay(self, name: str, content: str | bytes, *, done: bool | str = True) -> Path:
        """Put a file into `in`, with its .done beside it (empty, or with the checksum DONE)."""
        path = self.path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if done is not False:
            path.with_name(name + ".done").write_text("" if done is True else done)
        return path

    def lay_master_data(self) -> None:
        for name, text in MASTER.items():
            self.lay(name, text)

    def pull(self) -> None:
        make_due(self.connection)
        inbound.run_due()

    def work(self) -> None:
        delivery.drain()
        outbound.drain()

    def names(self, folder: str) -> list[str]:
        path = self.path / folder
        return sorted(each.name for each in path.iterdir() if each.is_file()) if path.exists() else []

    def reason(self, name: str) -> str:
        return (self.path / "rejected" / f"{name}.reason.txt").read_text()

    def answer(self, name: str) -> list[tuple[str, str, str]]:
        """Line, outcome and reason of every record of an archived file."""
        text = (self.path / "archive" / f"{name}.result.csv").read_text()
        return [(row["line"], row["outcome"], row["reason"]) for row in csv.DictReader(io.StringIO(text))]

    def parked(self) -> dict[str, str]:
        rows = InboundRecord.objects.filter(connection=self.connection, state="PARKED")
        return {f"{row.entity} {row.key}": row.reason for row in rows}

    def order(self, number: str) -> WorkOrder:
        return WorkOrder.objects.get(site=self.plant.site, number=number)

    @property
    def doer(self) -> Doer:
        return Doer(self.plant.person())


def exchange(path: Path, **settings: Any) -> Exchange:
    site = plant()
    connection = connect_erp(
        actor=site.system,
        name=f"Folder {site.prefix}",
        adapter="file",
        settings={"path": str(path), "settle_seconds": "0", **settings},
        sealed="",
        command_id=uuid.uuid4(),
    )
    return Exchange(site, connection, path)


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def later(path: Path, seconds: int = 60) -> None:
    """As if the file had been written that much later."""
    moment = path.stat().st_mtime + seconds
    os.utime(path, (moment, moment))
