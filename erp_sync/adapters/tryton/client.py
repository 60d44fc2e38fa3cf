"""One conversation with a Tryton server: requests with limits, the session and its renewal, failures told apart.

Failures are classified by transport, HTTP status and exception class, never by the text of a message, which Tryton
translates. Nothing is retried here but one request after one renewal of an ended session.
"""

import base64
import json
import logging
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from erp_sync.adapters.deadline import EXTENSION, DeadlineTransport
from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    AuthExpired,
    ContractError,
    ErpError,
    NeedsDecision,
    Stale,
    Throttled,
    Unreachable,
)
from erp_sync.adapters.tryton import values

log = logging.getLogger(__name__)

MAX_BODY = 5 * 1024 * 1024
TOO_LARGE = f"The ERP's answer is larger than {MAX_BODY // 1024 // 1024} MB."


@dataclass(frozen=True)
class Limits:
    """Seconds: to get a connection, to wait for the next piece of an answer, and for one request as a whole."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 30.0


class Refused(Exception):
    """Tryton raised a UserError and rolled back. What it means is known only after a look at rights and states."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Crashed(Exception):
    """Tryton raised something it does not name to clients and rolled back: a missing model, a bug, a busy database."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class TrytonClient:
    """A logged-in JSON-RPC client. Logs in on first use; not safe for use by several threads at once."""

    def __init__(self, url: str, database: str, user: str, password: str, limits: Limits) -> None:
        self._database = database
        self._user = user
        self._password = password
        self._limits = limits
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(limits.read, connect=limits.connect),
            headers={"Accept-Encoding": "gzip", "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
            transport=DeadlineTransport(),
        )
        self._serial = 0
        self._authorization: str | None = None
        self._context: dict[str, Any] = {}
        self._user_id = 0
        self.clock_offset: timedelta | None = None

    def __repr__(self) -> str:
        return f"<TrytonClient {self._http.base_url} {self._database} as {self._user}>"

    # -------------------------------------------------------------------------------------------------------- calls

    def version(self) -> str:
        result = self._exchange("/rpc/", "common.server.version", [], writes=False)
        return str(result)

    @property
    def user_id(self) -> int:
        self.login()
        return self._user_id

    @property
    def context(self) -> Mapping[str, Any]:
        self.login()
        return self._context

    def read(self, model: str, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """A call that changes nothing: when it fails on the way, nothing was applied."""
        return self._model(model, method, params, context, writes=False)

    def write(
        self,
        model: str,
        method: str,
        *params: Any,
        unchanged_since: Mapping[str, str] | None = None,
        accepted: frozenset[str] = frozenset(),
    ) -> Any:
        """A call that changes something, as one ERP transaction.

        `unchanged_since` maps "model,id" to the `_timestamp` last read: the ERP refuses with `Stale` when the row
        changed since. A warning whose name is in `accepted` is confirmed in the person's name and the call repeated;
        the refused call was rolled back, so nothing happens twice.
        """
        extra = {"_timestamp": dict(unchanged_since)} if unchanged_since else None
        confirmed: set[str] = set()
        while True:
            try:
                return self._model(model, method, params, extra, writes=True)
            except NeedsDecision as question:
                if question.code not in accepted or question.code in confirmed:
                    raise
                confirmed.add(question.code)
                self._model("res.user.warning", "skip", (question.code, False), None, writes=True)

    def search_read(
        self,
        model: str,
        domain: list[Any],
        fields: list[str],
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        result = self.read(model, "search_read", domain, 0, limit, order or [["id", "ASC"]], fields, context=context)
        if not isinstance(result, list):
            raise ContractError(f"The ERP answered a search in {model} with something that is not a list.")
        return result

    # ------------------------------------------------------------------------------------------------------ session

    def login(self) -> None:
        if self._authorization is not None:
            return
        try:
            result = self._exchange(
                f"/{self._database}/rpc/",
                "common.db.login",
                [self._user, {"password": self._password}, "en"],
                writes=False,
            )
        except AuthExpired as refusal:
            raise AuthDenied(f"The ERP refuses the user {self._user} with the password we have.") from refusal
        except Crashed as crash:
            # An unloaded pool answers so until somebody opens the database.
            raise Unreachable(f"The ERP has not opened the database {self._database} yet.") from crash
        if not isinstance(result, list) or len(result) < 2:
            raise ContractError("The ERP answered the login in a form that Tryton 8 does not use.")
        self._user_id = int(result[0])
        token = f"{self._user}:{result[0]}:{result[1]}"
        self._authorization = "Session " + base64.b64encode(token.encode()).decode()
        preferences = self._model("res.user", "get_preferences", (True,), None, writes=False)
        if not isinstance(preferences, dict):
            raise ContractError("The ERP answered the question for preferences in an unknown form.")
        # Messages in the language of the ERP's user; decimals and dates do not depend on it.
        self._context = preferences

    def logout(self) -> None:
        if self._authorization is None:
            return
        try:
            self._exchange(f"/{self._database}/rpc/", "common.db.logout", [], writes=False)
        except (ErpError, Refused, Crashed) as failure:
            log.info("The Tryton session could not be closed: %s", failure)
        self._authorization = None

    def close(self) -> None:
        self.logout()
        self._http.close()

    # ---------------------------------------------------------------------------------------------------- transport

    def _model(
        self, model: str, method: str, params: tuple[Any, ...], extra: Mapping[str, Any] | None, *, writes: bool
    ) -> Any:
        self.login()
        name = f"model.{model}.{method}"
        path = f"/{self._database}/rpc/"
        for renewed in (False, True):
            arguments = [*params, {**self._context, **(extra or {})}]
            try:
                return self._exchange(path, name, arguments, writes=writes)
            except AuthExpired:
                # The ERP turned the request away at the door, so nothing was applied.
                if renewed:
                    raise
                self._authorization = None
                self.login()
        raise AuthExpired("The ERP does not accept our session.")

    def _exchange(self, path: str, method: str, params: list[Any], *, writes: bool) -> Any:
        self._serial += 1
        request = {"id": self._serial, "method": method, "params": values.wire(params)}
        answer = self._send(path, request, writes=writes)
        unclear = _unclear(writes)
        try:
            body = json.loads(answer)
        except ValueError as error:
            raise unclear("What answers at the ERP's address did not answer in JSON.") from error
        if not isinstance(body, dict) or body.get("id") != self._serial:
            raise unclear("What answers at the ERP's address did not answer the question we asked.")
        if "error" in body:
            raise self._failure(body["error"])
        if "result" not in body:
            raise unclear("The ERP's answer holds neither a result nor an error.")
        return body["result"]

    def _send(self, path: str, request: dict[str, Any], *, writes: bool) -> bytes:
        unclear = _unclear(writes)
        extensions = {EXTENSION: time.monotonic() + self._limits.total}
        headers = {"Authorization": self._authorization} if self._authorization else {}
        received = bytearray()
        try:
            with self._http.stream("POST", path, json=request, headers=headers, extensions=extensions) as response:
                self._judge(response, writes=writes)
                for piece in response.iter_raw():
                    received += piece
                    if len(received) > MAX_BODY:
                        raise unclear(TOO_LARGE)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"The ERP cannot be reached at {self._http.base_url}.") from error
        except httpx.TimeoutException as error:
            raise unclear("The ERP did not answer in time.") from error
        except httpx.HTTPError as error:
            raise unclear("The connection to the ERP broke before the answer was complete.") from error
        plain = _plain(bytes(received))
        if plain is None:
            raise unclear(TOO_LARGE)
        return plain

    def _judge(self, response: httpx.Response, *, writes: bool) -> None:
        stamp = response.headers.get("date")
        if stamp:
            try:
                self.clock_offset = parsedate_to_datetime(stamp) - datetime.now(UTC)
            except (TypeError, ValueError):
                self.clock_offset = None
        status = response.status_code
        if status == 200:
            return
        if status == 401:
            raise AuthExpired("The ERP does not accept our session.")
        if status == 403:
            raise ContractError("The ERP does not offer a method that we use; is it Tryton 8 with all modules?")
        if status == 404:
            raise ContractError(f"There is no database {self._database} at {self._http.base_url}.")
        if status == 429:
            raise Throttled("The ERP asks us to wait.", _retry_after(response.headers.get("retry-after")))
        if status >= 500:
            raise _unclear(writes)(f"The ERP answered with an error of its own (HTTP {status}).")
        raise ContractError(f"The ERP answered with HTTP {status}, which Tryton does not use.")

    @staticmethod
    def _failure(error: Any) -> Exception:
        if not isinstance(error, list) or not error:
            return Crashed(str(error)[:500])
        kind, detail = error[0], error[1] if len(error) > 1 else ""
        if kind == "UserWarning" and isinstance(detail, list) and len(detail) >= 2:
            return NeedsDecision(str(detail[0]), str(detail[1]))
        if kind == "UserError":
            text = detail[0] if isinstance(detail, list) and detail else detail
            return Refused(str(text)[:1000])
        if kind == "ConcurrencyException":
            return Stale("Somebody changed the order in the ERP at the same moment.")
        return Crashed(str(kind)[:500])


def _unclear(writes: bool) -> type[Ambiguous] | type[Unreachable]:
    return Ambiguous if writes else Unreachable


def _plain(received: bytes) -> bytes | None:
    """The answer unpacked, or None when it unpacks to more than the limit.

    Tryton announces gzip on every long answer, packed or not, so the first bytes are believed and not the header.
    """
    if not received.startswith(b"\x1f\x8b"):
        return received
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(received, MAX_BODY)
    except zlib.error:
        return received
    return None if unpacker.unconsumed_tail else plain


def _retry_after(header: str | None) -> timedelta | None:
    if header is None or not header.isdigit():
        return None
    return timedelta(seconds=min(int(header), 3600))
