"""Addresses for tests of the frame alone: a stand-in for each page of the menu, sign-in, styleguide."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path

from web.navigation import NAVIGATION
from web.toasts import htmx_toast, toast

PAGE = """{% extends "base.html" %}{% load crier %}
{% block title %}Stand-in{% endblock %}
{% block heading %}{{ request.path }}{% endblock %}
{% block actions %}<a class="btn" data-key-new href="/new/">New</a>{% endblock %}
{% block content %}
<input class="input search-field" type="search" aria-label="Search">
<button type="button" class="btn" id="tell" hx-post="/tell/" hx-swap="none">Tell</button>
<button type="button" class="btn" id="forbidden" hx-get="/forbidden/" hx-target="#refusal">Forbidden</button>
<form method="post" action="/refuse/" hx-post="/refuse/" hx-target="#refusal" hx-swap="innerHTML">
  <button class="btn">Send</button>
</form>
<div id="refusal"></div>
{% endblock %}"""

REFUSED = (
    """<div class="error-summary" data-error-summary tabindex="-1" role="alert"><h2>Mend this</h2></div>"""
)


@login_required
def stand_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def tell(request: HttpRequest) -> HttpResponse:
    return htmx_toast(HttpResponse(status=204), "Removed <b>3</b> people", undo_url="/undo/")


def undo(request: HttpRequest) -> HttpResponse:
    toast(request, "They are back" if request.method == "POST" else "That was no POST")
    return stand_in(request)


def forbidden(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret", status=403)


def refuse(request: HttpRequest) -> HttpResponse:
    return HttpResponse(REFUSED, status=422)


def search(request: HttpRequest) -> JsonResponse:
    words = request.GET["q"]
    return JsonResponse(
        {"results": [{"label": f"Found {words}", "detail": "Broadcast", "url": "/broadcasts/7/"}]}
    )


urlpatterns = [
    *(
        path(
            (item.prefix or f"/{'' if item.url_name == 'home' else item.url_name}").lstrip("/"),
            stand_in,
            name=item.url_name,
        )
        for item in NAVIGATION
    ),
    path("broadcasts/7/", stand_in),
    path("new/", stand_in),
    path("tell/", tell),
    path("undo/", undo),
    path("forbidden/", forbidden),
    path("refuse/", refuse),
    path("setup/", stand_in, name="setup"),
    path("palette/", search, name="palette"),
    path("", include("web.urls")),
    path("", include("allauth.account.urls")),
    path("two-step/", include("allauth.mfa.urls")),
]

handler400 = "web.views.bad_request"
handler403 = "web.views.forbidden"
handler404 = "web.views.not_found"
handler500 = "web.views.server_error"
