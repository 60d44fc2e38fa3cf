"""The ERP's side of the tests: a real Tryton per worker, a fault proxy before it, an adapter through the proxy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from erp_sync.adapters import registry
from erp_sync.adapters.tryton import TrytonAdapter
from tests.erp.engine import Works, works
from tests.erp.fault_proxy import FaultProxy
from tests.erp.peer.api import DATABASE
from tests.erp.peer.server import MES, PeerServer
from tests.erp.scripted import ScriptedAdapter
from tests.erp.telling import Erp

Connect = Callable[..., TrytonAdapter]


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerServer]:
    """One Tryton for all tests of the worker; each makes its own orders and lots in it."""
    server = PeerServer(tmp_path_factory.mktemp("tryton"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(peer: PeerServer) -> Iterator[FaultProxy]:
    with FaultProxy(peer.url) as between:
        yield between


@pytest.fixture
def connect(proxy: FaultProxy) -> Iterator[Connect]:
    """Adapters through the fault proxy, closed at the end of the test."""
    made: list[TrytonAdapter] = []

    def build(**changes: Any) -> TrytonAdapter:
        settings = {"url": proxy.url, "database": DATABASE, "user": MES[0], "password": MES[1], **changes}
        made.append(TrytonAdapter(settings))
        return made[-1]

    yield build
    proxy.disarm()
    for adapter in made:
        adapter.close()


@pytest.fixture
def adapter(connect: Connect) -> TrytonAdapter:
    return connect()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ScriptedAdapter]]:
    monkeypatch.setitem(registry.BUILT_IN, "scripted", "tests.erp.scripted:ScriptedAdapter")
    ScriptedAdapter.reset()
    yield ScriptedAdapter
    ScriptedAdapter.reset()


@pytest.fixture
def site(scripted: type[ScriptedAdapter], db: None) -> Works:
    return works()


@pytest.fixture
def erp(request: pytest.FixtureRequest) -> object:
    """The other side: a real Tryton's own API for tests marked `erp_peer`, the scripted ERP for the others."""
    if request.node.get_closest_marker("erp_peer"):
        return request.getfixturevalue("peer").api
    request.getfixturevalue("site")
    return Erp(request.getfixturevalue("scripted"))
