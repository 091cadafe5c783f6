"""Serves the named files of npm packages as static files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage

from web.vendor_files import VENDOR_FILES


class VendorStorage(FileSystemStorage):
    """Opens `vendor/htmx.js` where npm put it; reads only."""

    def path(self, name: str) -> str:
        return str(Path(settings.NODE_MODULES) / VENDOR_FILES[name])


class VendorFinder(BaseFinder):
    """`python manage.py check` names each missing file, so that a page never comes out half dressed."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self.storage = VendorStorage(location=settings.NODE_MODULES)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [
            Error(
                f"The front-end file {source} is missing below {Path(settings.NODE_MODULES).name}/.",
                hint="Run `make setup`: it installs the npm packages of package-lock.json.",
                obj=name,
                id="web.E001",
            )
            for name, source in VENDOR_FILES.items()
            if not Path(self.storage.path(name)).is_file()
        ]

    # Django renamed `all` to `find_all` in 5.2 and still passes both; its stubs know only the new one.
    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        everything = find_all or kwargs.get("all", False)
        if path not in VENDOR_FILES:
            return []
        found = self.storage.path(path)
        return [found] if everything else found

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        for name in VENDOR_FILES:
            if not matches_patterns(name, ignore_patterns or []):  # whitenoise gives None
                yield name, self.storage
