"""What is done around every request: a log line, a database that is away, texts that are none."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.template import loader
from rest_framework.exceptions import ErrorDetail, ValidationError

from web.api import error_response, problem_response, wants_problem
from web.api_words import no_text
from web.database_trouble import code_of, is_full, sentence_of
from web.posted import NotText, guard, not_texts
from web.texts import no_text_in, without_halves

log = structlog.get_logger("crier.web")
# Parts of an address that let their holder in: invitations, password resets, webhooks.
SECRET_PARTS = ("token", "key", "uidb36")
VENDORS_DOOR = "/hooks/"
QUIET_PATHS = ("/static/", "/healthz", "/readyz", "/metrics", "/hooks/")


class RequestLogMiddleware:
    """One log line a request: method, path, status, milliseconds, and an id that the answer carries too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex[:12]
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        response.headers["X-Request-Id"] = request_id
        if not request.path.startswith(QUIET_PATHS):
            milliseconds = round((time.perf_counter() - started) * 1000)
            log.info(
                "request",
                method=request.method,
                path=loggable_path(request),
                status=response.status_code,
                ms=milliseconds,
                request_id=request_id,
            )
        return response


class DatabaseAwayMiddleware:
    """A database that is away is told as such, with the sentence that helps; the log has the rest.

    What another middleware asks of it comes here as an answer already: see web.views.server_error.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            return database_away(request, error)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_away(request, error) if isinstance(error, OperationalError | InterfaceError) else None


class TextsMiddleware:
    """No path, query, form or cookie holds what no text does: PostgreSQL refuses it where it is looked up.

    Forms tell it at their fields. Bodies of the API are its parsers' part, those of webhooks are kept as they come.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # No browser sends such a cookie, and none of ours holds any; a signed-out person is told enough.
        for name in [name for name, value in request.COOKIES.items() if no_text_in(value)]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.path.startswith(VENDORS_DOOR):
            return None
        if wants_problem(request):
            wrong = not_texts(request.GET)
            details = {
                without_halves(name): [ErrorDetail(no_text(without_halves(name), text), "no_text")]
                for name, text in wrong.items()
            }
            return error_response(ValidationError(details)) if wrong else None
        if any(isinstance(part, str) and no_text_in(part) for part in (*args, *kwargs.values())):
            raise Http404
        if wrong := not_texts(request.GET):
            name, text = next(iter(wrong.items()))
            return bad_request_page(request, NotText(name, text))
        _guard_form(request, view)
        return None


def _guard_form(request: HttpRequest, view: Callable[..., Any]) -> None:
    """Not where the view wants to look at the body before anybody reads it: it calls `guard` itself then."""
    if request.method != "POST" or getattr(view, "csrf_exempt", False):
        return
    try:
        guard(request)
    except UnreadablePostError:
        # The connection broke off; the check of the token, which comes next, refuses it.
        return


def bad_request_page(request: HttpRequest, error: NotText) -> HttpResponse:
    return render(request, "400.html", {"sentence": error.sentence}, status=400)


def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("the database fails", error=type(error).__name__, code=code_of(error))
    if wants_problem(request):
        return problem_response(503, sentence_of(error), code_of(error))
    page = loader.get_template("503.html").render({"sentence": sentence_of(error), "is_full": is_full(error)})
    return HttpResponse(page, status=503, headers={"Retry-After": "5"})


def loggable_path(request: HttpRequest) -> str:
    """The path with an ellipsis in place of its secret parts."""
    path = request.path
    match = request.resolver_match
    for name in SECRET_PARTS if match else ():
        value = match.kwargs.get(name) if match else None
        if isinstance(value, str) and value:
            path = path.replace(value, "…")
    return path
