"""The one settings file. The environment decides; `mes/env.py` reads it."""

import sys
from pathlib import Path
from typing import Any

import django_stubs_ext

from mes import env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("MES_DATA", str(BASE_DIR / "var")))

DEBUG = env.flag("MES_DEBUG")
_COMMANDS_WITHOUT_SECRET = {"collectstatic", "makemigrations", "makemessages", "compilemessages", "check", "up"}
SECRET_KEY = env.text("MES_SECRET_KEY")
if not SECRET_KEY:
    if DEBUG or (len(sys.argv) > 1 and sys.argv[1] in _COMMANDS_WITHOUT_SECRET):
        SECRET_KEY = "only-for-development"  # noqa: S105
    else:
        raise env.Misconfigured("MES_SECRET_KEY is missing: set it, or MES_SECRET_KEY_FILE, to a long random text.")
if not DEBUG and len(SECRET_KEY) < 32 and SECRET_KEY != "only-for-development":  # noqa: S105
    raise env.Misconfigured("MES_SECRET_KEY is too short: use at least 32 random characters.")

ALLOWED_HOSTS = env.words("MES_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("MES_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "pgtrigger",
    "pghistory",
    "mes.kernel",
    "mes.accounts",
    "workorders",
    "traceability",
    "quality",
    "labor",
    "mes.execution",
    "devices",
    "erp_sync",
    "mes.screens",
    "mes.api",
    "mes.demo",
]

MIDDLEWARE = [
    "mes.kernel.middleware.ContentSecurityPolicy",
    "mes.kernel.middleware.RequestId",
    "mes.api.errors.ContractErrors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mes.screens.middleware.SiteOfPerson",
]

ROOT_URLCONF = "mes.urls"
WSGI_APPLICATION = "mes.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/floor/"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mes.screens.context.shell",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "mes.screens.templatetags.mes",
            ],
        },
    }
]

_DATABASE_URL = env.text("DATABASE_URL", "postgresql://mes@127.0.0.1:5432/mes")
# Only what changes the schema connects as its owner, where owner and app are separate roles.
_OWNER_COMMANDS = {"migrate", "prepare_database", "pgtrigger", "restore"}
# What reads the whole database at its leisure; nobody waits for it, and it holds no lock that anybody meets.
_PATIENT_COMMANDS = {"backup", "keep_house", "check_invariants", "verify_events", "anchor_events"}
_changes_schema = len(sys.argv) > 1 and sys.argv[1] in _OWNER_COMMANDS
if _changes_schema:
    _DATABASE_URL = env.text("DATABASE_OWNER_URL") or _DATABASE_URL
# Nobody waits longer than 2 s for a lock: not a scan for another (it is told "busy"), not the floor for a migration.
_LIMITS = "-c lock_timeout=2s"
if not _changes_schema and not (len(sys.argv) > 1 and sys.argv[1] in _PATIENT_COMMANDS):
    _LIMITS += " -c statement_timeout=30s -c idle_in_transaction_session_timeout=15s"
# Seconds a worker thread keeps its connection. Health checks replace a connection that died with the server.
_CONNECTION = {
    "CONN_MAX_AGE": env.number("MES_CONN_MAX_AGE", 600),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "application_name": env.text("MES_PROCESS", "mes"),
        "options": _LIMITS,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "tcp_user_timeout": 15000,
        # Statements are prepared once per connection and then only executed: half of what a completion costs the
        # server was parsing and planning the same seventeen texts again.
        "server_side_binding": True,
        "prepare_threshold": 3,
    },
}
DATABASES: dict[str, dict[str, Any]] = {"default": env.database(_DATABASE_URL) | _CONNECTION}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
# Where the compiled translations lie; the supervisor and the image compile them outside the checkout.
LOCALE_PATHS = [Path(env.text("MES_LOCALE_DIR", str(BASE_DIR / "locale")))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# What one request may carry; the API says how much that is when it refuses more.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("MES_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# One stream process serves /events/; behind a proxy it shares the origin and the ports stay empty.
EVENTS_PORT = env.text("MES_EVENTS_PORT")
# On a port of its own the stream answers only pages of the same host and this port.
WEB_PORT = env.text("MES_WEB_PORT")

SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "mes.screens.desk.errors.form_expired"
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.flag("MES_TLS"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CELERY_BROKER_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 20,
}

PGHISTORY_APPEND_ONLY = True

# Backups and anchors: where they lie, how often they are taken, how many backups are kept. 0 hours: none by itself.
BACKUP_DIR = Path(env.text("MES_BACKUP_DIR") or VAR_DIR / "backups")
BACKUP_HOURS = env.number("MES_BACKUP_HOURS", 24)
BACKUP_KEEP = env.number("MES_BACKUP_KEEP", 14)
ANCHOR_DIR = Path(env.text("MES_ANCHOR_DIR") or VAR_DIR / "anchors")
# Days until what is settled is deleted at night; 0 keeps it for ever. The database refuses to delete too early.
RETENTION_DAYS = {
    "receipts": env.number("MES_KEEP_RECEIPTS_DAYS", 400),
    "deliveries": env.number("MES_KEEP_DELIVERIES_DAYS", 90),
    "scans": env.number("MES_KEEP_SCANS_DAYS", 180),
    "inbound": env.number("MES_KEEP_INBOUND_DAYS", 400),
    "sign_in_failures": env.number("MES_KEEP_SIGN_IN_FAILURES_DAYS", 30),
}
ANCHOR_MINUTES = env.number("MES_ANCHOR_MINUTES", 60)

LOG_FORMAT = env.text("MES_LOG_FORMAT", "line")
if LOG_FORMAT not in {"line", "json"}:
    raise env.Misconfigured(f"MES_LOG_FORMAT must be line or json, not {LOG_FORMAT!r}.")
CELERY_WORKER_REDIRECT_STDOUTS = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "mes.kernel.logs.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "mes.kernel.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.text("MES_LOG_LEVEL", "WARNING")},
}
