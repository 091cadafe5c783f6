"""Error pages, and the styleguide of the components."""

from __future__ import annotations

import sys
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from web.api import problem_response, wants_problem
from web.middleware import database_away
from web.posted import NotText
from web.styleguide import styleguide_context
from web.uploads import UploadTooLarge


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, UploadTooLarge):
        return _upload_too_large(request, exception)
    if wants_problem(request):
        return problem_response(400, _("The request could not be understood."), "bad_request")
    if isinstance(exception, RequestDataTooBig):
        limit = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        sentence = _(
            "The form holds more than %(limit)s. Go back and send less at once; many people come as a file."
        )
        return render(request, "400.html", {"sentence": sentence % {"limit": limit}}, status=413)
    sentence = exception.sentence if isinstance(exception, NotText) else ""
    return render(request, "400.html", {"sentence": sentence}, status=400)


def _upload_too_large(request: HttpRequest, error: UploadTooLarge) -> HttpResponse:
    """Answered without having read all of the body, so the connection cannot be used again."""
    sentence = _(
        "The file has more than %(limit)s, which is all that is taken here. Make it smaller, or split it."
    )
    sentence %= {"limit": filesizeformat(error.most)}
    if wants_problem(request):
        return problem_response(413, sentence, "too_large")
    response = render(request, "400.html", {"sentence": sentence}, status=413)
    response.headers["Connection"] = "close"
    return response


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_problem(request):
        return problem_response(403, _("Your role does not allow this."), "forbidden")
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_problem(request):
        return problem_response(404, _("There is nothing at this address."), "not_found")
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: they may ask the very database that has just failed."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return database_away(request, error)
    if wants_problem(request):
        return problem_response(500, _("Crier made an error. It has been logged."), "server_error")
    return HttpResponse(loader.get_template("500.html").render(_request_id()), status=500)


def _request_id() -> dict[str, Any]:
    """The id that the log lines of this request carry: what a person quotes when asking for help."""
    return {"request_id": structlog.contextvars.get_contextvars().get("request_id", "")}


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component once; for developers only."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "web/styleguide.html", styleguide_context())
