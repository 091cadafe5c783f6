"""What no text holds is refused by every endpoint and page, before a database or an answer meets it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Role, User, Workspace
from contacts.models import RecipientList
from tests.access import MISSING_ID
from tests.people import ApiClient, api_client
from tests.web.test_api_input import ALL, PROBLEM, WITH_BODY, Endpoint
from web.api_parsers import MOST_LEVELS
from web.texts import no_text_in, shown_text, without_halves

JSON = "application/json"


@pytest.fixture
def client(db: None) -> ApiClient:
    return api_client(Role.OWNER)


def sent(client: ApiClient, body: str, path: str = "/api/v1/campaigns/", method: str = "POST") -> Any:
    return client.generic(method, path, body, content_type=JSON)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\x00b", "\\u0000"),
        ("\udc80", "\\udc80"),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), None),
        ("", None),
        ("a\nb", None),
    ],
)
def test_what_no_text_holds(text: str, found: str | None) -> None:
    assert no_text_in(text) == found


def test_the_rest_can_be_shown() -> None:
    assert without_halves("a\ud800é") == "a\\ud800é"


# --- bodies of the API ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        (
            r'{"name": "a\ud800"}',
            "name",
            r'name holds \ud800 ("a\ud800"), which is half of a character. Send both halves, or the character'
            " itself in UTF-8.",
        ),
        (
            r'{"name": "a\u0000b"}',
            "name",
            r'name holds a NUL character ("a\u0000b"), which is no text. Remove it.',
        ),
        (
            r'{"na\udfffme": 1}',
            r"na\udfffme",
            r'na\udfffme holds \udfff ("na\udfffme"), which is half of a character. Send both halves, or the'
            " character itself in UTF-8.",
        ),
        (
            r'{"rows": [{}, {"x": ["\ud800"]}]}',
            "rows[1].x[0]",
            r'rows[1].x[0] holds \ud800 ("\ud800"), which is half of a character. Send both halves, or the'
            " character itself in UTF-8.",
        ),
        (
            r'{"password": "swordfish\ud800"}',
            "password",
            r"password holds \ud800 (not repeated here), which is half of a character. Send both halves, or the"
            " character itself in UTF-8.",
        ),
        (
            r'"\ud800"',
            "non_field_errors",
            r'non_field_errors holds \ud800 ("\ud800"), which is half of a character. Send both halves, or the'
            " character itself in UTF-8.",
        ),
    ],
)
def test_a_body_is_refused_by_field(client: ApiClient, body: str, field: str, sentence: str) -> None:
    response = sent(client, body)
    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)
    (error,) = response.json()["errors"]
    assert (error["field"], error["detail"], error["code"]) == (field, sentence, "no_text")


@pytest.mark.parametrize("endpoint", [one for one in WITH_BODY if not one.values[0].is_upload])  # type: ignore[attr-defined,union-attr]
def test_every_endpoint_refuses_them(client: ApiClient, endpoint: Endpoint) -> None:
    path = re.sub(r"\{\w+\}", MISSING_ID, endpoint.path)
    for body in (r'{"name": "\ud800"}', r'{"\ud800": {}}', r'{"text": "\u0000"}'):
        response = sent(client, body, path, endpoint.method.upper())
        assert response.status_code in (400, 404), response.content


def test_a_whole_character_in_two_halves_is_one(client: ApiClient) -> None:
    response = sent(client, r'{"name": "\ud83d\ude00"}')
    assert (response.status_code, response.json()["name"]) == (201, "\N{GRINNING FACE}")


def test_an_upload_is_read_alike(client: ApiClient) -> None:
    response = client.post("/api/v1/imports/", {"a\x00b": "x", "list": "\x00"}, format="multipart")
    assert response.status_code == 400
    assert {error["code"] for error in response.json()["errors"]} == {"no_text"}


@pytest.mark.parametrize(
    "body",
    [
        "[" * 200_000,
        "[" * 900 + "]" * 900,
        '{"a":' * 200_000,
        '{"a":' * (MOST_LEVELS + 1) + "1" + "}" * (MOST_LEVELS + 1),
    ],
)
def test_a_body_nested_too_deep_is_refused(client: ApiClient, body: str) -> None:
    response = sent(client, body)
    assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)
    assert response.json()["detail"].startswith("The body is nested more than 32 levels deep")


@pytest.mark.parametrize("path", ["/api/v1/campaigns/", "/api/v1/campaigns"])
def test_a_body_that_is_too_large_is_413(client: ApiClient, settings: Settings, path: str) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    response = sent(client, json.dumps({"name": "x" * 1024}), path)
    assert (response.status_code, response.headers["Content-Type"]) == (413, PROBLEM)
    assert response.json()["code"] == "too_large"
    assert response.json()["detail"] == (
        "The body is larger than 1.0\N{NO-BREAK SPACE}KB. Send less of it in each request; many people come as a"
        " file, by POST to /api/v1/imports/."
    )


# --- queries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [one for one in ALL if one.values[0].parameters])  # type: ignore[attr-defined,union-attr]
def test_every_parameter_of_the_api_is_a_text(client: ApiClient, endpoint: Endpoint) -> None:
    path = re.sub(r"\{\w+\}", MISSING_ID, endpoint.path)
    for name in endpoint.parameters:
        response = getattr(client, endpoint.method)(f"{path}?{name}=%00")
        assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)
        assert response.json()["errors"][0]["field"] == name


def test_a_parameter_in_a_strange_encoding(client: ApiClient) -> None:
    """In some, half a character can be written in letters."""
    for query in (r"name=\ud800", r"\ud800=1"):
        response = client.generic(
            "GET",
            "/api/v1/recipient-lists/",
            QUERY_STRING=query,
            content_type="text/plain; charset=raw_unicode_escape",
        )
        assert (response.status_code, response.headers["Content-Type"]) == (400, PROBLEM)


PAGES = [
    "/broadcasts/?q=",
    "/broadcasts/?tab=",
    "/broadcasts/?page=",
    "/lists/?q=",
    "/lists/?after=",
    "/lists/{list}/?q=",
    "/opt-outs/?q=",
    "/palette/?q=",
    "/imports/new/?list=",
    "/handset/?q=",
    "/login/?next=",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_refuses_them_in_its_query(alice_client: Client, acme: Workspace, page: str) -> None:
    path = page.format(list=RecipientList.objects.create(workspace=acme, name="Members").pk)
    response = alice_client.get(f"{path}a%00b")
    if response.status_code == 404:
        pytest.skip("not served here")
    assert response.status_code == 400
    assert "holds a NUL character" in response.content.decode()
    assert alice_client.get(f"{path}%ED%A0%80").status_code in (200, 302)


def test_a_name_in_a_query_too(alice_client: Client) -> None:
    assert alice_client.get("/lists/?%00=1").status_code == 400


def test_a_form_too(alice_client: Client, acme: Workspace) -> None:
    people = RecipientList.objects.create(workspace=acme, name="Members")
    response = alice_client.post(f"/lists/{people.pk}/people/remove/", {"all": "1", "query": "a\x00b"})
    assert response.status_code == 400
    assert "query holds a NUL character" in response.content.decode()


def test_a_password_is_not_repeated(client: ApiClient, alice: User) -> None:
    page = Client().post("/login/", {"login": alice.email, "password": "swordfish\x00"}).content.decode()
    assert "The text holds a NUL character in line 1, column 10" in page
    assert "swordfish" not in page
    assert alice.email in page


def test_a_cookie_that_is_no_text_is_none(alice: User) -> None:
    client = Client()
    client.cookies.load(r'sessionid="aaaaaaaa\000"')
    assert client.get("/lists/").status_code == 302


def test_a_form_that_is_too_large_is_413(alice_client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    response = alice_client.post(
        "/lists/", {"name": "x" * 2000}, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 413
    assert "The form holds more than 1.0" in response.content.decode()


NUL = "The text holds a NUL character in line 1, column 2"
FORMS: list[tuple[str, dict[str, str], str, str]] = [
    ("/templates/new/", {"name": "Kept", "text": "a\x00b"}, "text", "Kept"),
    ("/templates/new/", {"name": "a\x00b", "text": "Kept"}, "name", "Kept"),
    ("/spinners/new/", {"name": "Kept", "words": "a\x00b"}, "words", "Kept"),
    (
        "/links/new/",
        {"name": "a\x00b", "url": "https://example.com/kept"},
        "name",
        "https://example.com/kept",
    ),
    ("/links/new/", {"name": "Kept", "url": "h\x00ttps://example.com/"}, "url", "Kept"),
    ("/links/lists/new/", {"name": "a\x00b"}, "name", "a"),
    ("/senders/", {"value": "a\x00b", "countries": "GB"}, "value", "GB"),
    ("/senders/lists/", {"name": "a\x00b", "choice": "sticky"}, "name", "sticky"),
    ("/media/new/", {"name": "a\x00b"}, "name", "a"),
    ("/lists/new/", {"name": "a\x00b"}, "name", "a"),
    ("/campaigns/", {"name": "a\x00b", "starts_on": "2026-12-01"}, "name", "2026-12-01"),
    ("/opt-outs/lists/new/", {"list-name": "a\x00b"}, "name", "a"),
]


@pytest.mark.parametrize(
    ("path", "given", "field", "kept"), FORMS, ids=[f"{path} {field}" for path, _given, field, _kept in FORMS]
)
def test_a_form_with_a_nul_keeps_what_was_typed(
    alice_client: Client, acme: Workspace, path: str, given: dict[str, str], field: str, kept: str
) -> None:
    response = alice_client.post(path, given)
    assert response.status_code == 422
    assert any(error.startswith(NUL) for error in response.context["form"].errors[field])
    assert kept in response.content.decode()
    assert response.context["form"][field].value() in [shown_text(text) for text in given.values()]


def test_the_effect_of_a_text_with_a_nul_is_still_told(alice_client: Client, acme: Workspace) -> None:
    response = alice_client.post("/templates/effect/", {"text": "{{a\x00b}}"})
    assert response.status_code == 200
    assert "a\ufffdb" in response.content.decode()
