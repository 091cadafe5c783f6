"""A database that is away: every page and the API say so with a sentence, whoever asks it first."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from accounts.models import User
from tests.people import client_of

pytestmark = pytest.mark.django_db

SENTENCE = "The database does not answer just now. Nothing was changed; try again in a moment."


def fail_with(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError(words)

    monkeypatch.setattr(CursorWrapper, "execute", refuse)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with("the connection is lost", monkeypatch)


@pytest.mark.parametrize("path", ["/", "/broadcasts/", "/lists/", "/setup/", "/login/", "/nope/", "/admin/"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_page_says_so(path: str, signed_in: bool, bob: User, request: pytest.FixtureRequest) -> None:
    client = client_of(bob) if signed_in else Client()
    client.raise_request_exception = False
    request.getfixturevalue("away")
    response = client.get(path)
    assert response.status_code == 503
    assert SENTENCE in response.content.decode()
    assert "Traceback" not in response.content.decode()


def test_the_api_says_so(request: pytest.FixtureRequest) -> None:
    client = Client(headers={"authorization": "Bearer crier_nobody_nothing"}, raise_request_exception=False)
    request.getfixturevalue("away")
    response = client.get("/api/v1/broadcasts/")
    assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
    assert response.json()["detail"] == SENTENCE


@pytest.mark.parametrize(
    "words", ["database or disk is full", 'could not extend file "base/1": No space left on device']
)
def test_a_full_disk_is_called_so(words: str, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    client.raise_request_exception = False
    fail_with(words, monkeypatch)
    page = client.get("/lists/")
    assert page.status_code == 503
    assert "The disk is full" in page.content.decode()
    assert "make room on it, then try again" in page.content.decode()
    assert "does not answer" not in page.content.decode()
    problem = (
        Client(headers={"authorization": "Bearer crier_nobody_nothing"}).get("/api/v1/broadcasts/").json()
    )
    assert problem["code"] == "disk_full"
    assert "base/1" not in str(problem)
