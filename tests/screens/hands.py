"""What a person does at the terminal without a browser: open a page, send a form, scan; and what comes back."""

import json
import re
import uuid

from django.test import Client

from workorders.models import Operation


def gesture(**fields: str) -> dict[str, str]:
    return {"command_id": str(uuid.uuid4()), **fields}


def page(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code, response.headers.get("Location"))
    return response.content.decode()


def do(client: Client, operation: Operation, **fields: str) -> str:
    """Send a form of the job page as a script does; the band, or where it leads."""
    response = client.post(f"/t/job/{operation.pk}/", gesture(**fields), headers={"HX-Request": "true"})
    assert response.status_code in {204, 422, 403, 409}, response.content
    return response.headers.get("HX-Redirect") or response.content.decode()


def scan(client: Client, code: str, page: str = "home", operation: Operation | None = None) -> str:
    context = json.dumps({"page": page, "operation": operation.pk if operation else None})
    sent = gesture(code=code, context=context)
    response = client.post("/t/scan/", sent, headers={"HX-Request": "true"})
    return response.content.decode()


def verdict(html: str) -> str:
    found = re.search(r'data-verdict="(\w+)"', html)
    assert found, html
    return found[1]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
