"""Pages of templates."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, Workspace, role_allows
from messaging.content import compile_contents
from messaging.edited import seen_of
from messaging.errors import MessagingError
from messaging.models import Template
from messaging.texts.effect import SAMPLES, parts_range
from messaging.texts.forms import TemplateForm, add_refusal
from messaging.texts.listing import listing_of, searched, templates_found
from messaging.texts.menu import columns_of, inserts, named_groups, token_menu
from messaging.texts.templates import (
    MOST_CHARACTERS,
    change_template,
    create_template,
    duplicate_template,
    effect_of,
    set_template_enabled,
)
from messaging.texts.users import begun_from, counts_by_template
from sms.parts import GSM_BASIC, GSM_EXTENSION, LIMITS, swap_smart
from web.posted import Posted, marked
from web.texts import shown_text
from web.toasts import toast

form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def template_list(request: WorkspaceRequest) -> HttpResponse:
    """The page; for htmx its table alone."""
    rows = _templates(request)
    listing = listing_of(request, rows, templates_found(rows, searched(request)))
    context = {
        "listing": listing,
        "rows": _rows(request.workspace, listing.rows),
        "may_change": _may_change(request),
    }
    template = "messaging/_templates.html" if request.htmx else "messaging/templates.html"
    return render(request, template, context)


def _rows(workspace: Workspace, templates: list[Template]) -> list[dict[str, Any]]:
    if not templates:
        return []
    counts = counts_by_template([template.pk for template in templates])
    contents = compile_contents(workspace.pk, [template.text for template in templates])
    return [
        {
            "template": template,
            "range": parts_range(content),
            "start": " ".join(template.text[:200].split()),
            "used_by": counts[template.pk],
        }
        for template, content in zip(templates, contents, strict=True)
    ]


@form_page
@marketer_page
def template_new(request: WorkspaceRequest) -> HttpResponse:
    form = TemplateForm(_posted(request))
    if form.is_valid() and "swap" not in request.POST:
        try:
            template = create_template(
                workspace=request.workspace,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                text=form.cleaned_data["text"],
            )
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(name)s is ready to be used in broadcasts.") % {"name": template})
            return redirect("template-detail", template.pk)
    return _editor(request, form)


@form_page
@viewer_page
def template_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    template = get_row(request, _templates(request), pk=pk)
    if request.method == "POST":
        return _change(request, template)
    initial = {"name": template.name, "text": template.text, "seen": seen_of(template)}
    return _editor(request, TemplateForm(initial=initial), template)


@marketer_page
def _change(request: WorkspaceRequest, template: Template) -> HttpResponse:
    form = TemplateForm(_posted(request))
    if form.is_valid() and "swap" not in request.POST:
        try:
            change_template(template=template, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved. Broadcasts that began with it keep their text."))
            return redirect("template-detail", template.pk)
    return _editor(request, form, get_row(request, _templates(request), pk=template.pk))


def _posted(request: WorkspaceRequest) -> Any:
    """With `swap`: plain characters in place of typographic ones; nothing is saved by it."""
    data = request.POST.copy()
    if "swap" in data and not isinstance(data, Posted):
        data["text"] = swap_smart(data.get("text", ""))
    return data or None


def _editor(request: WorkspaceRequest, form: TemplateForm, template: Template | None = None) -> HttpResponse:
    workspace = request.workspace
    text = _shown(form["text"].value())
    columns = columns_of(workspace)
    menu = token_menu(columns, named_groups(workspace))
    context = {
        "template": template,
        "form": form,
        "text": text,
        "menu": menu,
        "inserts": inserts(menu),
        "used_by": begun_from(template) if template else [],
        "data": _editor_data(columns),
        "may_change": _may_change(request),
        **_effect_context(workspace, text),
    }
    return render(request, "messaging/template.html", context, status=422 if form.errors else 200)


def _effect_context(workspace: Workspace, text: str) -> dict[str, Any]:
    effect = effect_of(workspace, text)
    return {"effect": effect, "counted": effect.counted, "characters": len(effect.sample)}


def _shown(text: Any) -> str:
    """As much as can be looked at, with the line ends that are counted."""
    shown = str(text or "").replace("\r\n", "\n").replace("\r", "\n")[: MOST_CHARACTERS + 1]
    return shown_text(shown)


def _editor_data(columns: set[str]) -> dict[str, Any]:
    """What template.js counts with while one types: the server's own tables."""
    return {
        "gsm": {
            "basic": GSM_BASIC,
            "extension": GSM_EXTENSION,
            "limits": {encoding: list(limits) for encoding, limits in LIMITS.items()},
        },
        "values": {name: name for name in columns} | SAMPLES,
    }


@require_POST
@marketer_page
def template_effect(request: WorkspaceRequest) -> HttpResponse:
    """What the posted text becomes: asked by the editor while one types. Nothing is saved."""
    context = _effect_context(request.workspace, _shown(marked(request.POST).get("text")))
    return render(request, "messaging/_effect.html", context | {"may_change": True})


@require_POST
@marketer_page
def template_duplicate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    template = get_row(request, _templates(request), pk=pk)
    copy = duplicate_template(template=template, actor=actor_of(request))
    toast(request, _("Copied. This is the copy."))
    return redirect("template-detail", copy.pk)


@require_POST
@marketer_page
def template_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    template = get_row(request, _templates(request), pk=pk)
    set_template_enabled(template=template, actor=actor_of(request), enabled=bool(on))
    undo = reverse("template-enabled", args=[pk, 0 if on else 1])
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"name": template}, undo_url=undo)
    return redirect("template-detail", pk)


def _templates(request: WorkspaceRequest) -> QuerySet[Template]:
    return Template.objects.filter(workspace=request.workspace).select_related("workspace")


def _may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
