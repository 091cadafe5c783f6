"""Contacts in the admin: lists and people are edited through the services, opt-outs and imports are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields, resources
from import_export.admin import ExportMixin, ImportExportModelAdmin
from import_export.widgets import Widget

from accounts.access import Actor
from accounts.models import User, Workspace
from contacts.errors import ContactsError
from contacts.fields import PERSON_FIELDS, SOURCE_LIMIT, check_person
from contacts.files.dates import DateRefused, read_moment
from contacts.models import (
    Import,
    ImportBefore,
    ListJob,
    OptOut,
    OptOutHow,
    OptOutReview,
    Recipient,
    RecipientList,
    RememberedMapping,
    SavedFilter,
    UnsubscribeList,
    UnsubscribeMember,
)
from contacts.numbers import read_number
from contacts.rules import in_words, rule_of
from contacts.services import imports, lists, opt_outs
from contacts.services.number_locks import lock_all_numbers
from sms.msisdn import kind_of
from web.forms import ModelForm
from web.uploads import TakesImports


def _actor(request: HttpRequest) -> Actor:
    return Actor(user=request.user if isinstance(request.user, User) else None)


_ID = re.compile(r"[0-9]{1,18}")


def _text(value: Any) -> str:
    """Of a cell; those of a workbook may be numbers, dates or nothing."""
    return "" if value is None else str(value).strip()


def _require_columns(row: Any, *names: str) -> None:
    for name in names:
        if name not in row:
            raise ContactsError(
                _("The file has no column %(name)s. Name one so in the first row; it has: %(columns)s.")
                % {"name": name, "columns": ", ".join(map(str, row))},
                field=name,
            )


class LookedAtAdmin(admin.ModelAdmin):
    """Nothing is added, changed or deleted here: the pages do that, with their reasons."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _ask(form: ModelForm, change: Callable[[], Any]) -> None:
    """What the service refuses is said at its field: it is asked in a transaction that is taken back."""
    try:
        with transaction.atomic():
            change()
            transaction.set_rollback(True)
    except ContactsError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.sentence))


class RecipientListForm(ModelForm):
    """What a live list takes is said once, when it is made."""

    class Meta:
        model = RecipientList
        fields = ("workspace", "name", "enabled", "source", "rule")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.instance.pk is None and "workspace" in given and "rule" in given:
            try:
                lists.require_live(given["workspace"], given.get("source"), rule_of(given["rule"] or {}))
            except ContactsError as error:
                self.add_error("source" if error.field == "source_list" else "rule", str(error.sentence))
        elif self.instance.pk and "name" in given:
            row = RecipientList.objects.get(pk=self.instance.pk)
            _ask(self, lambda: lists.rename_list(recipient_list=row, actor=Actor(), name=given["name"]))
        return given


@admin.register(RecipientList)
class RecipientListAdmin(admin.ModelAdmin):
    form = RecipientListForm
    list_display = ("name", "workspace", "is_live", "recipient_count", "enabled", "updated_at")
    list_filter = ("enabled", ("source", admin.EmptyFieldListFilter), "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace", "source")
    fields = (
        *("workspace", "name", "enabled", "source", "rule", "takes"),
        *("recipient_count", "columns", "created_at", "updated_at"),
    )
    readonly_fields = ("takes", "recipient_count", "columns", "created_at", "updated_at")

    @admin.display(boolean=True, description=gettext_lazy("live"))
    def is_live(self, obj: RecipientList) -> bool:
        return obj.source_id is not None

    @admin.display(description=gettext_lazy("people it takes"))
    def takes(self, obj: RecipientList) -> str:
        if obj.source_id is None:
            return _("its own")
        words = in_words(rule_of(obj.rule))
        return _("whoever on %(source)s matches: %(words)s") % {"source": obj.source, "words": words}

    def get_readonly_fields(self, request: HttpRequest, obj: RecipientList | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "workspace", "source", "rule") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: RecipientList, form: Any, change: bool) -> None:
        actor = _actor(request)
        if not change:
            made = lists.make_list(
                workspace=obj.workspace,
                actor=actor,
                name=obj.name,
                source=obj.source,
                rule=rule_of(obj.rule or {}),
            )
            obj.pk, obj._state.adding = made.pk, False
        elif "name" in form.changed_data:
            lists.rename_list(recipient_list=obj, actor=actor, name=obj.name)
        if "enabled" in form.changed_data:
            lists.set_list_enabled(recipient_list=obj, actor=actor, enabled=obj.enabled)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Lists are disabled; deleting an unused one is for the API, which knows who uses it."""
        return False


class RecipientResource(resources.ModelResource):
    """Columns: list (its id), msisdn in any usual writing, and the fields of a person. A row with a value that no page
    would take is refused."""

    class Meta:
        model = Recipient
        fields = ("list", "msisdn", "country", "kind", *PERSON_FIELDS)
        import_id_fields = ("list", "msisdn")
        skip_unchanged = True

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        _require_columns(row, "list", "msisdn")
        raw = _text(row["list"])
        rows = RecipientList.objects.select_related("workspace", "source")
        target = rows.filter(pk=int(raw)).first() if _ID.fullmatch(raw) else None
        if target is None:
            raise ContactsError(
                _(
                    "list is “%(value)s”, which is no list. Use the id of one, as its address in the admin shows it."
                )
                % {"value": raw},
                field="list",
            )
        lists.require_own_people(target)
        row["msisdn"], row["country"] = read_number(_text(row["msisdn"]), target.workspace.default_country)
        row["kind"] = kind_of(row["msisdn"]) or ""
        given = {name: _text(row[name]) for name in PERSON_FIELDS if name in row}
        check_person(given, {})
        row.update(given)

    def do_instance_save(self, instance: Recipient, is_create: bool) -> None:
        """With the list's count, which no trigger keeps. A dry run is rolled back with both."""
        with transaction.atomic():
            lists.lock_list(instance.list)
            instance.updated_at = timezone.now()
            instance.save(force_insert=is_create)
            lists.change_count(instance.list, int(is_create))


class RecipientForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        _ask(self, lambda: check_person({name: given[name] for name in PERSON_FIELDS if name in given}, {}))
        return given


@admin.register(Recipient)
class RecipientAdmin(TakesImports, ImportExportModelAdmin):
    """For some rows; files of any size go through the import pages, which are some hundred times faster."""

    form = RecipientForm
    resource_classes = [RecipientResource]
    list_display = ("msisdn", "list", "first_name", "last_name", "country", "kind", "created_at")
    search_fields = ("msisdn__startswith",)
    list_select_related = ("list",)
    # Counting a million rows for a page number takes longer than the page.
    show_full_result_count = False
    fields = ("list", "msisdn", "country", *PERSON_FIELDS, "extra", "created_at", "updated_at")
    readonly_fields = ("list", "msisdn", "country", "extra", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Recipient, form: Any, change: bool) -> None:
        changed = {name: getattr(obj, name) for name in form.changed_data if name in PERSON_FIELDS}
        lists.update_recipient(recipient=obj, actor=_actor(request), fields=changed)

    def delete_model(self, request: HttpRequest, obj: Recipient) -> None:
        lists.remove_recipients(recipient_list=obj.list, ids=[obj.pk], actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Recipient]) -> None:
        for target in RecipientList.objects.filter(recipients__in=queryset).distinct():
            ids = list(queryset.filter(list=target).values_list("pk", flat=True))
            lists.remove_recipients(recipient_list=target, ids=ids, actor=_actor(request))


class _Moment(Widget):
    """With its offset, so that a file that is imported again says the same."""

    def render(self, value: datetime | None, obj: Any = None, **kwargs: Any) -> str:
        return value.isoformat() if value else ""


class OptOutResource(resources.ModelResource):
    """Columns: workspace (its id or name), msisdn in any usual writing, source, how (one of OptOutHow; without it a file),
    at (without it now). A number that is opted out stays as it is. Whose the message_id is nobody knows: it is not taken."""

    how = fields.Field(attribute="how", column_name="how", default=OptOutHow.FILE)
    at = fields.Field(attribute="at", column_name="at", widget=_Moment())

    class Meta:
        model = OptOut
        fields = ("workspace", "msisdn", "how", "source", "message_id", "at")
        import_id_fields = ("workspace", "msisdn")

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """The rows stand in any order, and may be of one transaction."""
        given = set(dataset["workspace"]) if "workspace" in (dataset.headers or ()) else set()
        found = {workspace.pk for one in given if (workspace := _workspace_named(_text(one)))}
        for pk in sorted(found):
            lock_all_numbers(pk)

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        _require_columns(row, "workspace", "msisdn")
        workspace = _workspace(_text(row["workspace"]))
        row["workspace"] = workspace.pk
        row["msisdn"], _country = read_number(_text(row["msisdn"]), "")
        row["how"] = _how(_text(row.get("how")))
        row["at"] = _moment(_text(row.get("at")), workspace)
        row["source"] = _text(row.get("source")).replace("\x00", "\ufffd")[:SOURCE_LIMIT]
        row.pop("message_id", None)

    def skip_row(
        self, instance: OptOut, original: OptOut, row: Any, import_validation_errors: Any = None
    ) -> bool:
        if original.pk is None:
            return False
        # The row says the same again, so the unsubscribe page can no longer take it back.
        opt_outs.confirm_opt_outs(workspace_id=original.workspace_id, msisdns=[original.msisdn])
        return True

    def after_import_row(self, row: Any, row_result: Any, **kwargs: Any) -> None:
        """That a known number is opted out once more is written down; a dry run is rolled back with it."""
        if row_result.import_type == row_result.IMPORT_TYPE_SKIP:
            workspace = Workspace.objects.get(pk=row["workspace"])
            opt_outs.opt_out(workspace=workspace, msisdn=row["msisdn"], how=row["how"])

    def do_instance_save(self, instance: OptOut, is_create: bool) -> None:
        kept = opt_outs.opt_out(
            workspace=instance.workspace,
            msisdn=instance.msisdn,
            how=instance.how,
            source=instance.source,
            at=instance.at,
        )
        instance.pk, instance._state.adding = kept.pk, False


def _workspace_named(raw: str) -> Workspace | None:
    """By id, else by name."""
    by_id = Workspace.objects.filter(pk=int(raw)).first() if _ID.fullmatch(raw) else None
    return by_id or Workspace.objects.filter(name=raw).first()


def _workspace(raw: str) -> Workspace:
    found = _workspace_named(raw)
    if found is None:
        raise ContactsError(
            _(
                "workspace is “%(value)s”, which is no workspace. Use the name of one, or its id, as its address in the "
                "admin shows it."
            )
            % {"value": raw},
            field="workspace",
        )
    return found


def _how(raw: str) -> str:
    how = raw.lower() or OptOutHow.FILE.value
    if how not in OptOutHow.values:
        raise ContactsError(
            _("how is “%(value)s”, which is no way to opt out. Use one of: %(known)s; or leave it empty.")
            % {"value": raw, "known": ", ".join(OptOutHow.values)},
            field="how",
        )
    return how


def _moment(raw: str, workspace: Workspace) -> datetime:
    if not raw:
        return timezone.now()
    try:
        return read_moment(raw, zone=ZoneInfo(workspace.time_zone), latest=timezone.now())
    except DateRefused:
        raise ContactsError(
            _(
                "at is “%(value)s”, which is no moment that has been, or may be two. Write it as in 2026-05-03 09:30 "
                "or 2026-05-03T09:30:00+02:00, or leave it empty."
            )
            % {"value": raw},
            field="at",
        ) from None


@admin.register(OptOut)
class OptOutAdmin(TakesImports, ImportExportModelAdmin):
    """Rows are proofs: imported and looked at. Removal asks for a reason, on the page of opt-outs."""

    resource_classes = [OptOutResource]
    list_display = ("msisdn", "workspace", "how", "source", "at")
    list_filter = ("how", "workspace")
    search_fields = ("msisdn__startswith",)
    list_select_related = ("workspace",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UnsubscribeListForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        row = UnsubscribeList.objects.get(pk=self.instance.pk)
        change = opt_outs.update_unsubscribe_list
        _ask(self, lambda: change(unsubscribe_list=row, actor=Actor(), name=given.get("name")))
        return given


@admin.register(UnsubscribeList)
class UnsubscribeListAdmin(admin.ModelAdmin):
    form = UnsubscribeListForm
    list_display = ("name", "workspace", "member_count", "enabled", "updated_at")
    list_filter = ("enabled", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace",)
    fields = ("workspace", "name", "enabled", "member_count", "created_at", "updated_at")
    readonly_fields = ("workspace", "member_count", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: UnsubscribeList, form: Any, change: bool) -> None:
        opt_outs.update_unsubscribe_list(
            unsubscribe_list=obj, actor=_actor(request), name=obj.name, enabled=obj.enabled
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberResource(resources.ModelResource):
    class Meta:
        model = UnsubscribeMember
        fields = ("list", "list__name", "msisdn", "how", "at")


@admin.register(UnsubscribeMember)
class UnsubscribeMemberAdmin(ExportMixin, LookedAtAdmin):
    resource_classes = [MemberResource]
    list_display = ("msisdn", "list", "how", "at")
    search_fields = ("msisdn__startswith",)
    list_select_related = ("list",)
    show_full_result_count = False


class ImportResource(resources.ModelResource):
    class Meta:
        model = Import
        fields = (
            "id",
            "workspace__name",
            "purpose",
            "list__name",
            "unsubscribe_list__name",
            "file_name",
            "state",
            "total_rows",
            "counts",
            "created_at",
        )


@admin.register(Import)
class ImportAdmin(ExportMixin, LookedAtAdmin):
    resource_classes = [ImportResource]
    list_display = (
        "file_name",
        "workspace",
        "purpose",
        "list",
        "unsubscribe_list",
        "state",
        "total_rows",
        "done_rows",
        "by",
        "created_at",
    )
    list_filter = ("purpose", "state", "workspace")
    search_fields = ("file_name",)
    list_select_related = ("workspace", "list", "unsubscribe_list", "created_by", "api_key")
    exclude = ("file", "reject_file", "workbook")
    actions = ("undo_imports",)

    @admin.action(description=gettext_lazy("Undo the chosen imports"), permissions=["undo"])
    def undo_imports(self, request: HttpRequest, queryset: QuerySet[Import]) -> None:
        """One after the other; where one cannot be undone it is said why."""
        for imported in queryset.select_related("workspace", "list").order_by("-started_at"):
            try:
                imports.undo_import(imported=imported, actor=_actor(request))
            except ContactsError as error:
                self.message_user(request, f"“{imported.file_name}”: {error.sentence}", messages.ERROR)
            else:
                self.message_user(request, _("“%(name)s” is being undone.") % {"name": imported.file_name})

    def has_undo_permission(self, request: HttpRequest) -> bool:
        """Those who may change imports, though no field of one is changed here."""
        return request.user.has_perm("contacts.change_import")


@admin.register(ImportBefore)
class ImportBeforeAdmin(LookedAtAdmin):
    list_display = ("msisdn", "imported", "removed")
    list_select_related = ("imported",)
    search_fields = ("msisdn__startswith",)
    show_full_result_count = False


@admin.register(RememberedMapping)
class RememberedMappingAdmin(LookedAtAdmin):
    list_display = ("__str__", "workspace", "purpose", "used_at")
    list_select_related = ("workspace",)


@admin.register(SavedFilter)
class SavedFilterAdmin(LookedAtAdmin):
    list_display = ("name", "list", "created_by", "created_at")
    list_select_related = ("list", "created_by")
    search_fields = ("name",)


@admin.register(ListJob)
class ListJobAdmin(LookedAtAdmin):
    list_display = ("what", "list", "target", "state", "total", "done", "created_by", "created_at")
    list_filter = ("kind", "state", "workspace")
    list_select_related = ("list", "target", "created_by")
    exclude = ("file",)


@admin.register(OptOutReview)
class OptOutReviewAdmin(LookedAtAdmin):
    list_display = ("msisdn", "workspace", "text", "decision", "decided_by", "at")
    list_filter = ("decision", "workspace")
    list_select_related = ("workspace", "decided_by")
    search_fields = ("msisdn__startswith",)
    show_full_result_count = False
