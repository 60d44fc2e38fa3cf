"""The health page: the worst first with what to do, who may see it, and how it looks."""

import pytest
from django.conf import settings as product

from mes.kernel import chores, health
from mes.kernel.health import BAD, MACHINES, WELL, Finding
from tests.browser import looks_right
from tests.builders import plant
from tests.pages.desk import SIZES, desk, sign_in


@pytest.fixture
def works(db):
    return plant()


@pytest.fixture
def machine(monkeypatch):
    """A check as another app would register it, with hostile words."""
    monkeypatch.setattr(health, "_CHECKS", dict(health._CHECKS))
    says = "<script>alert(1)</script> was last read 9 minutes ago."
    health.register("poll", lambda: [Finding("poll", MACHINES, BAD, "Press 4", says, "Switch it on.", about="P4")])


def main_of(response):
    assert response.status_code == 200
    return response.content.decode().split("<main")[1]


def test_what_is_bad_stands_on_top_with_what_to_do(works, machine):
    text = main_of(desk(works).get("/settings/health/"))
    assert "1 thing is bad and needs you now." in text
    first = text.index('data-testid="health-wrong"')
    assert text.index("Press 4", first) < text.index("Never done.", first)
    assert "Switch it on." in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "Machines" in text


def test_when_all_is_well_it_says_how_much_was_looked_at(works, monkeypatch):
    monkeypatch.setattr(health, "_CHECKS", {})
    health.register("one", lambda: [Finding("one", health.WORK, WELL, "One", "Good.")])
    text = main_of(desk(works).get("/settings/health/", secure=True))
    assert "2 things looked at, all well." in text
    assert "What needs you" not in text


@pytest.mark.parametrize("role", ["operator", "lead", "supervisor", "quality", "planner", "erp", "admin", "auditor"])
def test_only_those_who_may_view_health_see_it_and_its_link(works, role):
    may = role in ("supervisor", "erp", "admin", "auditor")
    client = desk(works, role)
    assert client.get("/settings/health/").status_code == (200 if may else 403)
    assert ('href="/settings/health/"' in client.get("/orders/").content.decode()) == may
    assert client.post("/settings/health/").status_code == (405 if may else 403)


def test_it_asks_for_a_sign_in_and_is_never_kept(works, client):
    assert client.get("/settings/health/")["Location"].startswith("/login/")
    assert desk(works).get("/settings/health/")["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "secure", "says"),
    [
        ("mes.plant.example", False, "Plain HTTP: terminals cannot keep working"),
        ("mes.plant.example", True, "HTTPS: terminals may use everything."),
        ("127.0.0.1:8000", False, "HTTP on this machine"),
        ("localhost", False, "HTTP on this machine"),
    ],
)
def test_it_says_what_plain_http_loses(works, settings, host, secure, says):
    settings.ALLOWED_HOSTS = [*product.ALLOWED_HOSTS, "mes.plant.example"]
    assert says in main_of(desk(works).get("/settings/health/", secure=secure, headers={"host": host}))


def test_it_takes_the_same_few_questions_whatever_there_is(works, django_assert_max_num_queries):
    client = desk(works)
    client.get("/settings/health/")
    with django_assert_max_num_queries(13):
        client.get("/settings/health/")


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["quiet", "loud"])
def test_it_looks_right_at_every_size(open_page, kind):
    works = plant()
    for name in ("deliveries", "telling", "keeper", "anchors", "retention"):
        chores.note(name, good=True, says="187 anchors written to /srv/anchors/anchors-20261125.jsonl")
    good = kind == "quiet"
    chores.note("backup", good=good, says="There is no room for the backup in /srv/backups: free space there.")
    chores.note("proof", good=good, says="1 violations, the first: I-07-balance: lot R-1 at STORE has -3 pc")
    for name, size, theme in SIZES:
        page = sign_in(open_page(size, theme=theme), works, "admin", "/settings/health/")
        looks_right(page, f"health-{kind}-{name}-{theme}", whole=True)
