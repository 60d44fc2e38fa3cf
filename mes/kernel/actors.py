"""Who acts: a person, a service, a machine or the system itself. Rights are decided in `mes.accounts.policies`."""

from dataclasses import dataclass

PERSON, SERVICE, MACHINE, SYSTEM = "person", "service", "machine", "system"


@dataclass(frozen=True)
class Actor:
    """The one an act is charged to. `also_role` is the role of the token that carried a person's badge."""

    kind: str
    id: int
    name: str
    role: str
    site_id: int
    terminal_id: int | None = None
    also_role: str = ""

    @property
    def source(self) -> str:
        """The key under which this actor's runs are told apart: `person:7`, `service:2`, `machine:3`."""
        return f"{self.kind}:{self.id}"

    @property
    def person_id(self) -> int | None:
        """The person labor is written for; services and machines have none."""
        return self.id if self.kind == PERSON else None

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "id": self.id, "name": self.name}


def system(site_id: int, name: str = "system") -> Actor:
    """The actor of sweeps, syncs and other work that no person asked for."""
    return Actor(kind=SYSTEM, id=0, name=name, role="system", site_id=site_id)
