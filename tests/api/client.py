"""A caller of the API with a token: sends and reads JSON, makes keys, and checks the shape of every error it gets."""

import json
import uuid
from typing import Any

from django.test import Client

from mes.accounts.models import Badge
from mes.accounts.tokens import create_token
from mes.kernel.errors import REASONS, STATUS
from tests.builders import Plant

ERROR_KEYS = {"code", "reason", "message", "remedy", "who_can_override", "blockers"}


class Answer:
    """A response with its parsed body. An error that is not in the contract's shape fails the test at once."""

    def __init__(self, response: Any) -> None:
        self.response, self.status = response, response.status_code
        self.headers = response.headers
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        self.body = json.loads(response.content) if is_json else None
        if self.status >= 400:
            assert is_json, response.content[:300]
            assert set(self.body) == ERROR_KEYS
            assert self.body["message"]
            assert self.body["remedy"]
            assert self.body["code"] in STATUS
            assert self.body["reason"] in REASONS
            assert all(set(one) == {"reason", "message"} for one in self.body["blockers"])
            if self.status in (409, 429, 503) and self.body["code"] != "stale":
                assert int(self.headers["Retry-After"]) > 0

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    @property
    def error(self) -> tuple[int, str, str]:
        assert self.status >= 400, self.body
        return self.status, self.body["code"], self.body["reason"]


class Caller:
    """One token. `post` makes a key unless it is given one; `key=None` sends none."""

    def __init__(self, plant: Plant, role: str = "admin") -> None:
        self.plant, self.role = plant, role
        self.secret = create_token(role=role, name=f"{plant.prefix} {role}", site_id=plant.site.pk)
        self.client = Client()

    def get(self, path: str, **headers: str) -> Answer:
        return Answer(self.client.get(_full(path), headers=self._headers(headers)))

    def post(
        self, path: str, body: Any = None, *, key: Any = "new", raw: bytes | None = None, **headers: str
    ) -> Answer:
        sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if key is not None:
            headers["Idempotency-Key"] = str(uuid.uuid4()) if key == "new" else str(key)
        made = self._headers(headers)
        return Answer(self.client.post(_full(path), sent, content_type="application/json", headers=made))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {self.secret}"} | named


def _full(path: str) -> str:
    return path if path.startswith(("/api", "/livez", "/readyz", "/statusz", "/metrics")) else f"/api/v1{path}"


def badge_of(plant: Plant, role: str = "operator") -> str:
    """The badge of the plant's person of ROLE."""
    return Badge.objects.get(user_id=plant.person(role).id).code
