"""What a person reads when nothing worked, and that the API gets its own error body."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory

from mes.screens.desk.errors import broken, forbidden
from tests.builders import plant

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    works = plant()
    client = Client()
    client.force_login(get_user_model().objects.get(pk=works.person(role).id))
    return client


def test_an_unknown_page_says_so_in_our_layout(client):
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()
    assert 'class="d-top"' in answer.content.decode()


def test_an_unknown_address_of_the_api_answers_in_json(client):
    answer = client.get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_broken_page_asks_nothing_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = broken(RequestFactory().get("/floor/"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_plain_words():
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "The page was too old" in answer.content.decode()


def test_a_role_that_may_not_reads_who_may():
    request = RequestFactory().get("/settings/")
    request.user = get_user_model()(role="operator")
    answer = forbidden(request, PermissionError("view_settings"))
    assert answer.status_code == 403
    assert "operator may not do this: view_settings" in answer.content.decode()


def test_a_code_of_ours_leads_to_its_page():
    from mes.kernel.scanning import Kind, make_address, make_code, make_id_code

    works = plant()
    client = Client()
    client.force_login(get_user_model().objects.get(pk=works.person("supervisor").id))
    order = works.order()
    works.item("RAW")
    lot = works.lot("RAW", "L 1/2")
    operation, center = works.operation(order), works.work_center()
    address = make_address("", Kind.LOT, lot.number).removeprefix("/b/")
    for code, path in [
        (make_code(Kind.ORDER, order.number.upper()), None),
        (make_id_code(Kind.ORDER, order.pk), f"/orders/{order.number}/"),
        (make_id_code(Kind.OPERATION, operation.pk), f"/orders/{order.number}/"),
        (make_code(Kind.WORK_CENTER, center.code), f"/floor/wc/{center.code}/"),
        (address, f"/trace/lot/~{lot.pk}/"),
    ]:
        answer = client.get(f"/b/{code}")
        assert answer.status_code == (302 if path else answer.status_code)
        if path:
            assert answer["Location"] == path


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("O-5521-X", "something was misread or mistyped"),
        ("R-RIM-", "nothing"),
        ("W-NOWHERE-", "Nothing of the number NOWHERE"),
    ],
)
def test_a_code_that_names_nothing_says_why(code, words):
    from mes.kernel.scanning import Kind, make_code

    if code.endswith("-"):
        kind, payload, _rest = code.split("-")
        code = make_code(Kind(kind), payload)
        words = words if words != "nothing" else "opens no page at a desk"
    answer = signed_in("supervisor").get(f"/b/{code}")
    assert answer.status_code == 404
    assert words in answer.content.decode()


def test_a_text_that_is_no_code_is_searched_for():
    answer = signed_in("supervisor").get("/b/hello%20there")
    assert (answer.status_code, answer["Location"]) == (302, "/trace/?q=hello%20there")
