"""Pages of what is done with everybody on a list who matches, of saved filters and live lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from contacts.errors import ContactsError
from contacts.exports import EXPORT_FORMS, job_file
from contacts.filter_forms import FilterForm, read_filter, ticked_in_words
from contacts.forms import JOB_WORDS, LIVE_LIST, SAVE_FILTER, JobForm, MergeForm, job_kinds
from contacts.models import ListJob, RecipientList
from contacts.people import Counted, count_further, count_on
from contacts.rules import in_words
from contacts.services import list_job_runner, list_jobs, lists
from contacts.services.list_jobs import BUSY, Merge, Wish
from contacts.services.turns import what_it_waits_for
from contacts.views.common import (
    STOP_POLLING,
    add_refusal,
    address_of_counted,
    count_in,
    counted_in,
    form_page,
    lists_of,
    may_change,
    refuse,
)
from web.posted import ids_in
from web.toasts import toast

RECENT_JOBS = 10
SHOWN_TICKED = 5


@form_page
@marketer_page
def list_job_new(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """For whoever matches the filter in the address, which is that of the list's page, or was ticked there."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    asked = read_filter(recipient_list, request.GET)
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    counted = _counted(request, asked, kind)
    people = counted.found if counted else None
    form = JobForm(recipient_list, kind, request.POST or None, people=people)
    if not asked.error and form.is_valid():
        try:
            return _done(request, asked, form)
        except ContactsError as error:
            add_refusal(form, error)
    context = {
        "list": recipient_list,
        "asked": asked,
        "form": form,
        "kind": JOB_WORDS.get(kind, ""),
        "kinds": job_kinds(asked).items(),
        "counted": counted,
        "go_on": _count_on_address(request, asked, kind, counted),
        "ticked": asked.sought.everybody().order_by("msisdn")[:SHOWN_TICKED] if asked.ids else (),
        "jobs": _with_lists_made(list(recipient_list.jobs.select_related("target")[:RECENT_JOBS])),
    }
    template = "contacts/_job_form.html" if request.htmx and counted else "contacts/job_new.html"
    response = render(request, template, context, status=422 if form.is_bound or asked.error else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _with_lists_made(jobs: list[ListJob]) -> list[tuple[ListJob, list[RecipientList]]]:
    """Each with where its people went: the list they were copied or moved to, or the parts of a split."""
    parts = {pk for job in jobs for pk in job.options.get("lists", ())}
    made = jobs[0].workspace.recipient_lists.in_bulk(parts) if parts else {}
    return [
        (job, [job.target] if job.target else [made[pk] for pk in job.options.get("lists", ()) if pk in made])
        for job in jobs
    ]


def _counted(request: WorkspaceRequest, asked: FilterForm, kind: str) -> Counted | None:
    """How many it would befall, where that is agreed to. What is not known is counted: a window for the page, the rest
    when it asks for it."""
    if kind not in list_jobs.AGREED_KINDS or asked.error:
        return None
    known = asked.sought.known_count
    if known is not None:
        return Counted(found=known)
    if request.method == "POST" and not asked.ids:
        # What the page said when all were counted. Whoever sends none agrees to few.
        return Counted(found=count_in(request.POST, "people")) if request.POST.get("people") else None
    so_far = counted_in(request.GET)
    if not so_far.looked:
        return count_on(asked.sought, so_far)
    return count_further(asked.sought, so_far, whole=request.GET.get("whole") == "1")


def _count_on_address(
    request: WorkspaceRequest, asked: FilterForm, kind: str, counted: Counted | None
) -> str:
    """All at once first; what takes too long for that goes on window by window. "" where nothing is to be counted."""
    if counted is None:
        return ""
    whole = {} if "looked" in request.GET else {"whole": 1}
    return address_of_counted(asked, counted, kind=kind, **whole)


def _done(request: WorkspaceRequest, asked: FilterForm, form: JobForm) -> HttpResponse:
    recipient_list, data, actor = asked.sought.recipient_list, form.cleaned_data, actor_of(request)
    kind, name = data["kind"], data.get("name", "")
    if kind in (SAVE_FILTER, LIVE_LIST) and asked.words:
        raise ContactsError(
            _("“%(words)s” was searched for, which a filter does not keep. Use conditions only.")
            % {"words": asked.words}
        )
    if kind == SAVE_FILTER:
        lists.save_filter(recipient_list=recipient_list, actor=actor, name=name, rule=asked.sought.rule)
        toast(request, _("Saved the filter %(name)s.") % {"name": name})
        return redirect(f"{reverse('recipient-list-detail', args=[recipient_list.pk])}?{asked.query}")
    if kind == LIVE_LIST:
        live = lists.create_live_list(source=recipient_list, actor=actor, name=name, rule=asked.sought.rule)
        toast(request, _("%(name)s is ready: it holds whoever matches just now.") % {"name": live.name})
        return redirect("recipient-list-detail", live.pk)
    job = list_jobs.start_job(sought=asked.sought, wish=_wish(form), actor=actor)
    return redirect("list-job", recipient_list.pk, job.pk)


def _wish(form: JobForm) -> Wish:
    data = form.cleaned_data
    return Wish(
        kind=data["kind"],
        target=form.lists.get(data.get("target", "")),
        new_list=data.get("name", ""),
        field=data.get("field", ""),
        value=data.get("value", ""),
        parts=data.get("parts") or 0,
        size=data.get("size") or 0,
        others=[form.lists[pk] for pk in data.get("others", ())],
        form=data.get("form") or next(iter(EXPORT_FORMS)),
        agreed=form.people,
    )


@form_page
@marketer_page
def list_merge(request: WorkspaceRequest) -> HttpResponse:
    """`list` in the address: ids of lists, in the order in which their fields win."""
    found = lists_of(request).in_bulk(ids_in(request.GET, "list"))
    chosen = [found[pk] for pk in ids_in(request.GET, "list") if pk in found]
    if len(chosen) < 2:
        toast(request, _("Tick two lists at least to merge them."), level="warning")
        return redirect("recipient-list-list")
    form = MergeForm(chosen, request.POST or None)
    if form.is_valid():
        try:
            job = list_jobs.merge_lists(merge=_merge(form, chosen), actor=actor_of(request))
            return redirect("list-job", job.list_id, job.pk)
        except ContactsError as error:
            add_refusal(form, error)
    context = {"form": form, "lists": [(one, _with_one_up(chosen, at)) for at, one in enumerate(chosen)]}
    return render(request, "contacts/merge.html", context, status=422 if form.is_bound else 200)


def _merge(form: MergeForm, chosen: list[RecipientList]) -> Merge:
    data = form.cleaned_data
    return Merge(chosen, form.lists.get(data["target"]), data["name"], data["disable"])


def _with_one_up(chosen: list[RecipientList], at: int) -> str:
    """The address with the list one place further up; "" for the first."""
    if not at:
        return ""
    order = [one.pk for one in chosen]
    order[at - 1], order[at] = order[at], order[at - 1]
    return "?" + urlencode([("list", pk) for pk in order])


@require_GET
@viewer_page
def list_job(request: WorkspaceRequest, pk: int, job_pk: int) -> HttpResponse:
    """Its progress, for htmx alone as long as it runs, and its end."""
    job = _job(request, pk, job_pk)
    busy = job.state in BUSY
    percent = min(100, round(100 * job.done / job.total)) if job.total else 0
    context = {
        "list": job.list,
        "job": job,
        "busy": busy,
        "percent": percent,
        "counts": _counts_in_words(job),
        "whom": _whom(job),
        "went_to": _with_lists_made([job])[0][1],
        "waits": what_it_waits_for(job) if busy else "",
        "may_change": may_change(request),
        "again": job.state in list_jobs.AGAIN,
        "file_gone": list_jobs.file_gone_words(job),
    }
    if request.htmx:
        response = render(request, "contacts/_job.html", context, status=200 if busy else STOP_POLLING)
        if not busy:
            response.headers["HX-Refresh"] = "true"
        return response
    return render(request, "contacts/job.html", context)


def _whom(job: ListJob) -> str:
    if job.is_merge:
        rows = job.workspace.recipient_lists.in_bulk(job.options["merge"])
        return ", ".join(rows[pk].name for pk in job.options["merge"] if pk in rows)
    ids = job.options.get("ids", ())
    words = ticked_in_words(len(ids)) if ids else in_words(list_job_runner.sought_of(job).rule)
    return _("Of %(name)s: %(words)s") % {"name": job.list.name, "words": words}


def _counts_in_words(job: ListJob) -> list[str]:
    words = {
        "copied": _("%(n)s copied"),
        "there_already": _("%(n)s there already, left as they were"),
        "moved": _("%(n)s moved"),
        "removed": _("%(n)s removed"),
        "changed": _("%(n)s changed"),
        "opted_out": _("%(n)s opted out"),
        "opted_out_before": _("%(n)s opted out before"),
        "exported": _("%(n)s in the file"),
    }
    return [words[name] % {"n": f"{count:,}"} for name, count in job.counts.items()]


@require_POST
@marketer_page
def list_job_cancel(request: WorkspaceRequest, pk: int, job_pk: int) -> HttpResponse:
    return _steered(request, pk, job_pk, list_jobs.cancel_job)


@require_POST
@marketer_page
def list_job_again(request: WorkspaceRequest, pk: int, job_pk: int) -> HttpResponse:
    return _steered(request, pk, job_pk, list_jobs.run_job_again)


def _steered(request: WorkspaceRequest, pk: int, job_pk: int, service: Any) -> HttpResponse:
    job = _job(request, pk, job_pk)
    try:
        service(job=job, actor=actor_of(request))
    except ContactsError as error:
        return refuse(request, error, reverse("list-job", args=[pk, job_pk]))
    return redirect("list-job", pk, job_pk)


@require_GET
@viewer_page
def list_job_file(request: WorkspaceRequest, pk: int, job_pk: int) -> HttpResponse:
    job = _job(request, pk, job_pk)
    response = job_file(job)
    if response is None and (gone := list_jobs.file_gone_words(job)):
        return refuse(request, ContactsError(gone), reverse("list-job", args=[pk, job_pk]))
    if response is None:
        raise Http404
    return response  # type: ignore[return-value]  # streamed


@require_POST
@marketer_page
def filter_delete(request: WorkspaceRequest, pk: int, filter_pk: int) -> HttpResponse:
    recipient_list = get_row(request, lists_of(request), pk=pk)
    saved = get_object_or_404(recipient_list.saved_filters, pk=filter_pk)
    lists.delete_filter(saved=saved, actor=actor_of(request))
    toast(request, _("Deleted the filter %(name)s.") % {"name": saved.name})
    return redirect("recipient-list-detail", pk)


def _job(request: WorkspaceRequest, pk: int, job_pk: int) -> ListJob:
    recipient_list = get_row(request, lists_of(request), pk=pk)
    job: ListJob = get_object_or_404(recipient_list.jobs.select_related("target", "created_by"), pk=job_pk)
    job.list = recipient_list
    return job
