"""The API as a page: what it reads out of an OpenAPI document, and that it shows ours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from web.api_page import Group, Operation, Reader, groups

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/api/v1/recipient-lists/": {
            "get": {
                "operationId": "recipient_lists_list",
                "description": "All lists.\n\nNewest first.",
                "tags": ["recipient-lists"],
                "parameters": [
                    {
                        "name": "cursor",
                        "in": "query",
                        "schema": {"type": "string"},
                        "description": "From next.",
                    }
                ],
                "responses": {
                    "200": {
                        "description": "One page.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}},
                    }
                },
            },
            "post": {
                "operationId": "recipient_lists_create",
                "summary": "Make a list",
                "tags": ["recipient-lists"],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {"schema": {"type": "object"}},
                        "application/json": {"schema": {"$ref": "#/components/schemas/ListRequest"}},
                    }
                },
                "responses": {"201": {"description": ""}},
            },
        },
        "/api/v1/imports/": {
            "post": {
                "operationId": "imports_create",
                "tags": ["imports"],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["file", "list"],
                                "properties": {
                                    "file": {"type": "string", "format": "binary"},
                                    "list": {"type": "integer"},
                                    "truncate": {"type": "boolean"},
                                },
                            }
                        }
                    }
                },
                "responses": {},
            }
        },
    },
    "components": {
        "schemas": {
            "Kind": {"type": "string", "enum": ["base", "single"]},
            "Page": {
                "type": "object",
                "required": ["results"],
                "properties": {
                    "next": {"type": ["string", "null"], "format": "uri"},
                    "results": {"type": "array", "items": {"$ref": "#/components/schemas/List"}},
                },
            },
            "List": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer"},
                    "kind": {
                        "allOf": [{"$ref": "#/components/schemas/Kind"}],
                        "description": "What `it` is: <b>.\n\n* `base` - Base\n* `single` - Single",
                    },
                    "people": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"x": {"type": "number"}}},
                    },
                },
            },
            "ListRequest": {
                "type": "object",
                "required": ["name", "kind"],
                "properties": {
                    "name": {"type": "string", "example": "It's new"},
                    "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                    "enabled": {"type": "boolean", "default": True},
                },
            },
        }
    },
}


@pytest.fixture
def read(settings: Settings) -> list[Group]:
    settings.PUBLIC_URL = "https://crier.example.com"
    return Reader(DOCUMENT).groups()


def operation(read: list[Group], anchor: str) -> Operation:
    return next(one for group in read for one in group.operations if one.anchor == anchor)


def test_it_works(read: list[Group]) -> None:
    assert [(group.name, group.anchor, len(group.operations)) for group in read] == [
        ("Imports", "imports", 1),
        ("Recipient lists", "recipient-lists", 2),
    ]
    listed = operation(read, "recipient_lists_list")
    assert (listed.method, listed.path) == ("GET", "/api/v1/recipient-lists/")
    assert (listed.summary, listed.description) == ("All lists.", "Newest first.")


def test_parameters(read: list[Group]) -> None:
    [cursor] = operation(read, "recipient_lists_list").parameters
    assert (cursor.name, cursor.type, cursor.required) == ("cursor", "string, in the query", False)


def test_answers_follow_references(read: list[Group]) -> None:
    [answer] = operation(read, "recipient_lists_list").answers
    assert [(one.name, one.type, one.required) for one in answer.fields] == [
        ("next", "uri or null", False),
        ("results", "list of object", True),
        ("results[].id", "integer", True),
        ("results[].kind", "one of base, single", False),
        ("results[].people", "list of object", False),
        ("results[].people[].x", "number", False),
    ]
    assert answer.fields[3].description == 'What <span class="mono">it</span> is: &lt;b&gt;.'


def test_json_is_preferred_and_sampled_with_what_is_required(read: list[Group]) -> None:
    created = operation(read, "recipient_lists_create")
    assert created.body_type == "application/json"
    assert [one.type for one in created.body] == ["string", "one of base, single or null", "boolean"]
    assert created.curl == (
        "curl -X POST \\\n"
        '  -H "Authorization: Bearer $CRIER_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"name": "It\'"\'"\'s new", "kind": "base"}\' \\\n'
        "  https://crier.example.com/api/v1/recipient-lists/"
    )


def test_files_are_sampled_as_forms(read: list[Group]) -> None:
    assert operation(read, "imports_create").curl.splitlines()[2:4] == [
        "  -F file=@people.csv \\",
        "  -F list=1 \\",
    ]


def test_a_schema_that_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Tree"}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}
    document = {
        "paths": {"/t/": {"post": {"tags": ["t"], "requestBody": body, "responses": {}}}},
        "components": {"schemas": {"Tree": tree}},
    }
    [group] = Reader(document).groups()
    assert group.operations[0].body[-1].name == "inner.inner.inner.inner"


def test_the_page_is_public(alice: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.api_page.groups", lambda: Reader(DOCUMENT).groups())
    page = client.get("/api/v1/").content.decode()
    assert "/api/v1/recipient-lists/" in page
    assert "Sign out" not in page


def test_the_page_shows_every_endpoint(db: None, alice_client: Client) -> None:
    response = alice_client.get("/api/v1/")
    assert response.status_code == 200
    page = response.content.decode()
    for group in groups():
        for one in group.operations:
            assert f'id="{one.anchor}"' in page
    assert page.count("<h1") == 1
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page), "the CSP forbids it"
    assert not re.search(r"""(src|href)=["']https?://(?!127\.0\.0\.1)""", page), "no foreign assets"
