"""A body that is no JSON: told where, or what it may be, without the words of Python's reader."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import ApiClient, api_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> ApiClient:
    return api_client()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{'name': 1}", "The body is not JSON from line 1, column 2 on."),
        (b'{"name":\n "x",\n oops}', "The body is not JSON from line 3, column 2 on."),
        (b'{"name": NaN}', "holds a number that JSON has not"),
        (b'{"name": ' + b"9" * 5000 + b"}", "holds a number that JSON has not"),
        (b"\xff\xfe{", "not JSON in UTF-8"),
    ],
)
def test_it_is_told(client: ApiClient, body: bytes, words: str) -> None:
    response: Any = client.post("/api/v1/recipient-lists/", body, content_type="application/json")
    assert response.status_code == 400
    detail = response.json()["detail"]
    assert words in detail
    assert "Send an object" in detail
    assert "sys." not in detail
    assert "JSON parse error" not in detail
