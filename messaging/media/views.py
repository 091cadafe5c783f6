"""Pages of pictures."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from contacts.uploads import field_before_file
from messaging.edited import seen_of
from messaging.errors import MessagingError
from messaging.media.addresses import address_problem, public_path, public_url
from messaging.media.forms import PictureForm, RenameForm
from messaging.media.public_views import file_response
from messaging.media.sending import missing_problem, picture_problem
from messaging.media.services import rename_picture, set_picture_enabled, thumbnail_name, upload_picture
from messaging.media.uploads import refusals, require_whole_picture, watch_picture
from messaging.media.users import counts_of, users_of
from messaging.models import Media
from messaging.texts.forms import add_refusal
from messaging.texts.listing import listing_of, searched
from providers.connectors.capabilities import KIND_NAMES
from web.posted import guard
from web.texts import shown_text
from web.toasts import toast
from web.uploads import takes_upload

form_page = require_http_methods(["GET", "HEAD", "POST"])
SORTS: dict[str, tuple[Any, ...]] = {
    "-created": ("-pk",),
    "created": ("pk",),
    "name": (Lower("name"), "pk"),
    "-name": (Lower("name").desc(), "-pk"),
    "size": ("size_bytes", "pk"),
    "-size": ("-size_bytes", "-pk"),
}
THUMBNAIL_SECONDS = 7 * 24 * 3600


@require_safe
@viewer_page
@vary_on_headers("HX-Request")
def media_list(request: WorkspaceRequest) -> HttpResponse:
    """The page; for htmx its table alone."""
    rows = _pictures(request)
    words = searched(request)
    listing = listing_of(request, rows, rows.filter(name__icontains=words) if words else rows, SORTS)
    counts = counts_of([media.pk for media in listing.rows])
    context = {
        "listing": listing,
        "rows": [(media, KIND_NAMES[media.content_type], counts.get(media.pk, 0)) for media in listing.rows],
        "may_change": _may_change(request),
    }
    template = "messaging/_media.html" if request.htmx else "messaging/media.html"
    return render(request, template, context)


@takes_upload(lambda: settings.MEDIA_MAX_BYTES)
@csrf_exempt  # the check reads the body: first its length is looked at, then `_new` is checked
@form_page
@marketer_page
def media_new(request: WorkspaceRequest) -> HttpResponse:
    try:
        if request.method == "POST":
            watch_picture(request)
        with refusals():
            response: HttpResponse = _new(request)
    except MessagingError as error:
        return _not_read(request, error)
    return response


def _not_read(request: WorkspaceRequest, error: MessagingError) -> HttpResponse:
    """Answered without having read all of the body, so the connection cannot be used again."""
    form = PictureForm({"name": shown_text(field_before_file(request, "name"))}, {})
    form.errors["file"] = form.error_class([str(error.sentence)])
    response = _new_page(request, form, 422)
    response.headers["Connection"] = "close"
    return response


@csrf_protect
def _new(request: Any) -> HttpResponse:
    if request.method != "POST":
        return _new_page(request, PictureForm())
    guard(request)
    form = PictureForm(request.POST, request.FILES)
    require_whole_picture(request)
    if form.is_valid():
        given = form.cleaned_data
        try:
            uploaded = upload_picture(
                workspace=request.workspace, actor=actor_of(request), upload=given["file"], name=given["name"]
            )
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, uploaded.sentence, level="info" if uploaded.clean is None else "success")
            return redirect("media-detail", uploaded.media.pk)
    return _new_page(request, form, 422)


def _new_page(request: WorkspaceRequest, form: PictureForm, status: int = 200) -> HttpResponse:
    return render(request, "messaging/media_new.html", {"form": form}, status=status)


@form_page
@viewer_page
def media_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    media = get_row(request, _pictures(request), pk=pk)
    return _change(request, media) if request.method == "POST" else _detail(request, media)


@marketer_page
def _change(request: WorkspaceRequest, media: Media) -> HttpResponse:
    form = RenameForm(request.POST)
    if form.is_valid():
        try:
            rename_picture(media=media, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Renamed."))
            return redirect("media-detail", media.pk)
    return _detail(request, get_row(request, _pictures(request), pk=media.pk), form, status=422)


def _detail(
    request: WorkspaceRequest, media: Media, form: RenameForm | None = None, status: int = 200
) -> HttpResponse:
    accounts = list(request.workspace.provider_accounts.filter(enabled=True).order_by("name"))
    context = {
        "media": media,
        "kind": KIND_NAMES[media.content_type],
        "form": form or RenameForm(initial={"name": media.name, "seen": seen_of(media)}),
        "path": public_path(media),
        "url": public_url(media),
        "address_problem": next(filter(None, map(address_problem, accounts)), ""),
        "missing": missing_problem([media]),
        "accounts": [(account, picture_problem(account, [media], "")) for account in accounts],
        "users": users_of(media),
        "may_change": _may_change(request),
    }
    return render(request, "messaging/media_detail.html", context, status=status)


@require_safe
@viewer_page
def media_thumbnail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    media = get_row(request, _pictures(request), pk=pk)
    return file_response(media, thumbnail_name(media), "image/webp", f"private, max-age={THUMBNAIL_SECONDS}")


@require_POST
@marketer_page
def media_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    media = get_row(request, _pictures(request), pk=pk)
    set_picture_enabled(media=media, actor=actor_of(request), enabled=bool(on))
    undo = reverse("media-enabled", args=[pk, 0 if on else 1])
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"name": media}, undo_url=undo)
    return redirect("media-detail", pk)


def _pictures(request: WorkspaceRequest) -> QuerySet[Media]:
    return Media.objects.filter(workspace=request.workspace).select_related("workspace")


def _may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
