"""Log lines: what they belong to, that no secret and no forged line gets in, and that old ones make room."""

import io
import json
import logging
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.kernel import logs
from mes.kernel.commands import command
from mes.kernel.middleware import RequestId
from mes.supervisor.children import turn
from tests.api.client import Caller

SECRETS = [
    "Authorization: Bearer canary-0123456789abcdef",
    "a token mes_canaryABCDEFGHIJKLMNOPQRSTUVWXYZ012345 was sent",
    "postgresql://mes_app:canary@db/mes",
    "{'password': 'canary', 'user': 'mes'}",
    'MES_ERP_PASSWORD="canary"',
    "pin=canary&badge=7",
    "sealed gAAAAABcanaryXXXXXXXXXXXXXXXXXXXXXXXX==",
    "api_key: canary",
    "Cookie: canary",
    "MES_SECRET_KEY=canary",
]
HOSTILE = [
    "R-1\n2026-11-25 10:00:00,000 CRITICAL mes All orders were deleted",
    "R-1\r\x1b[2Jcleared",
    "R-1\u2028CRITICAL forged",
    "R-1\u202egnp.exe",
    "R-1\x00tail",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
]


@pytest.fixture(params=[logs.LineFormatter, logs.JsonFormatter])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What the logger `mes.sample` writes, in both formats."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    form = request.param
    handler.setFormatter(
        form("%(asctime)s %(levelname)s %(name)s %(message)s") if form is logs.LineFormatter else form()
    )
    logger = logging.getLogger("mes.sample")
    logger.addHandler(handler)
    logger.propagate = False  # pytest would keep the hostile texts for its report, and workers cannot pass them on
    yield out
    logger.removeHandler(handler)
    logger.propagate = True


def sample() -> logging.Logger:
    return logging.getLogger("mes.sample")


@pytest.mark.parametrize("text", SECRETS, ids=range(len(SECRETS)))
def test_no_secret_reaches_a_log_by_message_argument_field_or_error(written: io.StringIO, text: str) -> None:
    sample().error(text)
    sample().error("Sent: %s", text)
    sample().error("Sent", extra={"detail": text})
    try:
        raise ValueError(text)
    except ValueError:
        sample().exception("Failed")
    assert "canary" not in written.getvalue()
    assert "[hidden]" in written.getvalue()


def test_what_is_no_secret_is_left_as_it_is() -> None:
    for text in ("Lot mes-7 at STORE", "The pinned version", "http://erp.example/path", "A token bucket", "key 7"):
        assert logs.without_secrets(text) == text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_can_pose_as_a_line_of_its_own(written: io.StringIO, text: str) -> None:
    sample().error("Unknown code %s", text)
    lines = written.getvalue().removesuffix("\n").split("\n")
    assert all(number == 0 or line.startswith("    | ") for number, line in enumerate(lines))
    assert all(char == "\n" or char.isprintable() for char in written.getvalue())


@given(st.text())
def test_whatever_is_logged_is_one_json_object_on_one_line(text: str) -> None:
    record = logging.LogRecord("mes", logging.ERROR, "x", 1, "%s", (text,), None)
    line = logs.JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["logger"] == "mes"
    plain = logs.LineFormatter("%(levelname)s %(message)s").format(record)
    assert plain.startswith("ERROR ")
    assert all(line.startswith("    | ") for line in plain.split("\n")[1:])


@pytest.mark.parametrize("form", [logs.JsonFormatter, logs.LineFormatter])
def test_half_a_character_is_written_as_an_escape(form: type[logging.Formatter]) -> None:
    """Given to the formatter alone: workers of the tests cannot pass such a text on."""
    record = logging.LogRecord("mes", logging.ERROR, "x", 1, "%s", (chr(0xD800),), None)
    assert "\\ud800" in form().format(record)


def test_an_error_keeps_its_trace(written: io.StringIO) -> None:
    try:
        raise KeyError("lot")
    except KeyError:
        sample().exception("Failed")
    assert "KeyError" in written.getvalue()
    assert "test_logs.py" in written.getvalue()


@pytest.mark.django_db
def test_a_line_within_a_command_names_it_its_actor_and_the_request(works, written: io.StringIO) -> None:
    @command
    def adjust_lot(*, actor, command_id):
        sample().warning("Inside")
        return []

    name, token = uuid.uuid4(), logs.request_id.set("request-42")
    person = works.person("supervisor")
    try:
        adjust_lot(actor=person, command_id=name)
    finally:
        logs.request_id.reset(token)
    sample().warning("Outside")
    inside, outside = written.getvalue().splitlines()
    for word in (str(name), "request-42", person.source):
        assert word in inside
        assert word not in outside


@pytest.mark.django_db
def test_each_answer_carries_the_name_of_its_request_and_only_a_sane_one_is_taken(works) -> None:
    client = Caller(works, "auditor").client
    first, second = client.get("/livez")["X-Request-ID"], client.get("/livez")["X-Request-ID"]
    assert first != second
    assert client.get("/livez", headers={"x-request-id": "proxy-0001"})["X-Request-ID"] == "proxy-0001"
    for odd in ("short", "x" * 65, "a b c d e f", "inject\nforged-line", "<script>alert</script>"):
        assert client.get("/livez", headers={"x-request-id": odd})["X-Request-ID"] != odd
    assert logs.request_id.get() == ""


@pytest.mark.django_db
def test_with_the_level_info_each_request_is_one_line_without_its_query(works, caplog) -> None:
    caplog.set_level(logging.INFO, "mes.request")
    Caller(works, "auditor").client.get("/livez?token=canary")
    (record,) = [each for each in caplog.records if each.name == "mes.request"]
    assert record.getMessage().startswith("GET /livez answered 200 in ")
    assert "canary" not in record.getMessage()
    assert record.status == 200


def test_a_request_that_breaks_leaves_no_name_behind() -> None:
    def broken(_request):
        raise RuntimeError

    from django.test import RequestFactory

    with pytest.raises(RuntimeError):
        RequestId(broken)(RequestFactory().get("/"))
    assert logs.request_id.get() == ""


def test_servers_with_handlers_of_their_own_speak_through_ours() -> None:
    logger = logging.getLogger("mes.some.server")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.propagate = False
    logs.take_over("mes.some.server")
    assert (logger.handlers, logger.propagate) == ([], True)


def test_a_log_that_has_grown_large_makes_room_and_keeps_four_older_ones(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("a") as writer:  # a process that keeps its log open while it is turned
        for number in range(7):
            writer.write(f"{number}" * 100)
            writer.flush()
            turn(log, largest=99)
        writer.write("newest")
    assert log.read_text() == "newest"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["web.log", *(f"web.log.{n}" for n in range(1, 5))]
    assert [(tmp_path / f"web.log.{n}").read_text()[0] for n in range(1, 5)] == ["6", "5", "4", "3"]
    turn(log, largest=99)
    assert log.read_text() == "newest"
    turn(tmp_path / "nothing.log")
