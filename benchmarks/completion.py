"""What a completion costs over HTTP: scan → committed → next instruction, at 1 and 8 clients, against the floors.

    .venv/bin/python -m benchmarks.completion

Floor and product run interleaved on one durable PostgreSQL of this run's own. `floor_durable` is the bare SQL with
receipt, chained events and deliveries, called as one database function; `floor_func` is the barer one without them.
Each completion reports five good pieces made of three consumed lots into a new lot and answers with the operation.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

from benchmarks.load import Slice, cpu_seconds, median, post_all
from mes.embedded import Postgres, roles

HERE = Path(__file__).parent
ROOT = HERE.parent
LOTS = 3


def pgbench(postgres: Postgres, script: str, clients: int, seconds: int, postmaster: int, log: Path) -> Slice:
    """One slice of a floor script, with the latency of each transaction."""
    for old in log.parent.glob("floor.*"):
        old.unlink()
    program = str(postgres.programs.bin / "pgbench")
    command = [program, "-n", "-M", "extended", "-c", str(clients), "-j", "1", "-T", str(seconds), "-l"]
    command += ["--log-prefix", str(log), "-f", str(HERE / "floor" / script), "-h", str(postgres.sockets)]
    before, own = cpu_seconds(postmaster), os.times()
    done = subprocess.run(
        [*command, "-U", "postgres", "floor"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    after, now = cpu_seconds(postmaster), os.times()
    count = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
    rate = float(re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)[1])
    client = now.children_user + now.children_system - own.children_user - own.children_system
    latencies = [
        int(line.split()[2]) / 1000 for path in log.parent.glob("floor.*") for line in path.read_text().splitlines()
    ]
    return Slice(count, count / rate, latencies, (after - before + client) * 1000 / count)


def prepare_floor(postgres: Postgres) -> None:
    psql = [str(postgres.programs.bin / "psql"), "-q", "-h", str(postgres.sockets), "-U", "postgres"]
    subprocess.run([*psql, "-d", "postgres", "-c", "CREATE DATABASE floor"], check=True)
    for script in ("01_schema.sql", "02_durable.sql"):
        settings = ["-v", "orders=10000", "-v", "ops=8", "-v", "lots=200000"]
        subprocess.run(
            [*psql, "-d", "floor", *settings, "-f", str(HERE / "floor" / script)], check=True, stdout=subprocess.DEVNULL
        )


def prepare_product(count: int) -> tuple[str, list[int]]:
    """COUNT running operations, each with three lots consumed, and a token. Returns the token and the operations."""
    import django

    django.setup()
    from mes.accounts.tokens import create_token
    from tests.builders import Doer, plant

    works = plant("BENCH")
    rows = []
    for place in range(LOTS):
        works.item(f"RM{place}")
        works.lot(f"RM{place}", f"L{place}", count * 10)
        rows.append({"item": f"RM{place}", "quantity_per": "1"})
    hand = Doer(works.person())
    operations = []
    for _ in range(count):
        operation = works.operation(works.order(quantity=5, materials=rows))
        hand.start(operation)
        for place in range(LOTS):
            hand.consume(operation, f"L{place}", 5)
        operations.append(operation.pk)
    random.Random(1).shuffle(operations)
    return create_token(role="supervisor", name="benchmark", site_id=works.site.pk), operations


def statements_of_one(operation_id: int) -> int:
    """Statements between BEGIN and COMMIT of one completion through the API's own view."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from mes.execution.output import complete_operation
    from mes.kernel.actors import SERVICE, Actor
    from workorders.models import Operation

    operation = Operation.objects.select_related("order").get(pk=operation_id)
    actor = Actor(SERVICE, 1, "benchmark", "supervisor", operation.order.site_id)
    with CaptureQueriesContext(connection) as captured:
        complete_operation(actor=actor, operation_id=operation_id, good=5, command_id=uuid.uuid4())
    sql = [query["sql"] for query in captured.captured_queries]
    return sum(not text.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for text in sql)


def serve(port: int) -> "subprocess.Popen[bytes]":
    """The pages and the API as production serves them."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:mes.supervisor.gunicorn_settings"]
    process = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}", "mes.wsgi:application"], cwd=ROOT)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1)
            return process
        except OSError:
            time.sleep(0.1)
    process.terminate()
    raise RuntimeError("The web server did not start.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--port", type=int, default=8499)
    chosen = options.parse_args()
    counts = {1: 20, 8: 64}
    with tempfile.TemporaryDirectory(prefix="mes-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = Postgres(home, settings={"shared_buffers": "512MB", "jit": "off"})
        database = postgres.start(home / "postgres.log")
        web = None
        try:
            roles.ensure_database(postgres.url(), "mes")
            environment = {
                "DJANGO_SETTINGS_MODULE": "mes.settings",
                "MES_SECRET_KEY": uuid.uuid4().hex * 2,
                "MES_DATA": str(home),
                "MES_LOG_LEVEL": "ERROR",
                "REDIS_URL": "memory://",
            }
            os.environ.update(environment, DATABASE_URL=postgres.url("mes", roles.OWNER))
            roles.grant_to_app(postgres.url("mes", roles.OWNER))
            for command in (["migrate", "--verbosity", "0"], ["collectstatic", "--noinput", "--verbosity", "0"]):
                subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
            os.environ["DATABASE_URL"] = postgres.url("mes", roles.APP)
            prepare_floor(postgres)
            warm = sum(counts.values())
            token, operations = prepare_product(chosen.rounds * sum(counts.values()) + warm + 1)
            statements = statements_of_one(operations.pop())
            web = serve(chosen.port)
            measure(postgres, database.pid, web.pid, chosen, counts, token, operations, statements, home / "floor")
        finally:
            if web is not None:
                web.terminate()
                web.wait(20)
            postgres.stop(database)


def measure(postgres, postmaster, web, chosen, counts, token, operations, statements, log) -> None:
    def product(clients: int) -> Slice:
        taken = [operations.pop() for _ in range(counts[clients])]
        requests = [
            (
                f"/api/v1/operations/{operation}/complete",
                {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())},
                {"good": "5"},
            )
            for operation in taken
        ]
        before = cpu_seconds(postmaster) + cpu_seconds(web)
        latencies, seconds = post_all(("127.0.0.1", chosen.port), requests, clients)
        cpu = cpu_seconds(postmaster) + cpu_seconds(web) - before
        return Slice(len(taken), seconds, latencies, cpu * 1000 / len(taken))

    for clients in counts:
        product(clients)
    results: dict[tuple[str, int], list[Slice]] = {}
    for _ in range(chosen.rounds):
        for clients in counts:
            for name, script in (("floor_func", "txn_func.pgb"), ("floor_durable", "txn_durable.pgb")):
                found = pgbench(postgres, script, clients, 2, postmaster, log)
                results.setdefault((name, clients), []).append(found)
            results.setdefault(("product", clients), []).append(product(clients))
    report = {"benchmark": "completion", "statements": statements, "load": os.getloadavg()[0], "clients": {}}
    for clients in counts:
        rows = {}
        for name in ("floor_func", "floor_durable", "product"):
            slices = results[name, clients]
            rows[name] = {
                "cpu_ms": round(median([one.cpu_ms for one in slices]), 2),
                "p50_ms": round(median([one.percentile(0.5) for one in slices]), 2),
                "p99_ms": round(median([one.percentile(0.99) for one in slices]), 2),
                "per_second": round(median([one.per_second for one in slices]), 1),
            }
        costs = [one.cpu_ms for one in results["floor_durable", clients]]
        rows["floor_is_steady"] = max(costs) <= 2 * min(costs)
        for figure in ("cpu_ms", "p50_ms", "p99_ms"):
            rows[f"{figure}_x_durable"] = round(rows["product"][figure] / rows["floor_durable"][figure], 2)
        rows["throughput_share"] = round(rows["product"]["per_second"] / rows["floor_durable"]["per_second"], 3)
        report["clients"][clients] = rows
    print(json.dumps(report))


if __name__ == "__main__":
    main()
