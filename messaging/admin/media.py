"""Pictures: uploaded, renamed and hidden through the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.access import Actor
from messaging.admin.base import EditedAdmin, EditedModelForm, actor_named
from messaging.errors import MessagingError
from messaging.media.services import Uploaded, rename_picture, set_picture_enabled, upload_picture
from messaging.models import Media
from messaging.texts.names import clean_name
from web.forms import ModelForm
from web.uploads import takes_upload


class NewMediaForm(ModelForm):
    """The upload is done where it can still be refused at its field; the admin then finds the row made."""

    file = forms.FileField(label=_("file"))
    name = forms.CharField(label=_("name"), required=False, max_length=100)
    actor = Actor()
    uploaded: Uploaded | None = None

    class Meta:
        model = Media
        fields = ("workspace", "file", "name")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.uploaded = upload_picture(
                    workspace=given["workspace"], actor=self.actor, upload=given["file"], name=given["name"]
                )
            except MessagingError as error:
                self.add_error(error.field if error.field in self.fields else None, str(error.sentence))
        return given

    def _post_clean(self) -> None:
        """The row is made already, by the service."""

    def save_m2m(self) -> None:
        """There is none."""

    def save(self, commit: bool = True) -> Media:
        assert self.uploaded is not None
        self.instance = self.uploaded.media
        return self.uploaded.media


class MediaForm(EditedModelForm):
    class Meta:
        model = Media
        fields = ("name", "enabled")

    def clean_name(self) -> str:
        try:
            return clean_name(self.cleaned_data["name"])
        except MessagingError as error:
            raise forms.ValidationError(str(error.sentence)) from None


@admin.register(Media)
class MediaAdmin(EditedAdmin):
    list_display = (
        "name",
        "workspace",
        "content_type",
        "width",
        "height",
        "size_bytes",
        "enabled",
        "created_at",
    )
    list_filter = ("enabled", "content_type", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name",)
    form = MediaForm
    readonly_fields = ("workspace", "content_type", "width", "height", "size_bytes", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("_NewMediaForm", (NewMediaForm,), {"actor": actor_named(request.user)})

    @takes_upload(lambda: settings.MEDIA_MAX_BYTES)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, extra_context)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "enabled", *self.readonly_fields, "seen") if obj else ("workspace", "file", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Media, form: Any, change: bool) -> None:
        if not change:
            self.message_user(request, form.uploaded.sentence, messages.INFO)
            return
        wanted = form.cleaned_data
        media = Media.objects.select_related("workspace").get(pk=obj.pk)
        rename_picture(media=media, actor=actor_named(request.user), name=wanted["name"])
        set_picture_enabled(media=media, actor=actor_named(request.user), enabled=wanted["enabled"])
