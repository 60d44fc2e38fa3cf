"""A worker writes its lines as everything else here does: one JSON object each, when that is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.product import ROOT, clean_environment, wait_until

pytestmark = pytest.mark.heavy


def test_a_worker_without_a_broker_says_so_in_json(tmp_path: Path) -> None:
    env = clean_environment() | {
        "MES_SECRET_KEY": "a-secret-that-only-this-test-knows-0123456789",
        "REDIS_URL": "redis://someone:canary-password@127.0.0.1:1/0",
        "MES_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app", "mes", "worker", "--queues", "default", "--concurrency", "1"],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_until(lambda: '"level": "ERROR"' in log.read_text(), 60), log.read_text()
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert any("Cannot connect to redis" in line["event"] for line in lines)
    assert "canary-password" not in "".join(json.dumps(line) for line in lines)
