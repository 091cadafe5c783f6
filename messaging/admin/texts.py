"""Templates and word spinners: edited, imported and exported through the services."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields, resources
from import_export.admin import ImportExportModelAdmin

from accounts.access import Actor
from accounts.models import Workspace
from messaging.admin.base import EditedAdmin, EditedModelForm, actor_named
from messaging.errors import MessagingError
from messaging.models import Template, WordSpinner
from messaging.texts.names import clean_name
from messaging.texts.spinners import change_spinner, create_spinner, set_spinner_enabled
from messaging.texts.templates import change_template, clean_text, create_template, set_template_enabled
from messaging.texts.words import clean_words, lines_of, read_lines
from web.uploads import TakesImports

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


class ServicesResource(resources.ModelResource):
    """Rows go through the services, which check them and write the audit trail. A dry run is rolled back with it.

    A row of a name that is there already changes it, whatever the case of its letters.
    """

    required: tuple[str, ...] = ("workspace", "name")

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        for name in self.required:
            if name not in row:
                sentence = _("The file has no column %(name)s. Name one so in its first row.")
                raise ValueError(sentence % {"name": name})
        workspace, row["name"] = str(row["workspace"] or ""), str(row["name"] or "").strip()
        if not _ID.fullmatch(workspace) or not Workspace.objects.filter(pk=workspace).exists():
            sentence = _(
                "workspace is “%(value)s”, which is none. Use the id of one, as its address shows it."
            )
            raise ValueError(sentence % {"value": workspace})
        found = self._meta.model.objects.filter(workspace=workspace, name__iexact=row["name"])
        # The row it means, by the spelling that is there.
        row["name"] = found.values_list("name", flat=True).first() or row["name"]

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        # A service asks the row for what it was.
        wanted, actor = self.wanted_of(instance), actor_named(kwargs.get("user"))
        try:
            if is_create:
                instance.pk = self.create(instance, wanted, actor).pk
            else:
                self.change(self._meta.model.objects.get(pk=instance.pk), wanted, actor)
        except MessagingError as error:
            raise ValueError(str(error.sentence)) from None
        instance._state.adding = False

    def wanted_of(self, instance: Any) -> dict[str, Any]:
        raise NotImplementedError

    def create(self, instance: Any, wanted: dict[str, Any], actor: Actor) -> Any:
        raise NotImplementedError

    def change(self, row: Any, wanted: dict[str, Any], actor: Actor) -> None:
        raise NotImplementedError


class TemplateResource(ServicesResource):
    """Columns: workspace (its id), name, text, enabled."""

    required = ("workspace", "name", "text")

    class Meta:
        model = Template
        fields = ("workspace", "name", "text", "enabled")
        import_id_fields = ("workspace", "name")
        skip_unchanged = True

    def wanted_of(self, instance: Template) -> dict[str, Any]:
        return {"name": instance.name, "text": instance.text, "enabled": instance.enabled}

    def create(self, instance: Template, wanted: dict[str, Any], actor: Actor) -> Template:
        return create_template_as(instance.workspace, wanted, actor)

    def change(self, row: Template, wanted: dict[str, Any], actor: Actor) -> None:
        change_template_as(row, wanted, actor)


def create_template_as(workspace: Any, wanted: dict[str, Any], actor: Actor) -> Template:
    made = create_template(workspace=workspace, actor=actor, name=wanted["name"], text=wanted["text"])
    return set_template_enabled(template=made, actor=actor, enabled=wanted["enabled"])


def change_template_as(template: Template, wanted: dict[str, Any], actor: Actor) -> None:
    change_template(template=template, actor=actor, name=wanted["name"], text=wanted["text"])
    set_template_enabled(template=template, actor=actor, enabled=wanted["enabled"])


class WordsField(fields.Field):
    """In a cell as on the page: one a line, `Hello * 3`."""

    def clean(self, row: Any, **kwargs: Any) -> list[list[Any]]:
        try:
            found = clean_words(read_lines(str(row[self.column_name] or "")))
        except MessagingError as error:
            raise ValueError(str(error.sentence)) from None
        return [[word, weight] for word, weight in found.words]

    def export(self, instance: WordSpinner, **kwargs: Any) -> str:
        return lines_of(instance.words)


class WordSpinnerResource(ServicesResource):
    """Columns: workspace (its id), name, words (one a line of the cell), enabled."""

    required = ("workspace", "name", "words")
    words = WordsField(attribute="words", column_name="words")

    class Meta:
        model = WordSpinner
        fields = ("workspace", "name", "words", "enabled")
        import_id_fields = ("workspace", "name")
        skip_unchanged = True

    def wanted_of(self, instance: WordSpinner) -> dict[str, Any]:
        return {"name": instance.name, "words": instance.words, "enabled": instance.enabled}

    def create(self, instance: WordSpinner, wanted: dict[str, Any], actor: Actor) -> WordSpinner:
        return create_spinner_as(instance.workspace, wanted, actor)

    def change(self, row: WordSpinner, wanted: dict[str, Any], actor: Actor) -> None:
        change_spinner_as(row, wanted, actor)


def create_spinner_as(workspace: Any, wanted: dict[str, Any], actor: Actor) -> WordSpinner:
    words = [(word, weight) for word, weight in wanted["words"]]
    made, _merged = create_spinner(workspace=workspace, actor=actor, name=wanted["name"], words=words)
    return set_spinner_enabled(spinner=made, actor=actor, enabled=wanted["enabled"])


def change_spinner_as(spinner: WordSpinner, wanted: dict[str, Any], actor: Actor) -> None:
    words = [(word, weight) for word, weight in wanted["words"]]
    change_spinner(spinner=spinner, actor=actor, name=wanted["name"], words=words)
    set_spinner_enabled(spinner=spinner, actor=actor, enabled=wanted["enabled"])


class TextAdmin(EditedAdmin, TakesImports, ImportExportModelAdmin):
    """`create_as(workspace, wanted, actor)` and `change_as(row, wanted, actor)`: by the services."""

    create_as: Callable[[Workspace, dict[str, Any], Actor], Any]
    change_as: Callable[[Any, dict[str, Any], Actor], None]
    list_display: tuple[str, ...] = ("name", "workspace", "enabled", "updated_at")
    list_filter = ("enabled", "workspace")
    list_select_related = ("workspace",)
    readonly_fields: ClassVar[Any] = ("created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, "workspace") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        wanted, actor = form.cleaned_data, actor_named(request.user)
        if change:
            # As it was: the form has set what it read already.
            self.change_as(self.model._default_manager.get(pk=obj.pk), wanted, actor)
        else:
            obj.pk = self.create_as(obj.workspace, wanted, actor).pk
            obj._state.adding = False


class NamedForm(EditedModelForm):
    """A name of one row alone, also where the workspace cannot be changed and Django does not look."""

    def clean_name(self) -> str:
        return _checked(clean_name, self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        workspace = given.get("workspace") or getattr(self.instance, "workspace", None)
        same = type(self.instance).objects.filter(workspace=workspace, name__iexact=given.get("name", ""))
        if workspace and same.exclude(pk=self.instance.pk).exists():
            self.add_error("name", _("This name is taken in the workspace. Choose another one."))
        return given


class TemplateAdminForm(NamedForm):
    def clean_text(self) -> str:
        return _checked(clean_text, self.cleaned_data["text"])


@admin.register(Template)
class TemplateAdmin(TextAdmin):
    resource_classes = [TemplateResource]
    form = TemplateAdminForm
    search_fields = ("name", "text")
    fields = ("workspace", "name", "text", "enabled", "created_at", "updated_at")
    create_as = staticmethod(create_template_as)
    change_as = staticmethod(change_template_as)


class SpinnerAdminForm(NamedForm):
    words = forms.CharField(
        label=gettext_lazy("Words"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=gettext_lazy(
            "One a line; “Hello * 3” comes three times as often as “Hi”, which has the weight 1."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["words"] = lines_of(self.instance.words)

    def clean_words(self) -> list[list[Any]]:
        found = _checked(clean_words, read_lines(self.cleaned_data["words"]))
        return [[word, weight] for word, weight in found.words]


@admin.register(WordSpinner)
class WordSpinnerAdmin(TextAdmin):
    resource_classes = [WordSpinnerResource]
    form = SpinnerAdminForm
    search_fields = ("name",)
    fields = ("workspace", "name", "words", "enabled", "created_at", "updated_at")
    create_as = staticmethod(create_spinner_as)
    change_as = staticmethod(change_spinner_as)


def _checked(check: Any, value: Any) -> Any:
    try:
        return check(value)
    except MessagingError as error:
        raise forms.ValidationError(str(error.sentence)) from None
