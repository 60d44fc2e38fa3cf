"""The fence around addresses: every view that a URL reaches says who may see it."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path

from mes.accounts.policies import allows, matrix, open_to
from tests.architecture.sources import none_of

#: Views of libraries that need no policy, each with its reason.
WITHOUT = {"ninja.openapi.views.default_home": "only there for its address; it always answers 404"}


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern.callback


def operations(view: Callable[..., Any]) -> list[Callable[..., Any]]:
    """The functions behind an address: those of django-ninja's collective view, or the view itself."""
    owner = getattr(view, "__self__", None)
    # django-ninja hands out a closure over its PathView, which keeps one operation per method
    for cell in getattr(view, "__closure__", None) or ():
        if hasattr(cell.cell_contents, "operations"):
            owner = cell.cell_contents
    found = getattr(owner, "operations", None)
    return [operation.view_func for operation in found] if found else [view]


def policy_of(view: Any) -> str:
    while view is not None:
        policy = getattr(view, "policy", None)
        if policy:
            return str(policy)
        view = view.func if isinstance(view, functools.partial) else getattr(view, "__wrapped__", None)
    return ""


def named(operation: Any) -> str:
    function = operation.func if isinstance(operation, functools.partial) else operation
    return f"{function.__module__}.{function.__qualname__}"


def without_policy(patterns: list[Any]) -> list[str]:
    found = [
        f"/{address} {named(operation)}"
        for address, view in views(patterns)
        for operation in operations(view)
        if not policy_of(operation) and named(operation) not in WITHOUT
    ]
    return list(dict.fromkeys(found))  # django-ninja lists an address once per method


def test_every_view_says_who_may_see_it() -> None:
    patterns = get_resolver().url_patterns
    assert len(list(views(patterns))) > 5
    none_of(without_policy(patterns))


def test_every_policy_is_an_action_of_the_matrix_or_gives_its_reason() -> None:
    none_of(
        f"/{address} {policy}"
        for address, view in views(get_resolver().url_patterns)
        for operation in operations(view)
        for policy in [policy_of(operation)]
        if policy and policy not in matrix() and not (policy.startswith("open: ") and len(policy) > 12)
    )


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@functools.wraps(bare)
def hidden(request: HttpRequest) -> HttpResponse:
    return bare(request)


@pytest.mark.parametrize("depth", [0, 1])
def test_the_fence_would_fail(depth: int) -> None:
    from django.urls import include

    one = next(iter(matrix()))
    patterns: list[Any] = [
        path("bare/", bare),
        path("hidden/", hidden),
        path("allowed/", allows(one)(hidden)),
        path("open/", open_to("everybody: a sample")(lambda request: HttpResponse())),
        path("partial/", functools.partial(bare)),
    ]
    if depth:
        patterns = [path("inner/", include((patterns, "inner")))]
    lead = "/inner/" if depth else "/"
    found = without_policy(patterns[:2]) if not depth else without_policy(patterns)
    names = ["bare", "hidden"] if not depth else ["bare", "hidden", "partial"]
    assert found == [f"{lead}{name}/ {__name__}.bare" for name in names]


def test_operations_of_the_api_are_looked_at_one_by_one() -> None:
    from ninja import NinjaAPI

    api = NinjaAPI(urls_namespace="fence", openapi_url=None)

    @api.get("/thing")
    def read(request: HttpRequest) -> dict[str, str]:
        return {}

    @api.post("/thing")
    def write(request: HttpRequest) -> dict[str, str]:
        return {}

    write.policy = "floor.act"  # type: ignore[attr-defined]
    urls = api.urls[0] if isinstance(api.urls, tuple) else api.urls
    found = [line for line in without_policy(list(urls)) if "thing" in line]
    assert len(found) == 1
    assert found[0].endswith("read")
