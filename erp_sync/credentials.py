"""Encrypts what must stay secret about a connection. The key is no part of the database: a stolen backup tells nothing.

MES_FIELD_KEY holds one or more keys, newest first, separated by commas: the first encrypts, all decrypt.
"""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from mes import env


class Unreadable(Exception):
    """The secrets cannot be decrypted: the key is missing or another one."""


def _keys() -> MultiFernet:
    keys = env.words("MES_FIELD_KEY")
    if not keys:
        raise Unreadable("MES_FIELD_KEY is missing: without it credentials can be neither stored nor read.")
    return _box(keys)


def _box(keys: Sequence[str]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise Unreadable("MES_FIELD_KEY must be 32 bytes in URL-safe base64.") from error


def seal(secrets: dict[str, Any]) -> bytes:
    return _keys().encrypt(json.dumps(secrets, sort_keys=True).encode())


def unseal(sealed: bytes) -> dict[str, Any]:
    """Raises `Unreadable` when no key fits."""
    if not sealed:
        return {}
    try:
        return dict(json.loads(_keys().decrypt(bytes(sealed))))
    except InvalidToken as error:
        raise Unreadable("The credentials were encrypted with another key than MES_FIELD_KEY.") from error


def unseal_with(sealed: bytes, keys: Sequence[str]) -> dict[str, Any]:
    """The secrets by the keys of another installation, those of a restored backup. Raises `Unreadable`."""
    if not keys:
        raise Unreadable("The key of the other installation is not known.")
    try:
        return dict(json.loads(_box(keys).decrypt(bytes(sealed))))
    except InvalidToken as error:
        raise Unreadable("The credentials were encrypted with yet another key.") from error


def reseal(sealed: bytes) -> bytes:
    """The same secrets under the newest key."""
    try:
        return _keys().rotate(bytes(sealed)) if sealed else b""
    except InvalidToken as error:
        raise Unreadable("The credentials were encrypted with another key than MES_FIELD_KEY.") from error
