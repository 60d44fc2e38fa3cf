"""A plant restored from a backup beside a real Tryton that knows more: it is asked first, nothing is booked twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from erp_sync.actions.postings import retry_message
from erp_sync.models import ErpConnection
from mes.kernel.backup import taking
from mes.kernel.invariants import violations
from tests.builders import command_id
from tests.erp.fault_proxy import FaultProxy
from tests.erp.journey import Journey, assert_in_the_erp_once, journey
from tests.erp.peer.server import PeerServer
from tests.operation.places import Place, empty_place

pytestmark = [pytest.mark.scratch_db, pytest.mark.erp_peer]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Place]:
    with empty_place(tmp_path / "target") as place:
        yield place


def outcomes(way: Journey, order: object) -> list[str]:
    return [each.outcome for each in way.message(order).history.order_by("pk")]  # type: ignore[arg-type]


def test_what_tryton_was_told_after_the_backup_is_asked_for_and_not_told_again(
    peer: PeerServer, proxy: FaultProxy, tmp_path: Path, target: Place
) -> None:
    way = journey(proxy.url)
    owed_there, done_there, open_there = (peer.api.make_order(10) for _ in range(3))
    way.pull()
    owed, done, open_ = (way.order(each) for each in (owed_there, done_there, open_there))
    way.make(owed)  # finished, but its event is still owed when the backup is taken
    taking.take(tmp_path / "backup")
    way.tell_until_it_is_told(owed)
    way.make(done)  # finished and told after the backup: the restored plant knows nothing of it
    way.tell_until_it_is_told(done)
    assert connection.settings_dict["NAME"] != target.name

    restored = target.command("restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stderr
    assert "1 event still becomes a message, and is asked about as well." in restored.stdout
    with target.used():
        for order in (owed, done, open_):
            order.refresh_from_db()
        way.connection = ErpConnection.objects.get(pk=way.connection.pk)
        assert [order.state for order in (owed, done, open_)] == ["DONE", "RELEASED", "RELEASED"]
        way.make(done)  # entered again from paper
        proxy.methods.clear()
        way.tell_until_it_is_told(owed)
        assert outcomes(way, owed) == ["ALREADY_POSTED"]
        way.tell_until_it_is_told(done)
        assert outcomes(way, done) == ["NeedsDecision"], "other minutes than the first time: a person must look"
        assert proxy.writes() == [], "Tryton was asked and not told"
        assert_in_the_erp_once(owed_there, owed)
        assert "Accept to leave them as they are there" in way.message(done).reason
        erp = way.plant.person("erp")
        retry_message(actor=erp, message_id=way.message(done).pk, accept=True, command_id=command_id())
        assert way.tell_until_it_is_told(done).state == "POSTED"
        assert proxy.writes() == [], "nor was anything booked again after that word"
        assert done_there.good() == {("FG-100", done.number): 8.0}
        assert len(done_there.api.lots(done.number)) == 1

        way.make(open_)  # asked as well, and told because Tryton knows nothing of it
        way.tell_until_it_is_told(open_)
        assert proxy.writes() != []
        assert outcomes(way, open_) == ["POSTED"]
        assert_in_the_erp_once(open_there, open_)
        assert violations() == []
