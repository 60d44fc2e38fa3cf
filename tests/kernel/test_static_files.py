"""The static files as they are served: every address inside them resolves, and a terminal loads little."""

import gzip
from pathlib import Path

import django_htmx
from django.conf import settings
from django.core.management import call_command

STATIC = settings.BASE_DIR / "static"


def packed(*files: Path) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_every_address_in_a_style_sheet_or_script_resolves_under_hashed_names(settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    tokens = next((tmp_path / "css").glob("tokens.*.css")).read_text("utf-8")
    assert tokens.count("../fonts/") == 3
    for line in tokens.splitlines():
        if "../fonts/" in line:
            name = line.split('url("../fonts/')[1].split('"')[0]
            assert (tmp_path / "fonts" / name).is_file()


def test_a_terminal_loads_little() -> None:
    styles = [STATIC / "css" / f"{name}.css" for name in ("tokens", "components", "terminal")]
    htmx = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-2.min.js"
    morph = STATIC / "vendor/idiomorph-0.8.0/idiomorph.min.js"
    own = [STATIC / "js" / f"{name}.js" for name in ("forms", "live", "scan", "pad")]
    assert packed(*styles) <= 30_000
    assert packed(*own) <= 25_000
    assert packed(htmx, morph, *own) <= 70_000
