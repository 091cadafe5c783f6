"""collectstatic as in production: hashed names, rewritten imports and CSS addresses, compressed copies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command

FRAME_SCRIPTS = {"theme", "shell", "bulk", "keys", "sidebar", "store", "time", "toast", "palette"}
HASH = r"\.[0-9a-f]{12}\."


@pytest.fixture
def collected(settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.FileSystemFinder",
        "web.static_finder.VendorFinder",
    ]
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "web.storage.CrierStaticStorage"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def hashed(folder: Path, pattern: str) -> Path:
    """The one file of the pattern that has a hash in its name."""
    (found,) = [path for path in folder.glob(pattern) if re.search(HASH, path.name)]
    return found


def test_it_works(collected: Path) -> None:
    script = hashed(collected, "js/shell.*.js").read_text()
    imported = re.findall(r'from "\./([\w.]+)"|import\s?"\./([\w.]+)"', script)
    names = [one or other for one, other in imported]
    assert names and all((collected / "js" / name).is_file() and re.search(HASH, name) for name in names)
    sheet = hashed(collected, "app.*.css").read_text()
    fonts = re.findall(r'url\("([^"]+)"\)', sheet)
    assert len(fonts) == 7
    assert all((collected / font).is_file() and re.search(HASH, font) for font in fonts)


def test_it_compresses(collected: Path) -> None:
    sheet = hashed(collected, "vendor/basecoat.*.css")
    assert 0 < sheet.with_name(sheet.name + ".gz").stat().st_size < sheet.stat().st_size / 5


def test_it_serves_no_source_maps(collected: Path) -> None:
    assert list(collected.rglob("*.map")) == []


def test_a_page_weighs_little(collected: Path) -> None:
    """UI.md: 130 KB gzipped with a page's HTML, which takes 10 at most; 80 more with a chart."""

    def weight(*patterns: str) -> int:
        files = [hashed(collected, pattern) for pattern in patterns]
        packed = [path.with_name(path.name + ".gz") for path in files]
        return sum(
            (gz if gz.exists() else path).stat().st_size for path, gz in zip(files, packed, strict=True)
        )

    scripts = [f"js/{path.stem}.*.js" for path in collected.glob("js/*.js") if path.name.count(".") == 1]
    frame = [one for one in scripts if one.split("/")[1].split(".")[0] in FRAME_SCRIPTS]
    assert len(frame) == len(FRAME_SCRIPTS)
    libraries = [
        "vendor/basecoat.*.css",
        "vendor/basecoat.*.js",
        *(f"vendor/basecoat-{part}.*.js" for part in ("dropdown-menu", "tabs", "toast", "sidebar")),
        "vendor/htmx.*.js",
        "vendor/inter/latin.*.woff2",
    ]
    assert weight("app.*.css", *libraries, *frame) <= 120 * 1024
    assert weight("vendor/chart.*.js", "vendor/basecoat-chart.*.js", "js/charts.*.js") <= 80 * 1024
