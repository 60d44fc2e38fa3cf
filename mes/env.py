"""Typed readers for environment variables and secret files. Decides nothing; `settings.py` decides."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse


class Misconfigured(Exception):
    """A setting is missing or unreadable; the message says which and what to do."""


def text(name: str, default: str = "") -> str:
    """The variable NAME, or the content of the file named by NAME_FILE (docker and systemd secrets)."""
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return default


def flag(name: str, default: bool = False) -> bool:
    return text(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise Misconfigured(f"{name} must be a whole number, not {value!r}.") from error


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, object]:
    """A Django database dictionary from `postgresql://user:password@host:port/name`.

    The host may be a socket folder, percent-encoded or given as `?host=/folder`, as libpq writes it.
    """
    parts = urlparse(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise Misconfigured(
            "DATABASE_URL must start with postgresql://; PostgreSQL is the only database this project runs on."
        )
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", "") or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": query.pop("port", "") or str(parts.port or ""),
    }
