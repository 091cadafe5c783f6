"""The handset: what arrived at the sandbox's phones, and what their holders write back.

The sandbox is one for the whole installation; a workspace sees the texts of its own accounts there, and what is
written back reaches its webhooks alone. Only the dial is shared.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, marketer_page, viewer_page
from accounts.models import Role, role_allows
from providers.forms import DialForm, ReplyForm
from providers.handset_taps import PERSON, TAPPERS, links_of, tap
from providers.sandbox_client import Dial, SandboxClient, SandboxTrouble
from providers.services import sandbox_names
from web.toasts import htmx_toast, toast


@require_GET
@viewer_page
def handset(request: WorkspaceRequest, msisdn: int | None = None) -> HttpResponse:
    """Numbers left, the thread of one right: of `msisdn`, else of the latest."""
    if not settings.SANDBOX_URL:
        return render(request, "providers/handset_none.html")
    return _page(request, str(msisdn) if msisdn else "")


@require_GET
@viewer_page
def numbers(request: WorkspaceRequest) -> HttpResponse:
    """The live list; `?current=` is marked."""
    return render(
        request, "providers/_handset_numbers.html", _numbers(request, request.GET.get("current", ""))
    )


@require_GET
@viewer_page
def thread(request: WorkspaceRequest, msisdn: int) -> HttpResponse:
    return render(request, "providers/_handset_thread.html", _thread(request, str(msisdn)))


@require_POST
@marketer_page
def reply(request: WorkspaceRequest, msisdn: int) -> HttpResponse:
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            _client(request).reply(str(msisdn), form.cleaned_data["text"])
        except SandboxTrouble as trouble:
            form.add_error("text", str(trouble.sentence))
        else:
            return _after_reply(request, str(msisdn))
    if request.htmx:
        context = _phone(request, str(msisdn)) | {"reply_form": form}
        return render(request, "providers/_handset_phone.html", context, status=422)
    return _page(request, str(msisdn), status=422, reply_form=form)


@require_GET
@viewer_page
def links(request: WorkspaceRequest, msisdn: int) -> HttpResponse:
    """The links of the newest texts, asked for when they are opened: what is polled holds nothing that has the focus."""
    return render(request, "providers/_handset_links.html", _phone(request, str(msisdn)))


@require_POST
@marketer_page
def tap_link(request: WorkspaceRequest, msisdn: int) -> HttpResponse:
    """`url`: one of its texts' links; `as`: person or machine."""
    url, tapper = request.POST.get("url", ""), request.POST.get("as", PERSON)
    words, level = _tapped(request, str(msisdn), url, tapper)
    if request.htmx:
        page = render(request, "providers/_handset_links.html", _phone(request, str(msisdn)))
        return htmx_toast(page, words, level=level)
    toast(request, words, level=level)
    return redirect("handset-number", msisdn)


def _tapped(request: WorkspaceRequest, msisdn: str, url: str, tapper: str) -> tuple[str, str]:
    """A sentence, and its level."""
    try:
        if tapper not in dict(TAPPERS) or url not in _phone(request, msisdn)["links"]:
            raise SandboxTrouble(_("This link is in none of the newest texts. Look again."))
        led_to = tap(request.workspace, url, tapper)
    except SandboxTrouble as trouble:
        return str(trouble.sentence), "error"
    if not led_to:
        return _("Tapped: a page answered."), "success"
    return _("Tapped: it led to %(url)s.") % {"url": led_to[:100]}, "success"


@require_POST
@marketer_page
def turn_dial(request: WorkspaceRequest) -> HttpResponse:
    client = SandboxClient()
    try:
        form = DialForm(request.POST, dial=client.dial())
        if not form.is_valid():
            return _page(request, "", status=422, dial_form=form)
        chosen = form.cleaned_data
        client.turn_dial(Dial(chosen["outcome"], form.delay_ms(), chosen["line"]))
    except SandboxTrouble as trouble:
        toast(request, trouble.sentence, level="error")
    else:
        toast(request, _("The sandbox does so with the texts that come next."))
    return redirect("handset")


def _after_reply(request: WorkspaceRequest, msisdn: str) -> HttpResponse:
    if request.htmx:
        return render(request, "providers/_handset_phone.html", _phone(request, msisdn))
    return redirect("handset-number", msisdn)


def _page(request: WorkspaceRequest, msisdn: str, status: int = 200, **refused: Any) -> HttpResponse:
    context = _numbers(request, msisdn)
    if not msisdn and context["handsets"]:
        msisdn = context["current"] = context["handsets"][0].msisdn
    context |= _phone(request, msisdn) if msisdn else {"msisdn": ""}
    context |= {"shared": sandbox_names(request.workspace).shared}
    context |= {"dial_form": _dial_form(), "may_write": _may_write(request)} | refused
    if context.get("thread_missing") and status == 200:
        status = 404
    return render(request, "providers/handset.html", context, status=status)


def _numbers(request: WorkspaceRequest, current: str) -> dict[str, Any]:
    search = request.GET.get("q", "").strip()[:50]
    context: dict[str, Any] = {
        "handsets": [],
        "total": 0,
        "trouble": "",
        "current": current,
        "search": search,
    }
    try:
        context["handsets"], context["total"] = _client(request).handsets(search)
    except SandboxTrouble as trouble:
        context["trouble"] = trouble.sentence
    return context


def _phone(request: WorkspaceRequest, msisdn: str) -> dict[str, Any]:
    context = _thread(request, msisdn)
    context |= {"links": links_of(request.workspace, context["texts"]), "tappers": TAPPERS}
    return context | {"reply_form": ReplyForm(), "may_write": _may_write(request)}


def _thread(request: WorkspaceRequest, msisdn: str) -> dict[str, Any]:
    context: dict[str, Any] = {"msisdn": msisdn, "texts": [], "thread_trouble": "", "thread_missing": False}
    try:
        context["texts"] = _client(request).thread(msisdn)
    except SandboxTrouble as trouble:
        context |= {"thread_trouble": trouble.sentence, "thread_missing": not trouble.gone}
    return context


def _dial_form() -> DialForm | None:
    try:
        return DialForm(dial=SandboxClient().dial())
    except SandboxTrouble:
        return None


def _client(request: WorkspaceRequest) -> SandboxClient:
    return SandboxClient(accounts=sandbox_names(request.workspace).own)


def _may_write(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
