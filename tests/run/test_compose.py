"""The compose file without Docker: its commands are run as they stand, against servers of our own."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mes.embedded import Postgres, Valkey, roles
from mes.supervisor.processes import POOLS, WORKERS, processes
from tests.run.product import ROOT, clean_environment, free_port, wait_until

pytestmark = pytest.mark.heavy
OURS = ("prepare", "web", "events", "worker", "worker-erp", "worker-devices", "collector", "beat", "keeper")
GIVEN = {
    "MES_APP_PASSWORD": "app",
    "MES_OWNER_PASSWORD": "owner",
    "POSTGRES_PASSWORD": "super",
    "MES_SECRET_KEY": "a-secret-that-only-this-test-knows-0123456789",
    "MES_FIELD_KEY": "dGVzdHMtb25seS1maWVsZC1rZXktMzItYnl0ZXMhISE=",
    "MES_HOST": "mes.example",
    "MES_BACKUP_PASSPHRASE": "a passphrase that only this test knows",
}


def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    filled = re.sub(r"\$\{(\w+):\?\}", lambda match: GIVEN[match[1]], text)
    assert "${" not in filled, "a variable is not demanded with :?"
    found: dict[str, Any] = yaml.safe_load(filled)
    return found


SERVICES = compose()["services"]


class Servers:
    """Stand in for the services `postgres` and `valkey`, and translate what the file says to where they are."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = Postgres(home)
        self.valkey = Valkey(home)
        self.database = self.postgres.start(home / "postgres.log")
        self.broker = self.valkey.spawn(home / "valkey.log")
        assert wait_until(self.valkey.ready, 10)
        roles.ensure_database(self.postgres.url())
        self.ports = {"8000": str(free_port()), "8001": str(free_port())}

    def environment(self, service: str) -> dict[str, str]:
        env = {name: str(value) for name, value in SERVICES[service]["environment"].items()}
        for name, role in (("DATABASE_URL", roles.APP), ("DATABASE_OWNER_URL", roles.OWNER)):
            if name in env:
                assert env[name].startswith(f"postgresql://{role}:")
                env[name] = self.postgres.url(roles.DATABASE, role)
        for name in ("MES_BACKUP_DIR", "MES_ANCHOR_DIR"):
            if name in env:
                env[name] = env[name].replace("/var/lib/mes", str(self.home))
        env["REDIS_URL"] = self.valkey.url()
        image = {
            "MES_DATA": str(self.home),
            "MES_STATIC_ROOT": str(self.home / "static"),
            "HOSTNAME": socket.gethostname(),
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return clean_environment() | image | env | {"PATH": path}

    def here(self, words: list[str]) -> list[str]:
        text = "\0".join(words).replace("0.0.0.0", "127.0.0.1").replace("/tmp/beat", str(self.home / "beat"))
        for port, ours in self.ports.items():
            text = text.replace(port, ours)
        return text.split("\0")

    def command(self, service: str) -> list[str]:
        return self.here([str(word) for word in SERVICES[service]["command"]])

    def health(self, service: str) -> list[str]:
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            words = ["sh", "-c", words[0].replace("$$", "$")]
        return self.here(words)

    def stop(self) -> None:
        self.broker.terminate()
        self.broker.wait()
        self.postgres.stop(self.database)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="mes-compose-") as folder:
        found = Servers(Path(folder))
        yield found
        found.stop()


def run(servers: Servers, service: str, words: list[str]) -> "subprocess.CompletedProcess[str]":
    env = servers.environment(service)
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_preparing_the_database_makes_the_tables_as_owner_and_may_be_repeated(servers: Servers) -> None:
    for _time in range(2):
        done = run(servers, "prepare", servers.command("prepare"))
        assert done.returncode == 0, done.stderr
    looked = run(servers, "web", [sys.executable, "manage.py", "migrate", "--check"])
    assert looked.returncode == 0, looked.stderr


# The workers that fork differ in names and queues alone, which another test compares.
@pytest.mark.parametrize("service", ["web", "events", "worker", "collector", "beat", "keeper"])
def test_each_service_runs_is_found_healthy_and_stops_when_told(servers: Servers, service: str) -> None:
    assert run(servers, service, servers.health(service)).returncode != 0, "healthy before it was started"
    log = servers.home / f"{service}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            servers.command(service), cwd=ROOT, env=servers.environment(service), stdout=out, stderr=out
        )
    try:
        assert wait_until(lambda: run(servers, service, servers.health(service)).returncode == 0, 40), log.read_text()
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        try:
            stopped = process.wait(20)
        finally:
            process.kill()
    assert stopped in {0, -15}, log.read_text()


def test_the_keeper_backs_up_and_preparation_restores_from_the_same_volume(servers: Servers) -> None:
    assert run(servers, "prepare", servers.command("prepare")).returncode == 0
    once = run(servers, "keeper", [*servers.command("keeper"), "--once"])
    assert once.returncode == 0, once.stderr
    assert once.stdout.startswith("Done: ")
    (taken,) = (servers.home / "backups").glob("mes-*")
    assert (taken / "field-key.sealed").exists(), "the passphrase of .env seals the key"
    assert list((servers.home / "anchors").glob("anchors-*.jsonl"))
    words = [*SERVICES["prepare"]["command"][:2], "restore", str(taken)]
    full = run(servers, "prepare", words)
    assert full.returncode == 1
    assert "is not empty" in full.stderr
    roles.ensure_database(servers.postgres.url(), "restored")
    env = servers.environment("prepare")
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        env[name] = env[name].replace(f"/{roles.DATABASE}?", "/restored?")
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    mounted = {volume.split(":")[0]: volume.split(":")[1] for volume in SERVICES["keeper"]["volumes"]}
    assert mounted == {"backups": "/var/lib/mes/backups", "anchors": "/var/lib/mes/anchors"}
    assert {volume.split(":")[0] for volume in SERVICES["prepare"]["volumes"]} == set(mounted)
    assert mounted["backups"] in (ROOT / "Dockerfile").read_text(), "the image owns the folder, and so the new volume"


def test_the_file_and_the_one_command_run_start_the_same_things() -> None:
    workers = {name: service for name, service in SERVICES.items() if name.startswith("worker") or name == "collector"}
    said = {}
    for name, service in workers.items():
        words = service["command"]
        assert words[words.index("--hostname") + 1] == f"{name}@%h"
        assert f"--destination {name}@" in service["healthcheck"]["test"][1]
        said[name] = (words[words.index("--queues") + 1], int(words[words.index("--concurrency") + 1]))
        pool = tuple(words[words.index("--pool") : words.index("--pool") + 2]) if "--pool" in words else ()
        assert pool == POOLS.get(name, ())
    assert said == WORKERS
    names = {process.name for process in processes(False, [3, 4], Path("/x"))} - {"simulation", "machines"}
    assert {"web", "events", "beat", "keeper", *workers} == {name.replace("stream", "events") for name in names}


def test_every_service_restarts_is_watched_and_our_own_are_locked_down() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["logging"]["options"]["max-size"], name
        if name == "prepare":
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
    for name in OURS:
        service = SERVICES[name]
        assert "cap_add" not in service, name
        assert ("DATABASE_OWNER_URL" in service["environment"]) == (name == "prepare"), "only preparation is the owner"
        assert "ports" not in service, "only the proxy is reached from outside"


def test_mounted_files_and_copied_requirements_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).is_file(), source
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["COPY"] and not words[1].startswith("--"):
            assert all((ROOT / word).exists() for word in words[1:-1]), line
