"""The key of stored credentials beside a backup: never plain, only sealed by a passphrase that is kept elsewhere."""

import base64
import hashlib
import json
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mes import env

_COST = {"n": 2**15, "r": 8, "p": 1}
SHORTEST = 12


class WrongPassphrase(Exception):
    """The passphrase does not open the sealed key."""


def mark_of(keys: list[str]) -> str:
    """Tells whether two installations have the same key, and nothing else about it."""
    return hashlib.sha256(b"mes field key " + keys[0].encode()).hexdigest()[:16] if keys else ""


def own_keys() -> list[str]:
    return env.words("MES_FIELD_KEY")


def seal(keys: list[str], passphrase: str) -> bytes:
    """The keys as a file that only the passphrase opens."""
    salt = os.urandom(16)
    sealed = _box(passphrase, salt).encrypt(json.dumps(keys).encode())
    return json.dumps({"scrypt": _COST, "salt": salt.hex(), "sealed": sealed.decode()}, indent=1).encode() + b"\n"


def unseal(content: bytes, passphrase: str) -> list[str]:
    """Raises WrongPassphrase."""
    try:
        body = json.loads(content)
        box = _box(passphrase, bytes.fromhex(body["salt"]))
        return [str(key) for key in json.loads(box.decrypt(body["sealed"].encode()))]
    except (InvalidToken, ValueError, KeyError, TypeError) as error:
        raise WrongPassphrase("The passphrase does not open the key that lies in this backup.") from error


def _box(passphrase: str, salt: bytes) -> Fernet:
    derived = Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
