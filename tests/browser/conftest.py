"""Fixtures around tests/browser/support.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from tests.browser import support
from tests.campaigns.makers import make_draft


@pytest.fixture(scope="package")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One Chromium for the tests of this folder, ended before tests of other folders run.

    Playwright keeps an event loop running in this thread as long as it lives: Django takes that for async
    code, and asyncio tests could not start a loop of their own. So the database is set up before it.
    """
    with pytest.MonkeyPatch.context() as patch, support.running_chromium() as chromium:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=support.PATIENCE_MS)
        yield chromium


@pytest.fixture
def site(live_server: Any) -> str:
    return str(live_server.url)


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def draft(acme: Workspace, actor: Actor) -> Broadcast:
    return make_draft(acme, actor)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(width=390, dark=True, user=alice, base_url=live_server.url)`: a context of its own."""
    contexts = []

    def make(*, user: Any = None, base_url: str | None = None, **options: Any) -> Page:
        context = support.new_context(browser, base_url=base_url, **options)
        contexts.append(context)
        if user is not None:
            assert base_url, "signing in needs base_url=live_server.url"
            support.sign_in(context, user, base_url)
        return support.new_page(context)

    yield make
    for context in contexts:
        context.close()
