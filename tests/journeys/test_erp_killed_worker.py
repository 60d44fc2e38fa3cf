"""A worker is killed between the ERP's commit and our record of it: a real process, a real Tryton, one completion."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from erp_sync import outbound
from erp_sync.models import ErpConnection
from mes.kernel import delivery
from tests.erp.fault_proxy import Fault, FaultProxy
from tests.erp.journey import Journey, assert_in_the_erp_once, journey
from tests.erp.peer.server import PeerServer

pytestmark = [pytest.mark.erp_peer, pytest.mark.heavy]

ROOT = Path(__file__).parents[2]
WORKER = "import django; django.setup(); from erp_sync import outbound; outbound.drain()"
LEASE = 12


@pytest.fixture
def way(committed_db: None, proxy: FaultProxy) -> Iterator[Journey]:
    made = journey(proxy.url)
    yield made
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_erpconnection SET state = 'PAUSED' WHERE id = %s", [made.connection.pk])


def start_worker(database_url: str) -> subprocess.Popen[bytes]:
    """What the erp worker does, as a process of its own."""
    environment = {**os.environ, "DATABASE_URL": database_url, "MES_ERP_LEASE_SECONDS": str(LEASE)}
    return subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=environment)


@pytest.mark.parametrize("step", ["model.production.run", "model.production.do"])
def test_a_worker_killed_after_the_erp_committed_leaves_one_completion(
    peer: PeerServer,
    way: Journey,
    proxy: FaultProxy,
    _committed_url: str,  # noqa: PT019 - its value is needed
    step: str,
) -> None:
    peer_order = peer.api.make_order(10)
    way.pull()
    order = way.order(peer_order)
    way.make(order)
    delivery.drain()
    proxy.arm(Fault.DELAY_AFTER, step, seconds=60)

    worker = start_worker(_committed_url)
    try:
        assert proxy.struck.wait(60), "the worker never got that far"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    message = way.message(order)
    assert (message.state, message.attempts) == ("PENDING", 1)
    assert message.lease_token is not None
    assert outbound.drain() == 0, "the lease still runs, and nobody may take the message over before"

    until = time.monotonic() + LEASE + 30
    while way.message(order).state == "PENDING" and time.monotonic() < until:
        outbound.drain()
        time.sleep(0.3)
    message = way.message(order)
    expected = "ALREADY_POSTED" if step.endswith(".do") else "POSTED"
    assert (message.state, message.attempts) == ("POSTED", 2)
    assert [attempt.outcome for attempt in message.history.all()] == [expected]
    assert_in_the_erp_once(peer_order, order)
    assert way.state(order) == "CLOSED"
    assert ErpConnection.objects.get(pk=way.connection.pk).state == "ACTIVE"
