"""The local certificate authority: what its root may vouch for, and when certificates are made anew."""

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest
import time_machine
from cryptography import x509

from mes.supervisor.tls import certificate

NAMES = ["127.0.0.1", "localhost", "[::1]", "press-hall"]


def handshake(folder: Path, name: str) -> None:
    """A browser's view: connect by `name`, trusting the root alone."""
    files = certificate(folder, NAMES)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.chain, files.key)
    ours, theirs = socket.socketpair()
    failures: list[Exception] = []

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=str(files.root))
        client.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join(5)
        theirs.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1", "press-hall"])
def test_a_terminal_that_trusts_the_root_may_connect_by_each_name(tmp_path: Path, name: str) -> None:
    handshake(tmp_path, name)


def test_a_name_that_was_not_asked_for_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, "bank.example")


def test_the_root_can_vouch_for_nothing_outside_the_plant(tmp_path: Path) -> None:
    root = x509.load_pem_x509_certificate(certificate(tmp_path, NAMES).root.read_bytes())
    constraint = root.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraint.critical
    permitted = {str(name.value) for name in constraint.value.permitted_subtrees or []}
    assert {"press-hall", "local", "192.168.0.0/16"} <= permitted
    assert not any(name.endswith(("example", "com", "0.0.0.0/0")) for name in permitted)


def test_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    files = certificate(tmp_path / "tls", NAMES)
    for key in (files.key, files.root.with_suffix(".key")):
        assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_the_root_lasts_while_the_server_is_renewed_for_new_names_and_in_time(tmp_path: Path) -> None:
    first = certificate(tmp_path, NAMES)
    root, chain = first.root.read_bytes(), first.chain.read_bytes()
    certificate(tmp_path, NAMES)
    assert (first.root.read_bytes(), first.chain.read_bytes()) == (root, chain)
    certificate(tmp_path, [*NAMES, "192.168.7.7", "mes.local"])
    assert first.root.read_bytes() == root, "terminals keep their trust when the machine moves inside the plant"
    assert first.chain.read_bytes() != chain
    chain = first.chain.read_bytes()
    later = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=380)
    with time_machine.travel(later):
        certificate(tmp_path, [*NAMES, "192.168.7.7", "mes.local"])
    assert first.root.read_bytes() == root
    assert first.chain.read_bytes() != chain
    certificate(tmp_path, [*NAMES, "mes.plant.example"])
    assert first.root.read_bytes() != root, "a public name was not permitted before"


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    files = certificate(tmp_path, NAMES)
    files.chain.write_text("half a certif")
    handshake(tmp_path, "localhost")
