"""What all API endpoints share: cursor pages and errors as RFC 9457 problem details."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

PROBLEM_TYPE = "application/problem+json"


class Conflict(exceptions.APIException):
    """The request is sound, but the thing's state does not allow it."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"

    def __init__(self, detail: Any, code: str = "conflict", **extra: Any) -> None:
        super().__init__(detail, code)
        self.extra = extra


class DatabaseAway(exceptions.APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = _lazy(
        "The database does not answer just now. Nothing was changed; try again in a moment."
    )
    default_code = "database_away"


class CursorPages(CursorPagination):
    """`?cursor=…&page_size=…`, newest first; stable while rows are added."""

    page_size = 50
    max_page_size = 1000
    page_size_query_param = "page_size"
    ordering = "-id"


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: None (a 500 elsewhere) for what is not an API error."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, OperationalError | InterfaceError):
        error = DatabaseAway()
    elif isinstance(error, OverflowError | DataError):
        # A number that no row can have: SQLite's driver and PostgreSQL each say so in their own way.
        error = exceptions.ValidationError(
            _("A number in the request is too large, or a value does not fit.")
        )
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    response = Response(problem(error), status=error.status_code, content_type=PROBLEM_TYPE)
    for header, attribute in (("WWW-Authenticate", "auth_header"), ("Retry-After", "wait")):
        value = getattr(error, attribute, None)
        if value:
            response[header] = str(int(value)) if attribute == "wait" else value
    return response


def problem(error: exceptions.APIException) -> dict[str, Any]:
    """{"type", "title", "status", "detail", "code"}, and for bad fields "errors": [{field, detail, code}]."""
    status = HTTPStatus(error.status_code)
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": int(status)}
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flatten(error.get_full_details()))
        body |= {"detail": " ".join(e["detail"] for e in errors), "code": "invalid", "errors": errors}
    else:
        details: Any = error.get_full_details()
        first = (
            details if isinstance(details, dict) and "message" in details else {"message": str(error.detail)}
        )
        body |= {"detail": str(first["message"]), "code": str(first.get("code", error.default_code))}
    return body | getattr(error, "extra", {})


def _flatten(details: Any, path: str = "") -> Any:
    if isinstance(details, dict) and "message" in details and "code" in details:
        yield {
            "field": path or "non_field_errors",
            "detail": str(details["message"]),
            "code": str(details["code"]),
        }
    elif isinstance(details, dict):
        for name, inner in details.items():
            # DRF keys the rows of a nested list by their number.
            step = f"[{name}]" if isinstance(name, int) else f".{name}" if path else str(name)
            yield from _flatten(inner, path + step)
    else:
        for index, inner in enumerate(details):
            nested = isinstance(inner, dict) and "message" not in inner
            yield from _flatten(inner, f"{path}[{index}]" if nested else path)


def problem_response(status: int, detail: str, code: str) -> JsonResponse:
    """For answers outside DRF's views (404 of an unknown address, 500)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return JsonResponse(body, status=status, content_type=PROBLEM_TYPE)


def wants_problem(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
