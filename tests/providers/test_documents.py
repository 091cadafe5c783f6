"""docs/providers.md is what the connectors declare, and each provider has a page of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from providers.connectors import REGISTRY
from providers.documents import provider_docs

DOCS = Path(settings.BASE_DIR) / "docs"


def test_the_page_is_up_to_date() -> None:
    written = (DOCS / "providers.md").read_text(encoding="utf-8")
    assert written == provider_docs(), "run: python manage.py write_provider_docs"


@pytest.mark.parametrize("slug", list(REGISTRY))
def test_each_provider_has_a_page(slug: str) -> None:
    page = (DOCS / "providers" / f"{slug}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {REGISTRY[slug].label}")


@pytest.mark.parametrize("slug", list(REGISTRY))
def test_it_lists_each_operation(slug: str) -> None:
    page = provider_docs()
    for known in REGISTRY[slug].operations():
        assert f"| `{known.method} {known.path}` | `{known.name}` |" in page
