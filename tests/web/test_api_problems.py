"""Errors of the API as RFC 9457 problem details: one shape everywhere; and error pages for people."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework import exceptions, serializers
from rest_framework.views import APIView

from web import views
from web.api import Conflict, problem, problem_handler

FACTORY = RequestFactory()


def handled(error: Exception) -> Any:
    return problem_handler(error, {"view": APIView()})


@pytest.mark.parametrize(
    ("error", "status", "title", "code"),
    [
        (exceptions.NotAuthenticated(), 401, "Unauthorized", "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "Forbidden", "permission_denied"),
        (PermissionDenied(), 403, "Forbidden", "permission_denied"),
        (Http404(), 404, "Not Found", "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "Method Not Allowed", "method_not_allowed"),
        (
            exceptions.UnsupportedMediaType("text/csv"),
            415,
            "Unsupported Media Type",
            "unsupported_media_type",
        ),
        (exceptions.ParseError(), 400, "Bad Request", "parse_error"),
        (Conflict("It is paused.", "paused"), 409, "Conflict", "paused"),
    ],
)
def test_every_error_has_the_same_shape(error: Exception, status: int, title: str, code: str) -> None:
    response = handled(error)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.data
    assert (body["type"], body["title"], body["status"], body["code"]) == ("about:blank", title, status, code)
    assert body["detail"]


def test_an_error_of_ours_is_left_to_the_500_page() -> None:
    assert handled(ValueError("secret words")) is None


def test_throttling_says_when_to_come_back() -> None:
    assert handled(exceptions.Throttled(wait=31.4))["Retry-After"] == "32"


def test_a_conflict_may_carry_more() -> None:
    assert handled(Conflict("Changed.", "edited", version=7)).data["version"] == 7


class Number(serializers.Serializer[Any]):
    msisdn = serializers.CharField(max_length=3)


class People(serializers.Serializer[Any]):
    name = serializers.CharField()
    recipients = Number(many=True)

    def validate(self, attrs: Any) -> Any:
        raise serializers.ValidationError("All of it is wrong.", code="nonsense")


def test_bad_fields_are_named_with_their_place() -> None:
    serializer = People(data={"recipients": [{"msisdn": "1"}, {"msisdn": "12345"}]})
    with pytest.raises(serializers.ValidationError) as refused:
        serializer.is_valid(raise_exception=True)
    body = problem(refused.value)
    assert body["code"] == "invalid"
    assert {(e["field"], e["code"]) for e in body["errors"]} == {
        ("name", "required"),
        ("recipients[1].msisdn", "max_length"),
    }
    assert "This field is required." in body["detail"]


def test_an_error_of_the_whole_is_no_fields() -> None:
    serializer = People(data={"name": "A", "recipients": []})
    with pytest.raises(serializers.ValidationError) as refused:
        serializer.is_valid(raise_exception=True)
    assert problem(refused.value)["errors"] == [
        {"field": "non_field_errors", "detail": "All of it is wrong.", "code": "nonsense"}
    ]


def test_an_unknown_address_below_the_api_is_a_problem(db: None, client: Client) -> None:
    response = client.get("/api/v1/no-such-thing/")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_an_unknown_page_is_a_page(alice_client: Client) -> None:
    response = alice_client.get("/no-such-page/")
    assert response.status_code == 404
    assert "text/html" in response.headers["Content-Type"]
    assert response.content.decode().count("<h1") == 1


@pytest.mark.parametrize(
    ("handler", "status"),
    [(views.bad_request, 400), (views.forbidden, 403), (views.not_found, 404)],
)
@pytest.mark.parametrize("path", ["/api/v1/x/", "/x/"])
def test_handlers(db: None, handler: Any, status: int, path: str) -> None:
    request = FACTORY.get(path)
    response = handler(request, SuspiciousOperation("words that stay inside"))
    assert response.status_code == status
    assert "words that stay inside" not in response.content.decode()
    kind = "application/problem+json" if path.startswith("/api/") else "text/html; charset=utf-8"
    assert response.headers["Content-Type"] == kind


@pytest.mark.parametrize("path", ["/api/v1/x/", "/x/"])
def test_the_500_page_asks_no_database(path: str) -> None:
    """Without the db fixture any query fails."""
    response = views.server_error(FACTORY.get(path))
    assert response.status_code == 500
    assert "logged" in response.content.decode()
