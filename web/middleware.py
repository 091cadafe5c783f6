"""One log line a request: method, path, status, milliseconds, and an id that the answer carries too."""

import time
import uuid
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from web.api import problem_response, wants_problem

log = structlog.get_logger("crier.web")
# Parts of an address that let their holder in: invitations, password resets, webhooks.
SECRET_PARTS = ("token", "key", "uidb36")
QUIET_PATHS = ("/static/", "/healthz", "/readyz", "/metrics", "/hooks/")


class RequestLogMiddleware:
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
    """A database that is away is told as such, with the sentence that helps; the log has the rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            return database_away(request, error)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_away(request, error) if isinstance(error, OperationalError | InterfaceError) else None


def database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("the database does not answer", error=type(error).__name__)
    sentence = _("The database does not answer just now. Nothing was changed; try again in a moment.")
    if wants_problem(request):
        return problem_response(503, str(sentence), "database_away")
    return HttpResponse(str(sentence), status=503, content_type="text/plain; charset=utf-8")


def loggable_path(request: HttpRequest) -> str:
    """The path with an ellipsis in place of its secret parts."""
    path = request.path
    match = request.resolver_match
    for name in SECRET_PARTS if match else ():
        value = match.kwargs.get(name) if match else None
        if isinstance(value, str) and value:
            path = path.replace(value, "…")
    return path
