"""What all API endpoints share: cursor pages and errors as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from web.api_words import sent_value, shown
from web.database_trouble import code_of, sentence_of

PROBLEM_TYPE = "application/problem+json"
MOST_SENTENCES = 5
TOO_LARGE = 2**63  # the database's whole numbers end before
LONGEST_NUMBER = 1000  # digits


class Conflict(exceptions.APIException):
    """The request is sound, but the thing's state does not allow it."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"

    def __init__(self, detail: Any, code: str = "conflict", **extra: Any) -> None:
        super().__init__(detail, code)
        self.extra = extra


class TooLarge(exceptions.APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class DatabaseAway(exceptions.APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE


def _no_key() -> str:
    return _(
        "No API key came with the request. Send it as `Authorization: Bearer KEY` or as `apikey: KEY`; keys are made under"
        " Settings, API keys."
    )


class CursorPages(CursorPagination):
    """`?cursor=…&page_size=…`, newest first; stable while rows are added."""

    page_size = 50
    max_page_size = 1000
    page_size_query_param = "page_size"
    ordering = "-id"

    def get_page_size(self, request: Request) -> int | None:
        raw = request.query_params.get(self.page_size_query_param)
        if raw is None:
            return self.page_size
        if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and 1 <= int(raw) <= self.max_page_size):
            sentence = _("page_size is %(value)s: send a whole number from 1 to %(most)d.") % {
                "value": shown(raw),
                "most": self.max_page_size,
            }
            raise exceptions.ValidationError({"page_size": [exceptions.ErrorDetail(sentence, "invalid")]})
        return int(raw)

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound:
            sentence = _(
                "cursor is %(value)s, which is none of ours: leave it out to begin, then follow “next”."
            ) % {"value": shown(request.query_params[self.cursor_query_param])}
            raise exceptions.ValidationError(
                {"cursor": [exceptions.ErrorDetail(sentence, "invalid")]}
            ) from None


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: None (a 500 elsewhere) for what is not an API error."""
    request = context.get("request")
    if isinstance(error, Http404) or (isinstance(error, exceptions.NotFound) and _is_stock(error)):
        error = exceptions.NotFound(_nothing_here(request))
    elif isinstance(error, exceptions.MethodNotAllowed) and request is not None:
        error = _not_allowed(error, context["view"], request)
    elif isinstance(error, exceptions.UnsupportedMediaType):
        error = _not_read(error, context["view"])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge(_body_too_large())
    elif isinstance(error, OperationalError | InterfaceError):
        error = DatabaseAway(sentence_of(error), code_of(error))
    elif isinstance(error, OverflowError | DataError):
        # A number that no row can have: SQLite's driver and PostgreSQL each say so in their own way.
        error = exceptions.ValidationError(_too_large(_sent(request)))
    elif isinstance(error, exceptions.NotAuthenticated):
        error.detail = exceptions.ErrorDetail(_no_key(), "not_authenticated")
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    body = problem(error, _sent(request))
    response = Response(body, status=error.status_code, content_type=PROBLEM_TYPE)
    for header, attribute in (("WWW-Authenticate", "auth_header"), ("Retry-After", "wait")):
        value = getattr(error, attribute, None)
        if value:
            response[header] = str(int(value)) if attribute == "wait" else value
    return response


def _body_too_large() -> str:
    return _(
        "The body is larger than %(limit)s. Send less of it in each request; many people come as a file, by"
        " POST to /api/v1/imports/."
    ) % {"limit": filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}


def _too_large(sent: Mapping[str, Any]) -> Any:
    """The fields whose whole numbers no row can have; a sentence where none is found."""
    errors = {
        path: [
            exceptions.ErrorDetail(
                _("%(field)s is %(value)s, larger than any number here: send a smaller one.")
                % {"field": path, "value": shown(value)},
                "max_value",
            )
        ]
        for path, value in _numbers(sent)
        if abs(value) >= TOO_LARGE
    }
    return errors or _("A number in the request is too large, or a value does not fit. Send a smaller one.")


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _numbers(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, f"{path}[{index}]")
    elif isinstance(value, int):
        yield path, value
    elif isinstance(value, str) and len(value) < LONGEST_NUMBER and value.isascii() and value.isdigit():
        yield path, int(value)


def _is_stock(error: exceptions.NotFound) -> bool:
    return str(error.detail) == str(exceptions.NotFound.default_detail)


def _nothing_here(request: HttpRequest | Request | None) -> str:
    if request is None:
        return _("There is nothing at this address.")
    return _(
        "There is nothing at %(path)s in the workspace of this key. Check the id: what was deleted, or belongs to"
        " another workspace, is not found. All addresses: /api/v1/."
    ) % {"path": request.path}


def _not_allowed(error: exceptions.MethodNotAllowed, view: Any, request: Request) -> exceptions.APIException:
    words = {"method": request.method, "path": request.path, "allowed": ", ".join(view.allowed_methods)}
    return exceptions.MethodNotAllowed(
        str(request.method), _("%(method)s is not allowed at %(path)s. Allowed: %(allowed)s.") % words
    )


def _not_read(error: exceptions.UnsupportedMediaType, view: Any) -> exceptions.APIException:
    words = {"detail": error.detail, "known": ", ".join(one.media_type for one in view.get_parsers())}
    return exceptions.UnsupportedMediaType("", _("%(detail)s Send %(known)s.") % words)


def _sent(request: Request | None) -> Mapping[str, Any]:
    """The query's parameters and the body's fields, as far as they can be read."""
    if request is None or not isinstance(request, Request):
        return {}
    # Not request.data: what was refused before it was read stays unread.
    body = getattr(request, "_full_data", None)
    return {**request.query_params.dict(), **(body if isinstance(body, Mapping) else {})}


def problem(error: exceptions.APIException, sent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """{"type", "title", "status", "detail", "code"}, and for bad fields
    "errors": [{field, detail, code}], with the "value" that came in `sent`, cut, unless it may be a secret.
    """
    status = HTTPStatus(error.status_code)
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": int(status)}
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flatten(error.get_full_details()))
        for one in errors:
            value = sent_value(sent or {}, one["field"]) if one["code"] != "unknown_field" else None
            one |= {} if value is None else {"value": value}
        body |= {"detail": _summary(errors), "code": "invalid", "errors": errors}
    else:
        details: Any = error.get_full_details()
        first = (
            details if isinstance(details, dict) and "message" in details else {"message": str(error.detail)}
        )
        body |= {"detail": str(first["message"]), "code": str(first.get("code", error.default_code))}
    return body | getattr(error, "extra", {})


def _summary(errors: list[dict[str, str]]) -> str:
    """The first sentences; a thousand rows can be wrong in the same way."""
    sentences = [one["detail"] for one in errors[:MOST_SENTENCES]]
    if more := len(errors) - len(sentences):
        sentences.append(_("And %(count)d more, see “errors”.") % {"count": more})
    return " ".join(sentences)


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


def error_response(error: exceptions.APIException) -> JsonResponse:
    """The same for errors met before a view was called."""
    return JsonResponse(problem(error), status=error.status_code, content_type=PROBLEM_TYPE)


def wants_problem(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
