"""Links and link lists through the services; hits, clicks and counts only looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields
from import_export.admin import ExportMixin
from import_export.widgets import DateTimeWidget

from accounts.access import Actor
from messaging.admin.base import LedgerAdmin
from messaging.admin.texts import NamedForm, ServicesResource, TextAdmin
from messaging.errors import MessagingError
from messaging.links.links import (
    ADDRESSES,
    change_link,
    change_link_list,
    clean_link,
    create_link,
    create_link_list,
    set_link_enabled,
    set_link_list_enabled,
)
from messaging.models import UTM_FIELDS, Click, ClicksAgain, Hit, Link, LinkCount, LinkList

LINK_FIELDS = ("name", *ADDRESSES, "expires_at", *UTM_FIELDS)


class LinkResource(ServicesResource):
    """Columns: workspace (its id), name, url, and any of the others. Its code is made, never imported."""

    required = ("workspace", "name", "url")
    expires_at = fields.Field(
        attribute="expires_at", column_name="expires_at", widget=DateTimeWidget("%Y-%m-%dT%H:%M:%S%z")
    )

    class Meta:
        model = Link
        fields = ("workspace", *LINK_FIELDS, "enabled")
        import_id_fields = ("workspace", "name")
        skip_unchanged = True

    def wanted_of(self, instance: Link) -> dict[str, Any]:
        return {name: getattr(instance, name) for name in (*LINK_FIELDS, "enabled")}

    def create(self, instance: Link, wanted: dict[str, Any], actor: Actor) -> Link:
        return create_link_as(instance.workspace, wanted, actor)

    def change(self, row: Link, wanted: dict[str, Any], actor: Actor) -> None:
        change_link_as(row, wanted, actor)


def create_link_as(workspace: Any, wanted: dict[str, Any], actor: Actor) -> Link:
    made = create_link(workspace=workspace, actor=actor, **{name: wanted[name] for name in LINK_FIELDS})
    return set_link_enabled(link=made, actor=actor, enabled=wanted["enabled"])


def change_link_as(link: Link, wanted: dict[str, Any], actor: Actor) -> None:
    change_link(link=link, actor=actor, **{name: wanted[name] for name in LINK_FIELDS})
    set_link_enabled(link=link, actor=actor, enabled=wanted["enabled"])


class LinkAdminForm(NamedForm):
    def clean(self) -> dict[str, Any]:
        given = super().clean()
        workspace = given.get("workspace") or getattr(self.instance, "workspace", None)
        for name in ADDRESSES:
            if workspace is None or name not in given:
                continue
            try:
                given[name] = clean_link(workspace, {name: given[name]})[name]
            except MessagingError as error:
                self.add_error(name, str(error.sentence))
        return given


@admin.register(Link)
class LinkAdmin(TextAdmin):
    resource_classes = [LinkResource]
    form = LinkAdminForm
    list_display = ("name", "workspace", "url", "enabled", "updated_at")
    search_fields = ("name", "url", "=code")
    readonly_fields = ("code", "created_at", "updated_at")
    fields = ("workspace", *LINK_FIELDS, "enabled", "code", "created_at", "updated_at")
    create_as = staticmethod(create_link_as)
    change_as = staticmethod(change_link_as)


def named_links(workspace: Any, text: str) -> list[Link]:
    """One name a line, in order. Raises ValueError for the first that is none."""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    rows = {row.name.casefold(): row for row in Link.objects.filter(workspace=workspace)} if names else {}
    for name in names:
        if name.casefold() not in rows:
            raise ValueError(_("There is no link “%(name)s” in this workspace.") % {"name": name})
    return [rows[name.casefold()] for name in names]


def lines_of_links(link_list: LinkList) -> str:
    return "\n".join(entry.link.name for entry in link_list.entries.select_related("link"))


class LinkListResource(ServicesResource):
    """Columns: workspace (its id), name, links (their names, one a line of the cell), enabled."""

    required = ("workspace", "name", "links")
    links = fields.Field(column_name="links", readonly=True)

    class Meta:
        model = LinkList
        fields = ("workspace", "name", "links", "enabled")
        import_id_fields = ("workspace", "name")

    def dehydrate_links(self, link_list: LinkList) -> str:
        return lines_of_links(link_list) if link_list.pk else ""

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        instance.wanted_links = named_links(instance.workspace, str(row["links"] or ""))
        super().save_instance(instance, is_create, row, **kwargs)

    def wanted_of(self, instance: Any) -> dict[str, Any]:
        return {"name": instance.name, "links": instance.wanted_links, "enabled": instance.enabled}

    def create(self, instance: LinkList, wanted: dict[str, Any], actor: Actor) -> LinkList:
        return create_list_as(instance.workspace, wanted, actor)

    def change(self, row: LinkList, wanted: dict[str, Any], actor: Actor) -> None:
        change_list_as(row, wanted, actor)


def create_list_as(workspace: Any, wanted: dict[str, Any], actor: Actor) -> LinkList:
    made = create_link_list(workspace=workspace, actor=actor, name=wanted["name"], links=wanted["links"])
    return set_link_list_enabled(link_list=made, actor=actor, enabled=wanted["enabled"])


def change_list_as(link_list: LinkList, wanted: dict[str, Any], actor: Actor) -> None:
    change_link_list(link_list=link_list, actor=actor, name=wanted["name"], links=wanted["links"])
    set_link_list_enabled(link_list=link_list, actor=actor, enabled=wanted["enabled"])


class LinkListAdminForm(NamedForm):
    link_names = forms.CharField(
        label=gettext_lazy("Links"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=gettext_lazy("Names of links of the same workspace, one a line, in order."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["link_names"] = lines_of_links(self.instance)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        workspace = given.get("workspace") or getattr(self.instance, "workspace", None)
        try:
            given["links"] = named_links(workspace, given.get("link_names", "")) if workspace else []
        except ValueError as error:
            self.add_error("link_names", str(error))
        return given


@admin.register(LinkList)
class LinkListAdmin(TextAdmin):
    resource_classes = [LinkListResource]
    form = LinkListAdminForm
    search_fields = ("name",)
    fields = ("workspace", "name", "link_names", "enabled", "created_at", "updated_at")
    create_as = staticmethod(create_list_as)
    change_as = staticmethod(change_list_as)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The service wrote them."""


@admin.register(Hit)
class HitAdmin(ExportMixin, LedgerAdmin):
    list_display = ("at", "link_id", "message_id", "hit_class", "rule", "device", "network", "method")
    list_filter = ("hit_class", "device")
    search_fields = ("=message_id",)
    search_help_text = gettext_lazy("The id of a message")
    ordering = ("-id",)
    # It tells nothing to people.
    exclude = ("visitor",)


@admin.register(Click)
class ClickAdmin(LedgerAdmin):
    list_display = ("message_id", "entry", "human", "bot", "unsure", "first_human_at")
    search_fields = ("=message_id",)
    ordering = ("-id",)


@admin.register(LinkCount)
class LinkCountAdmin(LedgerAdmin):
    list_display = ("dispatch", "entry", "hit_class", "hits", "people")
    list_filter = ("hit_class",)
    list_select_related = ("dispatch",)


@admin.register(ClicksAgain)
class ClicksAgainAdmin(LedgerAdmin):
    list_display = ("dispatch", "asked_at", "total", "done", "ended_at")
    ordering = ("-asked_at",)
    list_select_related = ("dispatch",)
