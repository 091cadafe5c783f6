"""Pages of word spinners."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from messaging.edited import seen_of
from messaging.errors import MessagingError
from messaging.models import WordSpinner
from messaging.texts.characters import odd_characters
from messaging.texts.forms import SpinnerForm, add_refusal
from messaging.texts.listing import listing_of, searched, spinners_found
from messaging.texts.spinners import (
    change_spinner,
    create_spinner,
    draws_of,
    duplicate_spinner,
    open_uses,
    plain_words,
    sent_uses,
    set_spinner_enabled,
    token_of,
)
from messaging.texts.users import open_counts
from messaging.texts.words import lines_of, read_lines
from messaging.tokens import WORD_SPINNER
from web.posted import Posted
from web.toasts import toast

# Of a list's row.
WORDS_SHOWN = 5
form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def spinner_list(request: WorkspaceRequest) -> HttpResponse:
    """The page; for htmx its table alone."""
    rows = _spinners(request)
    listing = listing_of(request, rows, spinners_found(rows, searched(request)))
    counts = open_counts(request.workspace.pk, WORD_SPINNER) if listing.rows else {}
    context = {
        "listing": listing,
        "rows": [_row(spinner, counts.get(spinner.pk, 0)) for spinner in listing.rows],
        "may_change": _may_change(request),
    }
    template = "messaging/_spinners.html" if request.htmx else "messaging/spinners.html"
    return render(request, template, context)


def _row(spinner: WordSpinner, used_by: int) -> dict[str, Any]:
    shown = [word if weight == 1 else f"{word} × {weight}" for word, weight in spinner.words[:WORDS_SHOWN]]
    more = len(spinner.words) - len(shown)
    return {"spinner": spinner, "words": ", ".join(shown), "more": more, "used_by": used_by}


@form_page
@marketer_page
def spinner_new(request: WorkspaceRequest) -> HttpResponse:
    form = SpinnerForm(request.POST or None)
    if form.is_valid():
        try:
            spinner, merged = create_spinner(
                workspace=request.workspace,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                words=form.pairs,
            )
        except MessagingError as error:
            add_refusal(form, error)
        else:
            token = token_of(spinner)
            toast(request, _("Write %(token)s where its word should stand.") % {"token": token})
            _say_merged(request, merged)
            return redirect("spinner-detail", spinner.pk)
    status = 422 if form.is_bound else 200
    return render(request, "messaging/spinner_new.html", {"form": form}, status=status)


@form_page
@viewer_page
def spinner_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    spinner = get_row(request, _spinners(request), pk=pk)
    return _change(request, spinner) if request.method == "POST" else _detail(request, spinner)


@marketer_page
def _change(request: WorkspaceRequest, spinner: WordSpinner) -> HttpResponse:
    """`swap`: with plain characters in place of typographic ones, where there are any."""
    data = request.POST.copy()
    if "swap" in data and not isinstance(data, Posted):
        data["words"] = lines_of(plain_words(read_lines(data.get("words", ""))))
    form = SpinnerForm(data)
    if form.is_valid():
        try:
            merged = change_spinner(
                spinner=spinner,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                words=form.pairs,
                seen=form.cleaned_data["seen"],
            )
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved. What was launched keeps the words it was launched with."))
            _say_merged(request, merged)
            return redirect("spinner-detail", spinner.pk)
    kept = get_row(request, _spinners(request), pk=spinner.pk)
    return _detail(request, kept, form, status=422)


def _say_merged(request: WorkspaceRequest, merged: list[str]) -> None:
    if merged:
        sentence = ngettext(
            "“%(word)s” stood several times: its weights were added.",
            "%(count)d words stood several times, “%(word)s” first: their weights were added.",
            len(merged),
        )
        toast(request, sentence % {"word": merged[0], "count": len(merged)}, level="info")


def _initial(spinner: WordSpinner) -> dict[str, str]:
    return {"name": spinner.name, "words": lines_of(spinner.words), "seen": seen_of(spinner)}


def _detail(
    request: WorkspaceRequest, spinner: WordSpinner, form: SpinnerForm | None = None, status: int = 200
) -> HttpResponse:
    uses = open_uses(spinner)
    context = {
        "spinner": spinner,
        "token": token_of(spinner),
        "form": form or SpinnerForm(initial=_initial(spinner)),
        "words": _chances(spinner),
        "odd": _odd_words(spinner),
        "uses": uses,
        "sent": sent_uses(spinner),
        "sample": _sample(spinner, [use.user.text for use in uses if not use.problem]),
        "may_change": _may_change(request),
    }
    return render(request, "messaging/spinner.html", context, status=status)


def _chances(spinner: WordSpinner) -> list[dict[str, Any]]:
    total = sum(weight for _word, weight in spinner.words) or 1
    return [
        {"word": word, "weight": weight, "percent": f"{100 * weight / total:.3g}"}
        for word, weight in spinner.words
    ]


def _odd_words(spinner: WordSpinner) -> list[dict[str, Any]]:
    """Words that take a text out of the plain SMS alphabet."""
    found = [(word, odd_characters(word)) for word, _weight in spinner.words]
    return [{"word": word, "odd": odd} for word, odd in found if odd.kinds]


def _sample(spinner: WordSpinner, texts: list[str]) -> str:
    """The first short text that uses it, else its token alone."""
    return next((text for text in texts if len(text) <= 300), token_of(spinner))


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def spinner_draws(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Five real draws in `text`; a page of its own without script."""
    spinner = get_row(request, _spinners(request), pk=pk)
    text = request.GET.get("text", "").replace("\r\n", "\n") or token_of(spinner)
    context: dict[str, Any] = {"spinner": spinner, "sample": text, "token": token_of(spinner)}
    try:
        context["draws"] = draws_of(spinner, text)
    except MessagingError as error:
        context["error"] = error.sentence
    template = "messaging/_draws.html" if request.htmx else "messaging/spinner_draws.html"
    return render(request, template, context, status=422 if "error" in context else 200)


@require_POST
@marketer_page
def spinner_duplicate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    spinner = get_row(request, _spinners(request), pk=pk)
    copy = duplicate_spinner(spinner=spinner, actor=actor_of(request))
    toast(request, _("Copied. This is the copy."))
    return redirect("spinner-detail", copy.pk)


@require_POST
@marketer_page
def spinner_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    spinner = get_row(request, _spinners(request), pk=pk)
    set_spinner_enabled(spinner=spinner, actor=actor_of(request), enabled=bool(on))
    undo = reverse("spinner-enabled", args=[pk, 0 if on else 1])
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: texts no longer offer it.")
    toast(request, words % {"name": spinner}, undo_url=undo)
    return redirect("spinner-detail", pk)


def _spinners(request: WorkspaceRequest) -> QuerySet[WordSpinner]:
    return WordSpinner.objects.filter(workspace=request.workspace).select_related("workspace")


def _may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
