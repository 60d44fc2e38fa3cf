"""Connections: made by command, credentials kept so that nobody reads them, refusals in sentences."""

import logging
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database

from erp_sync import credentials
from erp_sync.actions.connections import connect_erp, replace_credentials
from erp_sync.adapters import registry
from erp_sync.models import ErpConnection, SyncJob
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from tests.builders import command_id
from tests.erp.engine import Works, works
from tests.erp.peer.server import MES, PeerServer

pytestmark = pytest.mark.django_db
SECRET = "s3cret-password"


def test_secrets_lie_encrypted_and_appear_nowhere(site: Works, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = ErpConnection.objects.get(pk=site.connection.pk)
    assert connection.all_settings()["password"] == SECRET
    assert SECRET.encode() not in bytes(connection.sealed)
    assert SECRET not in f"{connection!r} {connection} {connection.__dict__}"
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{SECRET}%"])
            assert cursor.fetchone() == (0,), table
    assert SECRET not in caplog.text


def test_keys_are_changed_by_putting_the_new_one_first(site: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    old, new = os.environ["MES_FIELD_KEY"], Fernet.generate_key().decode()
    sealed = bytes(ErpConnection.objects.get(pk=site.connection.pk).sealed)
    monkeypatch.setenv("MES_FIELD_KEY", f"{new},{old}")
    fresh = credentials.reseal(sealed)
    monkeypatch.setenv("MES_FIELD_KEY", new)
    assert credentials.unseal(fresh) == {"password": SECRET}
    with pytest.raises(credentials.Unreadable, match="another key"):
        credentials.unseal(sealed)
    monkeypatch.setenv("MES_FIELD_KEY", "")
    with pytest.raises(credentials.Unreadable, match="MES_FIELD_KEY is missing"):
        credentials.seal({})


def test_without_its_key_a_connection_stops_and_new_credentials_let_it_go_on(
    site: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = site.erp_order()
    site.finish(order)
    monkeypatch.setenv("MES_FIELD_KEY", Fernet.generate_key().decode())
    site.work()
    site.connection.refresh_from_db()
    assert site.connection.state == "STOPPED"
    assert "another key" in site.connection.state_reason

    sealed = credentials.seal({"password": "new"}).decode()
    replace_credentials(
        actor=site.plant.person("erp"), connection_id=site.connection.pk, sealed=sealed, command_id=command_id()
    )
    site.tell()
    assert site.state(order) == "CLOSED"
    assert violations() == []


@pytest.mark.parametrize(
    ("adapter", "settings", "why"),
    [
        ("trytn", {}, "There is no ERP adapter called 'trytn'. Installed are: file, recording, scripted, tryton."),
        ("tryton", {}, "The setting url is missing."),
        (
            "tryton",
            {"url": "https://e", "password": "x"},
            "The setting password is secret and must be given as such.",
        ),
        ("recording", {}, "The setting path is missing."),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_sentence(
    site: Works, adapter: str, settings: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused) as refusal:
        connect_erp(
            actor=site.plant.person("erp"),
            name="New",
            adapter=adapter,
            settings=settings,
            sealed=credentials.seal({"password": "x"}).decode(),
            command_id=command_id(),
        )
    assert refusal.value.facts["why"] == why


def test_only_who_may_manage_connections_makes_one(site: Works) -> None:
    for role in ("operator", "supervisor", "quality", "auditor", "planner"):
        with pytest.raises(Refused, match="forbidden"):
            connect_erp(
                actor=site.plant.person(role),
                name="New",
                adapter="recording",
                settings={"path": "x"},
                sealed="",
                command_id=command_id(),
            )


def test_a_recording_connection_hears_of_every_finished_order(tmp_path: Path) -> None:
    site = works("recording", path=str(tmp_path / "ledger.jsonl"), password="")
    assert not SyncJob.objects.filter(connection=site.connection).exists()
    order = site.plant.order()
    site.finish(order, good=9, scrap=1)
    site.work()
    assert site.message(order).state == "POSTED"
    assert site.state(order) == "CLOSED"
    assert order.number in (tmp_path / "ledger.jsonl").read_text()


def test_an_adapter_of_another_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from tests.erp.scripted import ScriptedAdapter

    points = [
        EntryPoint("foreign", "tests.erp.scripted:ScriptedAdapter", registry.GROUP),
        EntryPoint("broken", "tests.erp.engine:Works", registry.GROUP),
        EntryPoint("tryton", "tests.erp.scripted:ScriptedAdapter", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [point for point in points if point.group == group])
    assert registry.adapter_class("foreign") is ScriptedAdapter
    assert registry.adapter_class("tryton").label == "Tryton 8", "a built-in name cannot be taken over"
    with pytest.raises(registry.UnknownAdapter, match="not a subclass"):
        registry.adapter_class("broken")


# -- commands ----------------------------------------------------------------------------------------------------------


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=out)
    return out.getvalue()


@pytest.mark.erp_peer
def test_the_command_connects_a_real_erp_and_sync_now_fetches_from_it(
    peer: PeerServer, site: Works, tmp_path: Path
) -> None:
    peer_order = peer.api.make_order(10)
    password = tmp_path / "password"
    password.write_text(MES[1] + "\n")
    where = ["--url", peer.url, "--database", "erp", "--user", MES[0], "--site", site.plant.site.code]
    said = run("connect_erp", "North", *where, "--password-file", password, "--prefix", "N-")
    assert "Connection North was made." in said
    assert "Tryton 8.2, Acme Works." in said

    said = run("sync_now", "--connection", "North")
    assert "North: ACTIVE, 0 messages waiting, 0 need a person" in said
    assert site.plant.site.orders.get(number=f"N-{peer_order.number}").state == "RELEASED"


def test_the_command_says_what_is_missing(site: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MES_ERP_PASSWORD", raising=False)
    code = site.plant.site.code
    for arguments, sentence in [
        (["--adapter", "sap"], "There is no ERP adapter called 'sap'"),
        (["--site", code], "The secret password is missing"),
        (["--site", "NOWHERE", "--password-file", tmp_path / "no"], "cannot be read"),
        (["--set", "novalue"], "NAME=VALUE"),
    ]:
        with pytest.raises(CommandError, match=sentence):
            run("connect_erp", "X", *arguments)
    monkeypatch.setenv("MES_ERP_PASSWORD", "x")
    with pytest.raises(CommandError, match="There is no site NOWHERE"):
        run("connect_erp", "X", "--site", "NOWHERE")
    with pytest.raises(CommandError, match="no such connection"):
        run("sync_now", "--connection", "nobody")


def test_an_erp_that_does_not_answer_is_connected_all_the_same(site: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_ERP_PASSWORD", "x")
    where = ["--url", "http://127.0.0.1:1", "--database", "erp", "--user", "mes", "--site", site.plant.site.code]
    said = run("connect_erp", "Later", *where)
    assert "It does not answer yet: The ERP cannot be reached at http://127.0.0.1:1." in said
    assert ErpConnection.objects.filter(name="Later", site=site.plant.site).exists()
