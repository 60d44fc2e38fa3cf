"""Health pages, the schema, and the command that makes tokens."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from mes.accounts.models import ApiToken, digest_of
from mes.accounts.tokens import token_of
from mes.kernel import health_checks
from tests.api.client import Caller
from tests.builders import plant

pytestmark = pytest.mark.django_db


def test_alive_touches_nothing(works, admin, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = admin.client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert admin.client.post("/livez").status_code == 405


def test_ready_says_what_it_looked_at_and_503_when_the_database_is_away(admin, monkeypatch):
    response = admin.client.get("/readyz")
    assert json.loads(response.content)["checks"].keys() == {"database", "clock", "migrations", "disk", "broker"}
    assert response.status_code == 200

    def away(*_args):
        raise DatabaseError("gone")

    monkeypatch.setattr(health_checks.connection, "cursor", away)
    answer = admin.get("/readyz")
    assert answer.error == (503, "not_ready", "not_ready")
    assert [one["reason"] for one in answer["blockers"]] == ["database"]


def test_a_broker_that_is_away_only_degrades(admin, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    response = admin.client.get("/readyz")
    assert response.status_code == 200
    assert json.loads(response.content)["status"] == "degraded"


def test_a_full_disk_and_missing_migrations_are_not_ready(admin, monkeypatch):
    monkeypatch.setattr(health_checks, "LEAST_FREE", 1.1)
    monkeypatch.setattr(health_checks, "_migrated", False)
    monkeypatch.setattr(health_checks.MigrationExecutor, "migration_plan", lambda *_args: ["one"])
    assert [one["reason"] for one in admin.get("/readyz")["blockers"]] == ["migrations", "disk"]


def test_state_and_metrics_are_for_tokens_that_may_view_health(works):
    for path in ("/statusz", "/metrics"):
        assert Caller(works, "auditor").client.get(path).status_code == 401
        assert Caller(works, "operator").get(path).error == (403, "forbidden", "forbidden")
    works.order()
    status = Caller(works, "auditor").get("/statusz")
    assert status["numbers"]["event_last_id"] > 0
    assert status["numbers"]["deliveries_parked"] == 0
    response = Caller(works, "auditor").get("/metrics").response
    assert response["Content-Type"].startswith("text/plain")
    lines = response.content.decode().splitlines()
    assert 'mes_check_ok{check="database"} 1' in lines
    for line in lines:
        may_be_negative = line.startswith("mes_clock_offset_seconds ")
        assert line.startswith("#") or may_be_negative or float(line.rsplit(" ", 1)[1]) >= 0


def test_the_schema_names_every_address_and_what_it_wants(admin):
    schema = json.loads(admin.client.get("/api/v1/openapi.json").content)
    assert schema["openapi"].startswith("3.")
    paths = schema["paths"]
    for path in ("/items", "/orders/{number}/release", "/operations/{operation}/complete", "/scan", "/events"):
        assert f"/api/v1{path}" in paths
    complete = paths["/api/v1/operations/{operation}/complete"]["post"]
    names = {parameter["name"] for parameter in complete["parameters"]}
    assert {"operation", "Idempotency-Key", "If-Match"} <= names
    assert complete["security"]
    assert schema["components"]["schemas"]["Complete"]["additionalProperties"] is False
    orders = paths["/api/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert {"number", "item", "quantity", "operations", "materials"} <= set(orders[0]["properties"])
    assert "$ref" not in json.dumps(orders)


@pytest.mark.parametrize("role", ["operator", "lead", "supervisor", "quality", "planner", "erp", "admin", "auditor"])
def test_the_command_prints_a_token_alone_on_its_last_line(works, role):
    out, words = io.StringIO(), io.StringIO()
    call_command("create_api_token", role=role, name="ERP bridge", site=works.site.code, stdout=out, stderr=words)
    secret = out.getvalue().splitlines()[-1]
    token = token_of(f"Bearer {secret}")
    assert (token.role, token.name, token.site_id) == (role, "ERP bridge", works.site.pk)
    assert ApiToken.objects.get(pk=token.pk).token == digest_of(secret)
    assert secret not in words.getvalue()


def test_the_command_takes_the_first_site_and_says_what_is_wrong(works):
    plant()
    out = io.StringIO()
    call_command("create_api_token", role="auditor", stdout=out, stderr=io.StringIO())
    first = ApiToken.objects.get(token=digest_of(out.getvalue().strip()))
    assert first.site_id == min(ApiToken.objects.values_list("site_id", flat=True))
    assert first.name == "auditor"
    with pytest.raises(CommandError, match="no plant NOWHERE"):
        call_command("create_api_token", role="auditor", site="NOWHERE")
    with pytest.raises(CommandError):
        call_command("create_api_token", role="king")
