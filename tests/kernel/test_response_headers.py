"""The headers that keep a page harmless are on every answer, whoever gave it."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from mes.kernel.middleware import ContentSecurityPolicy, stream_origin

PARTS = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "media-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
]


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/no-such-page/", "testserver", 404),
        ("/no-such-page/", "evil.example", 400),
        ("/no-such-page", "testserver", 404),
    ],
)
def test_errors_carry_the_policy(path: str, host: str, status: int) -> None:
    response = Client(raise_request_exception=False).get(path, headers={"host": host})
    assert response.status_code == status
    assert response["Content-Security-Policy"].split("; ") == PARTS
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]


def test_it_stands_before_everything_that_can_answer(settings: object) -> None:
    from django.conf import settings as used

    assert used.MIDDLEWARE[0] == "mes.kernel.middleware.ContentSecurityPolicy"


def header(path: str, **extra: str) -> HttpResponse:
    middleware = ContentSecurityPolicy(lambda request: HttpResponse("ok"))
    response = middleware(RequestFactory().get(path, **extra))
    assert isinstance(response, HttpResponse)
    return response


def test_terminals_may_use_camera_and_stay_awake_and_desks_may_not() -> None:
    assert "camera=(self)" in header("/t/home/")["Permissions-Policy"]
    assert "screen-wake-lock=(self)" in header("/t/home/")["Permissions-Policy"]
    assert "camera=()" in header("/floor/")["Permissions-Policy"]
    assert "microphone=()" in header("/t/home/")["Permissions-Policy"]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8001"),
        ("localhost", "http://localhost:8001"),
        ("testserver:80", "http://testserver:8001"),
        ("[::1]:8000", "http://[::1]:8001"),
        ("[::1]", "http://[::1]:8001"),
    ],
)
def test_the_stream_on_its_own_port_is_named_with_the_host_the_page_was_asked_by(
    settings: pytest.FixtureRequest, host: str, origin: str
) -> None:
    settings.EVENTS_PORT = "8001"  # type: ignore[attr-defined]
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver", "[::1]"]  # type: ignore[attr-defined]
    request = RequestFactory().get("/floor/", HTTP_HOST=host)
    assert stream_origin(request) == origin
    assert f"connect-src 'self' {origin};" in header("/floor/", HTTP_HOST=host)["Content-Security-Policy"]


def test_behind_a_proxy_the_stream_shares_the_origin() -> None:
    assert stream_origin(RequestFactory().get("/floor/")) == ""
