"""Addresses below /api/ that no endpoint took: a slash forgotten at the end, or nothing at all."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from web.api import problem_response


@csrf_exempt  # what it hands on to is let in by a key, not by a cookie
def rest_of_api(request: HttpRequest) -> HttpResponseBase:
    """Serves the address with its slash, as clients lose bodies and keys on a redirect; else a 404 problem."""
    if not request.path_info.endswith("/"):
        try:
            match = resolve(f"{request.path_info}/")
        except Resolver404:
            return _nothing(request)
        if match.func is not rest_of_api:
            request.resolver_match = match
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            return response
    return _nothing(request)


def _nothing(request: HttpRequest) -> HttpResponseBase:
    sentence = _("There is no address %(path)s in this API. All of them are listed at /api/v1/.")
    return problem_response(404, sentence % {"path": request.path[:200]}, "not_found")
