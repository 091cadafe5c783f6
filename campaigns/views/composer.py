"""The composer: one form, saved as it is written; its numbers, its preview, and a test text."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from functools import cache
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import actor_of, get_row, marketer_page
from campaigns.errors import CampaignError, EditedElsewhere
from campaigns.forms import FORM_FIELDS, DraftForm, SendTestForm
from campaigns.models import Broadcast, BroadcastKind, BroadcastState
from campaigns.pictures import pictures_of
from campaigns.services.audience import Person, sample_people
from campaigns.services.checks import launch_checks
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import send_test
from campaigns.services.reports import timeline_of
from campaigns.services.senders import sender_for, sending_from
from campaigns.views.common import STOP_POLLING, get_broadcast, to_broadcast
from messaging.content import Content, compile_content, link_base, sample_links, seed_of
from messaging.models import Message
from messaging.texts.characters import odd_characters
from messaging.texts.effect import SAMPLES, sample_text
from messaging.texts.menu import columns_of, inserts, named_groups, token_menu
from messaging.tokens import FIELD_NAMES, TokenError
from sms.msisdn import format_msisdn
from sms.parts import GSM_BASIC, GSM_EXTENSION, LIMITS, SMART_SWAPS, count_parts, swap_smart
from sms.states import FINAL, MessageState
from web.posted import Posted, number_in
from web.texts import place_of_no_text, shown_text
from web.toasts import toast

PEOPLE_AT_ONCE = 20
# Offered at once; `?pictures=all` offers older ones too.
NEWEST_PICTURES, MOST_PICTURES = 20, 500
# Beyond so many people the numbers come after the page, not with it.
COUNTED_AT_ONCE = 20_000
# Characters of a finished text beyond which it does not travel with each person.
LONG_TEXT = 5_000
TEST_NUMBER = "test_msisdn"
OPTIONAL = ("unsubscribe_lists", "recipient_cap", "exp_date")


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_edit(request: Any, pk: int) -> HttpResponse:
    """GET: the composer. POST: saves; the script gets JSON, a form goes on or is told what is wrong."""
    broadcast = get_broadcast(request, pk)
    if broadcast.state != BroadcastState.DRAFT:
        return _not_a_draft(request, broadcast)
    if request.method == "GET":
        return _page(request, broadcast, DraftForm(broadcast=broadcast))
    if request.accepts("text/html"):
        return _save_by_form(request, broadcast)
    return _save_by_script(request, broadcast)


def _not_a_draft(request: Any, broadcast: Broadcast) -> HttpResponse:
    sentence = _(
        "This broadcast is no draft any more, so it cannot be edited. Duplicate it to write another."
    )
    if request.method == "POST" and not request.accepts("text/html"):
        return JsonResponse({"detail": sentence, "code": "not_now"}, status=409)
    toast(request, sentence, level="warning")
    return to_broadcast(broadcast)


def save_posted(broadcast: Broadcast, form: DraftForm, actor: Any) -> Broadcast:
    """Saves all that is valid, so that one wrong field does not cost the text; the rest is in the errors.

    Raises EditedElsewhere, and CampaignError for what no field can mend.
    """
    form.is_valid()
    changes = form.changes()
    version = form.cleaned_data.get("version") or 0
    while True:
        try:
            return save_draft(broadcast=broadcast, actor=actor, version=version, changes=changes)
        except CampaignError as error:
            if error.field not in changes:
                raise
            del changes[error.field]
            form.add_error(FORM_FIELDS.get(error.field, error.field), str(error.sentence))


def _save_by_form(request: Any, broadcast: Broadcast) -> HttpResponse:
    data = request.POST.copy()
    _apply_buttons(data)
    form = DraftForm(data, broadcast=broadcast)
    try:
        saved = save_posted(broadcast, form, actor_of(request))
    except CampaignError as error:
        form.add_error(None, str(error.sentence))
        return _page(request, broadcast, form, status=409)
    if form.errors:
        form.show("version", str(saved.version))
        return _page(request, saved, form, status=422)
    if "review" in data:
        return redirect("broadcast-review", saved.pk)
    if "test" in data:
        return redirect("broadcast-test", saved.pk)
    toast(request, _("Saved."))
    return redirect("broadcast-edit", saved.pk)


def _apply_buttons(data: Any) -> None:
    """What the composer's buttons mean without the script: a list more or less, plain characters.

    Nothing while something of it is no text, which the form tells.
    """
    if isinstance(data, Posted):
        return
    lists = data.getlist("lists")
    # Chosen and not added by its own button: whoever presses another one means it too.
    if data.get("add_list"):
        lists = [*lists, data["add_list"]]
    if "remove_list" in data:
        lists = [pk for pk in lists if pk != data["remove_list"]]
    data.setlist("lists", lists)
    if "swap" in data:
        data["text"] = swap_smart(data.get("text", ""))


def _save_by_script(request: Any, broadcast: Broadcast) -> JsonResponse:
    form = DraftForm(request.POST, broadcast=broadcast)
    try:
        saved = save_posted(broadcast, form, actor_of(request))
    except CampaignError as error:
        code = "edited_elsewhere" if isinstance(error, EditedElsewhere) else error.code
        return JsonResponse({"detail": str(error.sentence), "code": code}, status=409)
    content = compile_content(saved.workspace_id, saved.text)
    return JsonResponse(
        {
            "version": saved.version,
            "saved_at": saved.updated_at.isoformat(),
            "errors": {
                form[name].id_for_label or f"id_{name}": [str(e) for e in errors]
                for name, errors in _shown(form)
            },
            "token_errors": [asdict(error) for error in _no_text_errors(form) or content.told_errors],
            "sample": sample_text(content),
            "more_token_errors": _more_errors(content),
        }
    )


def _no_text_errors(form: DraftForm) -> list[TokenError]:
    """Where the posted text, which is not saved then, holds what is no text."""
    place = place_of_no_text(form.no_texts.get("text", "").replace("\r\n", "\n"))
    if place is None:
        return []
    sentence = _("This character is no text. Take it out, else the text is not saved.")
    return [TokenError(sentence, place.at, place.at + 1, place.line, place.column)]


def _more_errors(content: Content) -> str:
    """How many are not told one by one, in a sentence."""
    more = content.more_errors
    return (
        ngettext("%(n)s further error.", "%(n)s further errors.", more) % {"n": f"{more:,}"} if more else ""
    )


def _shown(form: DraftForm) -> list[tuple[str, Any]]:
    return [(name, errors) for name, errors in form.errors.items() if name in form.fields]


def _page(request: Any, broadcast: Broadcast, form: DraftForm, status: int = 200) -> HttpResponse:
    text = shown_text(form["text"].value() or "")
    content = compile_content(broadcast.workspace_id, text)
    people = sample_people(broadcast, limit=PEOPLE_AT_ONCE, after_id=number_in(request.GET, "after") or 0)
    person = people[0] if people else None
    shown = (
        content.render(person.values, seed=seed_of(broadcast.pk, person.msisdn))
        if person
        else sample_text(content)
    )
    for field in form.fields.values():
        # A draft may lack anything, but nothing is sent without these: the page calls none of them optional.
        field.required = field not in [form.fields.get(name) for name in OPTIONAL]
    all_pictures = request.GET.get("pictures") == "all"
    choices = form.picture_choices(MOST_PICTURES if all_pictures else NEWEST_PICTURES)
    menu = token_menu(names_of(broadcast), named_groups(broadcast.workspace))
    context = {
        "broadcast": broadcast,
        "form": form,
        "single": broadcast.kind == BroadcastKind.SINGLE,
        "add_options": [(row.pk, f"{row.name} ({row.recipient_count:,})") for row in form.offered_lists]
        if "lists" in form.fields
        else [],
        "menu": menu,
        "inserts": inserts(menu),
        "token_errors": content.told_errors,
        "more_token_errors": _more_errors(content),
        "picture_choices": choices,
        "more_pictures": len(choices) >= NEWEST_PICTURES and not all_pictures,
        "pictures": [media for media, is_chosen in choices if is_chosen],
        "preview": shown,
        "person": person,
        "sender": sender_for(broadcast, person.msisdn) if person else "",
        "person_name": person_name(person) if person else "",
        "next_person": f"?{urlencode({'after': person.recipient_id})}"
        if person and person.recipient_id
        else "",
        "counted": count_parts(shown),
        "characters": len(shown),
        "odd": odd_characters(text, swaps=content.swaps),
        "data": composer_data(broadcast, people),
        "numbers": _numbers_now(request, broadcast, form),
        "test_form": _test_form(request, broadcast, people),
    }
    return render(request, "campaigns/composer.html", context, status=status)


def _numbers_now(request: Any, broadcast: Broadcast, form: DraftForm) -> dict[str, Any] | None:
    """The numbers of a small audience come with the page; those of a large one are asked for after it."""
    if broadcast.kind != BroadcastKind.SINGLE and "numbers" not in request.GET:
        people = sum(row.recipient_count for row in form.chosen_lists)
        if people > COUNTED_AT_ONCE:
            return None
    return numbers_of(broadcast)


def numbers_of(broadcast: Broadcast) -> dict[str, Any]:
    """Context of _reach.html, _cost.html and _checks.html; the phone's pictures come with them."""
    estimate = estimate_of(broadcast)
    more = [
        (parts, people) for parts, people in sorted(estimate.by_parts.items()) if parts > estimate.least_parts
    ]
    return {
        "estimate": estimate,
        "reach": estimate.reach,
        "more_parts": more,
        "checks": launch_checks(broadcast, estimate),
        "broadcast": broadcast,
        "has_account": broadcast.account is not None or broadcast.route is not None,
        "pictures": pictures_of(broadcast) if estimate.pictures else [],
    }


@marketer_page
@require_GET
def broadcast_numbers(request: Any, pk: int) -> HttpResponse:
    """Reach, cost and launch check of the draft as saved: asked by the composer after each save."""
    broadcast = get_broadcast(request, pk)
    return render(request, "campaigns/_numbers.html", {"numbers": numbers_of(broadcast), "swap": True})


@marketer_page
@require_GET
def broadcast_people(request: Any, pk: int) -> JsonResponse:
    """Real people of the audience after `?after=ID`, each with text and sender as they would get it."""
    broadcast = get_broadcast(request, pk)
    people = sample_people(broadcast, limit=PEOPLE_AT_ONCE, after_id=number_in(request.GET, "after") or 0)
    return JsonResponse({"people": [_without_long_text(one) for one in people_data(broadcast, people)]})


def people_data(broadcast: Broadcast, people: list[Person]) -> list[dict[str, Any]]:
    content = compile_content(broadcast.workspace_id, broadcast.text)
    chooser = sending_from(broadcast).chooser()
    return [
        {
            "id": person.recipient_id,
            "number": format_msisdn(person.msisdn),
            "name": person_name(person),
            "values": {name: value for name, value in person.values.items() if value},
            "text": content.render(person.values, seed=seed_of(broadcast.pk, person.msisdn)),
            "sender": chooser.choose(person.msisdn, seed_of(broadcast.pk, person.msisdn)),
        }
        for person in people
    ]


def _without_long_text(person: dict[str, Any]) -> dict[str, Any]:
    """The script renders it by itself: twenty long texts would be megabytes."""
    return person if len(person["text"]) <= LONG_TEXT else person | {"text": None}


def person_name(person: Person) -> str:
    return " ".join(filter(None, [person.values.get("first_name", ""), person.values.get("last_name", "")]))


def composer_data(broadcast: Broadcast, people: list[Person]) -> dict[str, Any]:
    """What composer.js counts and previews with: the server's own tables, so that both count alike."""
    return {
        "gsm": {
            "basic": GSM_BASIC,
            "extension": GSM_EXTENSION,
            "limits": {encoding: list(limits) for encoding, limits in LIMITS.items()},
            "swaps": _grouped_swaps(),
        },
        "people": [_without_long_text(person) for person in people_data(broadcast, people)],
        "text": broadcast.text,
        # What the phone shows and the counter counts until there is anybody.
        "sample": sample_text(compile_content(broadcast.workspace_id, broadcast.text)),
        "links": sample_links(link_base(broadcast.workspace)),
        "samples": {name: SAMPLES.get(name, name) for name in names_of(broadcast)},
        "swapped": broadcast.workspace.swaps_characters,
        "more": len(people) == PEOPLE_AT_ONCE,
        "names": sorted(names_of(broadcast)),
        "urls": {
            "save": reverse("broadcast-edit", args=[broadcast.pk]),
            "people": reverse("broadcast-people", args=[broadcast.pk]),
        },
    }


@cache
def _grouped_swaps() -> dict[str, Any]:
    """Each swap with all the characters that it stands for; `marked`: runs of letters that swap their marks off.

    A quarter of the size of a table by character: parts.js makes that of it.
    """
    grouped: dict[str, Any] = {"marked": []}
    for char, swap in sorted(SMART_SWAPS.items()):
        if swap != unicodedata.normalize("NFD", char)[0]:
            grouped[swap] = grouped.get(swap, "") + char
        elif grouped["marked"] and ord(grouped["marked"][-1][1]) == ord(char) - 1:
            grouped["marked"][-1] = grouped["marked"][-1][0] + char
        else:
            grouped["marked"].append(char + char)
    return grouped


def names_of(broadcast: Broadcast) -> frozenset[str]:
    """Names of the values that a token may stand for."""
    return FIELD_NAMES | columns_of(broadcast.workspace)


# --- a test text --------------------------------------------------------------------------------------------


def _test_form(request: Any, broadcast: Broadcast, people: list[Person], data: Any = None) -> SendTestForm:
    choices = [
        (person.recipient_id, f"{person_name(person) or '—'}, {format_msisdn(person.msisdn)}")
        for person in people
        if person.recipient_id
    ]
    remembered = request.session.get(TEST_NUMBER, "")
    first = choices[0][0] if choices else ""
    return SendTestForm(
        data, people=choices, initial={"msisdn": remembered, "recipient_id": first}, prefix="test"
    )


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_test(request: Any, pk: int) -> HttpResponse:
    """A page of its own without script; in the composer the same form in a dialog."""
    broadcast = get_broadcast(request, pk)
    people = sample_people(broadcast, limit=PEOPLE_AT_ONCE)
    if request.method == "GET":
        return render(
            request,
            "campaigns/broadcast_test.html",
            {"broadcast": broadcast, "test_form": _test_form(request, broadcast, people)},
        )
    form = _test_form(request, broadcast, people, request.POST)
    message = _send_test(request, broadcast, form) if form.is_valid() else None
    if message is None:
        template = "campaigns/_test_form.html" if request.htmx else "campaigns/broadcast_test.html"
        return render(request, template, {"broadcast": broadcast, "test_form": form}, status=422)
    if request.htmx:
        context = {"broadcast": broadcast, "test_form": form} | _test_context(broadcast, message)
        return render(request, "campaigns/_test_form.html", context)
    return redirect("broadcast-test-result", pk, message.pk)


def _send_test(request: Any, broadcast: Broadcast, form: SendTestForm) -> Message | None:
    try:
        sent = send_test(
            broadcast=broadcast,
            actor=actor_of(request),
            msisdn=form.cleaned_data["msisdn"],
            recipient_id=form.cleaned_data["recipient_id"],
        )
    except CampaignError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.sentence))
        return None
    request.session[TEST_NUMBER] = form.cleaned_data["msisdn"]
    return sent.message


def _test_context(broadcast: Broadcast, message: Message) -> dict[str, Any]:
    settled = MessageState(message.state) in FINAL
    quiet = (timezone.now() - message.created_at).total_seconds() > 120
    return {
        "message": message,
        "steps": timeline_of(message),
        "result_url": reverse("broadcast-test-result", args=[broadcast.pk, message.pk]),
        "ended": settled or quiet,
    }


@marketer_page
@require_GET
def broadcast_test_result(request: Any, pk: int, message_pk: int) -> HttpResponse:
    """What became of the test text; asked each second until it is settled."""
    broadcast = get_broadcast(request, pk)
    message = get_row(request, Message.objects.filter(broadcast_id=None), pk=message_pk)
    context = {"broadcast": broadcast} | _test_context(broadcast, message)
    if request.htmx:
        status = STOP_POLLING if context["ended"] else 200
        return HttpResponse(render_to_string("campaigns/_test_result.html", context, request), status=status)
    return render(request, "campaigns/broadcast_test_result.html", context)
