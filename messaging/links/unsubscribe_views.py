"""`/o/<code>`: one button, no script, in the workspace's languages. Opening it does nothing: previews open links too."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Workspace
from messaging.links.unsubscribe import (
    Subscriber,
    hidden,
    is_unsubscribed,
    may_undo,
    subscriber_of,
    undo,
    unsubscribe,
)
from messaging.links.unsubscribe_words import SENTENCES, Sentences

# RFC 8058, section 3.1: what a mail program posts when its own button is pressed.
ONE_CLICK = ("List-Unsubscribe", "One-Click")


@never_cache
# There is nobody signed in whose rights another site could use: the code in the address is all that counts.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, code: str) -> HttpResponse:
    subscriber = subscriber_of(code)
    if subscriber is None:
        return _page(request, "unknown", None, status=404)
    if request.POST.get(ONE_CLICK[0]) == ONE_CLICK[1] or "stop" in request.POST:
        unsubscribe(subscriber)
        return _page(request, "done", subscriber)
    if "undo" in request.POST:
        undo(subscriber)
        return _page(request, "done" if is_unsubscribed(subscriber) else "undone", subscriber)
    return _page(request, "done" if is_unsubscribed(subscriber) else "ask", subscriber)


def _page(request: HttpRequest, state: str, subscriber: Subscriber | None, status: int = 200) -> HttpResponse:
    language = language_for(request, subscriber.workspace if subscriber else None)
    words = SENTENCES[language]
    context = {
        "language": language,
        "state": state,
        "words": words,
        "may_undo": state == "done" and subscriber is not None and may_undo(subscriber),
        **_filled(words, subscriber),
    }
    response = render(request, "messaging/unsubscribe.html", context, status=status)
    # Else Django's middleware says its own language, which is that of Crier's pages.
    response.headers["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _filled(words: Sentences, subscriber: Subscriber | None) -> dict[str, str]:
    if subscriber is None:
        return {}
    # Kept apart from the sentence's own direction: a name by its letters, a number from the left.
    facts = {
        "name": f"\u2068{subscriber.workspace.name}\u2069",
        "number": f"\u2066{hidden(subscriber.msisdn)}\u2069",
    }
    names = ("title", "question", "done", "undone")
    return {name: getattr(words, name) % facts for name in names}


def language_for(request: HttpRequest, workspace: Workspace | None) -> str:
    """The first of the browser's languages that the workspace has; else its own first one; else English."""
    own = [code for code in workspace.opt_out_languages if code in SENTENCES] if workspace else []
    spoken = [*own, "en"] if workspace else list(SENTENCES)
    for wanted, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        code = wanted.partition("-")[0]
        if code in spoken:
            return code
    return spoken[0]
