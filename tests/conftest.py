"""Every test's ground: environment, one throw-away PostgreSQL, a database per worker, three ways to use it.

* `django_db` (marker, or the fixture `db`): one transaction, rolled back.
* `committed_db` (marker or fixture): real commits and real threads, on a second database of the worker that is never
  cleaned. Such a test makes its own site and number prefix and counts only its own rows.
* `scratch_db` (marker or fixture): real commits on a fresh copy that is dropped afterwards; for tests that take a
  mechanism away. `as_owner` lets any of them change the schema.

pytest-django's transactional mode is refused: it empties tables, and ours refuse TRUNCATE and DELETE.
"""

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from mes.supervisor.messages import compile_all

os.environ["DJANGO_SETTINGS_MODULE"] = "mes.settings"
os.environ["MES_SECRET_KEY"] = "a-secret-that-only-the-tests-know-0123456789"
os.environ["MES_FIELD_KEY"] = "dGVzdHMtb25seS1maWVsZC1rZXktMzItYnl0ZXMhISE="
os.environ["MES_DEBUG"] = "0"
os.environ["MES_HOSTS"] = "127.0.0.1,localhost,testserver"
os.environ["DATABASE_URL"] = "postgresql://nobody@/no-database-before-the-fixture?host=%2Fnonexistent"
os.environ["REDIS_URL"] = "memory://"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's synchronous API leaves an event loop in the test's thread
for _name in ("DATABASE_OWNER_URL", "MES_DATA", "MES_TLS", "MES_EVENTS_PORT", "PGHOST", "PGPORT", "PGUSER"):
    os.environ.pop(_name, None)

if "MES_TEST_LOCALE" not in os.environ:
    os.environ["MES_TEST_LOCALE"] = tempfile.mkdtemp(prefix="mes-locale-")
    compile_all(Path(__file__).resolve().parent.parent / "locale", Path(os.environ["MES_TEST_LOCALE"]))
    _made_locale = True
else:
    _made_locale = False  # a worker uses what its controller compiled
os.environ["MES_LOCALE_DIR"] = os.environ["MES_TEST_LOCALE"]

import django
import pytest

django.setup()  # here, not by pytest-django's option: that would load the settings before the lines above

from django.conf import settings
from django.db import connection, connections
from django.test import TestCase, TransactionTestCase
from xdist.scheduler import LoadScopeScheduling

from mes import env
from mes.embedded import roles
from tests.throwaway import Server, clone, drop

# A test that is rolled back is one transaction, and idle while Python works: on a busy machine longer than any request.
_options = settings.DATABASES["default"]["OPTIONS"]
_options["options"] = _options["options"].replace("session_timeout=15s", "session_timeout=300s")

_WHY_NOT = (
    "uses pytest-django's transactional mode, which empties tables that refuse it. "
    "Use the marker or fixture committed_db (own site and number prefix) or scratch_db instead."
)
_TRANSACTIONAL = {"transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback", "live_server"}
_KINDS = {"db", "committed_db", "scratch_db"}
_server: Server | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the same tests with more examples and more time")


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "committed_db: real commits on a database that is never cleaned; own site and number prefix",
        "scratch_db: real commits on a fresh copy of the database that is dropped afterwards",
        "heavy: starts the whole product or a long race; runs last",
        "browser: needs Chromium",
        "erp_peer: talks to a real Tryton that the tests install into its own environment",
    ):
        config.addinivalue_line("markers", line)
    if config.getoption("--long"):
        os.environ["MES_TEST_LONG"] = "1"


def pytest_sessionstart(session: pytest.Session) -> None:
    """With workers the server must be there before them; without, it starts with the first test that wants it."""
    config = session.config
    if not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        _ensure_server()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None:
        _server.stop()
    if _made_locale:
        shutil.rmtree(os.environ["MES_TEST_LOCALE"], ignore_errors=True)


def _ensure_server() -> None:
    global _server
    if "MES_TEST_TEMPLATE" in os.environ or _server is not None:
        return
    _server = Server(os.environ.get("MES_TEST_DATABASE_URL", ""))
    _server.start()
    os.environ["MES_TEST_SERVER"] = _server.url
    os.environ["MES_TEST_TEMPLATE"] = _server.template


class OneFileOneWorker(LoadScopeScheduling):
    """Tests of a file run on one worker in their order; all heavy files on the same, so never two of them at once."""

    @functools.cache  # noqa: B019 - one scheduler lives as long as the run
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        heavy = (Path(__file__).resolve().parent.parent / file).read_text(encoding="utf-8").count("mark.heavy")
        return "heavy" if heavy else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneFileOneWorker:
    return OneFileOneWorker(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    refused = []
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        for kind in ("committed_db", "scratch_db"):
            if item.get_closest_marker(kind) and kind not in fixtures:
                fixtures.insert(0, kind)
        marker = item.get_closest_marker("django_db")
        wants = {"db"} if marker else set()
        if len((wants | set(fixtures)) & _KINDS) > 1:
            refused.append(f"{item.nodeid} asks for more than one of {', '.join(sorted(_KINDS))}.")
        cls = getattr(item, "cls", None)
        unittest_flush = cls is not None and issubclass(cls, TransactionTestCase) and not issubclass(cls, TestCase)
        if _TRANSACTIONAL & set(fixtures) or (marker and _asks_for_flush(marker)) or unittest_flush:
            refused.append(f"{item.nodeid} {_WHY_NOT}")
    if refused:
        raise pytest.UsageError("\n".join(refused))
    for item in items:
        if item.get_closest_marker("browser") and not chromium():
            item.add_marker(pytest.mark.skip(reason=_no_chromium()))
    items.sort(key=lambda item: item.get_closest_marker("heavy") is not None)


def chromium() -> str:
    """The browser's program, or nothing."""
    named = [os.environ.get("MES_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in named if name and (found := shutil.which(name))), "")


def _no_chromium() -> str:
    return os.environ.get("MES_CHROMIUM_MISSING") or (
        "no Chromium here: install it with your system's packages, or set MES_CHROMIUM to its program"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "browser" in report.keywords]
    if skipped and not chromium():
        terminalreporter.write_line(f"{len(skipped)} browser tests were skipped: {_no_chromium()}.", yellow=True)


def _asks_for_flush(marker: pytest.Mark) -> bool:
    return bool(marker.args and marker.args[0]) or any(
        marker.kwargs.get(name) for name in ("transaction", "reset_sequences", "serialized_rollback")
    )


def _use(url: str) -> None:
    """Point Django's one connection, in all threads to come, at another database of the same server."""
    connections.close_all()
    connections.settings["default"].update(env.database(url))


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _copy(suffix: str) -> str:
    return clone(os.environ["MES_TEST_SERVER"], os.environ["MES_TEST_TEMPLATE"], _name_of(suffix))


def _name_of(suffix: str) -> str:
    return f"{os.environ['MES_TEST_TEMPLATE']}_{_worker()}_{suffix}"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """For tests marked `browser`; those are skipped where it is absent."""
    return chromium()


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None) -> Iterator[None]:
    """In place of pytest-django's: a copy of the migrated template, never `test_…` and never flushed."""
    _ensure_server()
    _use(_copy("rolled_back"))
    yield
    connections.close_all()


@pytest.fixture(scope="session")
def _committed_url(django_db_setup: None) -> str:
    return _copy("committed")


@contextmanager
def _database(url: str) -> Iterator[None]:
    before = dict(connections.settings["default"])
    _use(url)
    try:
        yield
    finally:
        connections.close_all()
        connections.settings["default"].update(before)


@pytest.fixture
def committed_db(_committed_url: str, django_db_blocker: "pytest.FixtureRequest") -> Iterator[None]:
    """Real commits. Nothing is cleaned: the test makes its own site and number prefix and counts only its own rows."""
    with django_db_blocker.unblock(), _database(_committed_url):
        yield


@pytest.fixture
def scratch_db(django_db_setup: None, django_db_blocker: "pytest.FixtureRequest") -> Iterator[None]:
    """Real commits on a copy of its own, dropped afterwards; for tests that break the schema on purpose."""
    with django_db_blocker.unblock(), _database(_copy("scratch")):
        yield
    drop(os.environ["MES_TEST_SERVER"], _name_of("scratch"))


@pytest.fixture
def as_owner() -> Callable[[], AbstractContextManager[None]]:
    """`with as_owner():` the connection of this thread may change the schema, as only migrations can in production."""

    @contextmanager
    def owner() -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {roles.OWNER}")
        try:
            yield
        finally:
            with suppress(Exception), connection.cursor() as cursor:
                cursor.execute("RESET ROLE")

    return owner


@pytest.fixture(autouse=True, scope="session")
def _plain_static_files() -> None:
    """Tests do not collect static files; hashed names would need it."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
