"""The local certificate authority of `--tls`: made once per instance, its root trusted once by each terminal."""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mes.embedded.folders import private_folder

_ROOT_DAYS, _SERVER_DAYS, _RENEW_DAYS = 3650, 397, 30  # browsers refuse a server's certificate of more than 398 days
_PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128")
_PRIVATE_DOMAINS = ("localhost", "local", "lan", "internal", "home.arpa")


class Certificate(NamedTuple):
    """Files for the servers, and the root that terminals must trust."""

    chain: Path
    key: Path
    root: Path


def certificate(folder: Path, names: Sequence[str]) -> Certificate:
    """A certificate for `names`, renewed when it nears its end or the names have changed.

    The root may vouch for private addresses and this machine's own names alone, so that trusting it opens nothing else.
    A name outside of that makes a new root, which terminals must trust again.
    """
    private_folder(folder)
    root_file, root_key_file = folder / "root.pem", folder / "root.key"
    chain_file, key_file = folder / "server.pem", folder / "server.key"
    bare = sorted({name.strip("[]") for name in names})
    root = _read(root_file)
    if root is None or not root_key_file.exists() or _ends_soon(root) or not _may_vouch(root, bare):
        root_key = ec.generate_private_key(ec.SECP256R1())
        root = _make_root(root_key, bare)
        _write_key(root_key_file, root_key)
        root_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        chain_file.unlink(missing_ok=True)
    server = _read(chain_file)
    if server is None or not key_file.exists() or _ends_soon(server) or _names_in(server) != bare:
        loaded = serialization.load_pem_private_key(root_key_file.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{root_key_file} is not the key that was written there.")
        key = ec.generate_private_key(ec.SECP256R1())
        server = _make_server(key, bare, root, loaded)
        _write_key(key_file, key)
        pem = serialization.Encoding.PEM
        chain_file.write_bytes(server.public_bytes(pem) + root.public_bytes(pem))
    return Certificate(chain_file, key_file, root_file)


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(pem, form, serialization.NoEncryption()))


def _ends_soon(found: x509.Certificate) -> bool:
    return found.not_valid_after_utc - _now() < datetime.timedelta(days=_RENEW_DAYS)


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_in(found: x509.Certificate) -> list[str]:
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(name.value) for name in names)


def _permitted(names: Sequence[str]) -> list[x509.GeneralName]:
    networks = [ipaddress.ip_network(network) for network in _PRIVATE_NETWORKS]
    domains = list(_PRIVATE_DOMAINS)
    for name in names:
        general = _general(name)
        if isinstance(general, x509.IPAddress):
            if not any(general.value in network for network in networks):
                networks.append(ipaddress.ip_network(name))
        elif not any(_below(name, domain) for domain in domains):
            domains.append(name)
    return [*(x509.IPAddress(network) for network in networks), *(x509.DNSName(domain) for domain in domains)]


def _below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _may_vouch(root: x509.Certificate, names: Sequence[str]) -> bool:
    allowed = root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    return all(general in allowed for general in _permitted(names))


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "MES"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _make_root(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
    subject = _subject("MES local certificate authority")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(days=1))
        .not_valid_after(_now() + datetime.timedelta(days=_ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(root=True), critical=True)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _make_server(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject("MES"))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(days=1))
        .not_valid_after(_now() + datetime.timedelta(days=_SERVER_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(root=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _usage(*, root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not root,
        key_cert_sign=root,
        crl_sign=root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
