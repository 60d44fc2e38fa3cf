"""The API of version 1: its routers, its errors, its schema."""

import functools
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from mes.accounts.policies import open_to
from mes.api import errors
from mes.api.answers import read
from mes.api.calls import StoredBody
from mes.api.doors import router
from mes.api.routes import acts, imports, lots, operations, orders, planning

api = NinjaAPI(
    title="Manufacturing execution system",
    version="1",
    description="Orders, material, floor acts and events of one plant. docs/contract.md says what is promised.",
    openapi_url=None,
    docs_url=None,
    parser=StoredBody(),
    urls_namespace="api-1",
)
#: The modules whose import puts their addresses into the router.
ROOMS = (imports, orders, operations, planning, lots, acts)
api.add_router("", router)
errors.register(api)


@open_to("everybody: how the API is spoken to is no secret")
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI description of everything below /api/v1/."""
    return read(request, _schema())


@functools.cache
def _schema() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


@open_to("everybody: it says that nothing is here")
def nowhere(request: HttpRequest, **_path: str) -> HttpResponse:
    """Any address below /api/ that does not exist."""
    return errors.nowhere(request)
