"""The database and the broker of an instance: embedded ones unless DATABASE_URL or REDIS_URL name others."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from mes.embedded import Postgres, ProgramMissing, Valkey, roles
from mes.embedded.upgrade import NotUpgraded, Upgrade, go_on, place_of
from mes.supervisor.instance import Instance, Refusal

POSTGRES_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}


class Servers:
    """Knows the addresses whether or not the servers run; the supervisor and `manage` start them.

    `is_ours` is the word of whoever holds the instance: only then an interrupted upgrade is brought to its end.
    """

    def __init__(self, instance: Instance, *, is_ours: bool = False) -> None:
        self.instance = instance
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        try:
            if not os.environ.get("DATABASE_URL"):
                if is_ours:
                    go_on(place_of(instance.folder))
                self.postgres = Postgres(instance.folder, settings=POSTGRES_SETTINGS)
            if not os.environ.get("REDIS_URL"):
                self.valkey = Valkey(instance.folder)
        except (ProgramMissing, ValueError) as error:
            raise Refusal(str(error)) from error

    def upgrade(self, log: Path, say: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Bring an older major's data to the newest. What cannot be upgraded goes on as it is, and says why.

        Only for whoever holds the instance. Raises Interrupted.
        """
        if self.postgres is None:
            return
        upgrade = Upgrade(self.instance.folder, log, settings=POSTGRES_SETTINGS, stopped=stopped)
        if not upgrade.is_due():
            return
        try:
            upgrade.run(say)
        except NotUpgraded as error:
            say(f"{error} Until then it runs on PostgreSQL {upgrade.old.programs.major}.")
        self.postgres = Postgres(self.instance.folder, settings=POSTGRES_SETTINGS)

    def addresses(self) -> dict[str, str]:
        """DATABASE_URL for the app role, DATABASE_OWNER_URL for what changes the schema, REDIS_URL."""
        found = {}
        if self.postgres is not None:
            found["DATABASE_URL"] = self.postgres.url(roles.DATABASE, roles.APP)
            found["DATABASE_OWNER_URL"] = self.postgres.url(roles.DATABASE, roles.OWNER)
        if self.valkey is not None:
            found["REDIS_URL"] = self.valkey.url()
        return found

    def ensure_database(self) -> None:
        """Roles and database of the embedded cluster; on other clusters their owners have made them."""
        if self.postgres is not None:
            roles.ensure_database(self.postgres.url())

    def tidy(self) -> None:
        """To be called once both have ended."""
        for server in (self.postgres, self.valkey):
            if server is not None:
                server.tidy()

    def spawners(self) -> "dict[str, tuple[Callable[[Path], subprocess.Popen[bytes]], Callable[[], bool]]]":
        """By name: how to start each embedded server with its log, and how to see that it answers."""
        found: dict[str, tuple[Callable[[Path], subprocess.Popen[bytes]], Callable[[], bool]]] = {}
        if self.postgres is not None:
            found["postgres"] = (self.postgres.spawn, self.postgres.ready)
        if self.valkey is not None:
            found["valkey"] = (self.valkey.spawn, self.valkey.ready)
        return found
