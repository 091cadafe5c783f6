"""The named files of npm packages, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from web.static_finder import VendorFinder
from web.vendor_files import BASECOAT_PARTS, VENDOR_FILES


def test_it_finds_each_named_file() -> None:
    for name in VENDOR_FILES:
        assert Path(finders.find(name)).is_file(), name


def test_it_lists_exactly_the_named_files() -> None:
    assert [name for name, _ in VendorFinder().list([])] == list(VENDOR_FILES)


def test_it_lists_all_without_patterns_as_whitenoise_asks() -> None:
    assert len(list(VendorFinder().list(None))) == len(VENDOR_FILES)


def test_it_gives_all_places_when_asked_for_all() -> None:
    assert VendorFinder().find("vendor/htmx.js", find_all=True) == [finders.find("vendor/htmx.js")]


@pytest.mark.parametrize("path", ["vendor/other.js", "../package.json", "vendor/../../package.json", ""])
def test_it_knows_nothing_else(path: str) -> None:
    assert VendorFinder().find(path) == []


def test_it_heeds_ignore_patterns() -> None:
    assert [name for name, _ in VendorFinder().list(["vendor/inter/*", "*.css"])] == [
        "vendor/basecoat.js",
        *(f"vendor/basecoat-{part}.js" for part in BASECOAT_PARTS),
        "vendor/chart.js",
        "vendor/htmx.js",
    ]


def test_its_storage_opens_what_npm_installed() -> None:
    storage = VendorFinder().storage
    with storage.open("vendor/htmx.js") as file:
        assert b"htmx" in file.read(2000)


def test_its_check_is_silent_with_all_files_there() -> None:
    assert VendorFinder().check() == []


def test_its_check_names_each_missing_file_and_the_remedy(settings, tmp_path: Path) -> None:
    present = tmp_path / VENDOR_FILES["vendor/htmx.js"]
    present.parent.mkdir(parents=True)
    present.write_text("")
    settings.NODE_MODULES = tmp_path
    errors = VendorFinder().check()
    assert len(errors) == len(VENDOR_FILES) - 1
    assert {error.id for error in errors} == {"web.E001"}
    assert all("make setup" in (error.hint or "") for error in errors)
    assert "basecoat-css/dist/js/basecoat.min.js" in " ".join(error.msg for error in errors)
