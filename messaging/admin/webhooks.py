"""Webhooks: changed through the services. They are made on their page, which shows the secret; no secret is shown here."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import Actor
from messaging.admin.base import LedgerAdmin, actor_named
from messaging.admin.senders import ServiceAdmin, ServiceForm
from messaging.errors import MessagingError
from messaging.models import ReportRound, WebhookDelivery, WebhookEndpoint
from messaging.webhooks.endpoints import change_endpoint, send_again
from messaging.webhooks.events import EVENT_TYPES


class WebhookEndpointAdminForm(ServiceForm):
    events = forms.MultipleChoiceField(
        label=gettext_lazy("events"),
        choices=[(name, name) for name in EVENT_TYPES],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "events", "first_after", "second_after", "enabled")

    def validate_unique(self) -> None:
        """The service says it."""

    def apply(self, actor: Actor) -> WebhookEndpoint:
        # As it was: the form has set what it read already.
        endpoint = WebhookEndpoint.objects.select_related("workspace").get(pk=self.instance.pk)
        given = self.cleaned_data
        names = ("url", "events", "first_after", "second_after", "enabled")
        return change_endpoint(endpoint=endpoint, actor=actor, **{name: given[name] for name in names})


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ServiceAdmin):
    form = WebhookEndpointAdminForm
    list_display = ("__str__", "workspace", "enabled", "disabled_because", "failing_since", "created_at")
    list_filter = ("enabled", "disabled_because", "workspace")
    list_select_related = ("workspace",)
    fields = (
        "workspace",
        "url",
        "kind",
        "events",
        "first_after",
        "second_after",
        "enabled",
        "disabled_because",
        "disabled_at",
        "failing_since",
        "created_at",
    )
    readonly_fields = ("kind", "disabled_because", "disabled_at", "failing_since", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ReportRound)
class ReportRoundAdmin(LedgerAdmin):
    list_display = ("dispatch", "endpoint", "number", "due_at", "told_to", "done_at")
    list_select_related = ("endpoint", "dispatch")
    ordering = ("-due_at",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LedgerAdmin):
    list_display = (
        "event_id",
        "endpoint",
        "event_type",
        "state",
        "attempts",
        "try_at",
        "answer_status",
        "created_at",
    )
    list_filter = ("state", "event_type")
    list_select_related = ("endpoint",)
    search_fields = ("=event_id", "=message_id")
    search_help_text = gettext_lazy("The id of an event, or of a message")
    ordering = ("-id",)
    actions = ("send_again",)

    @admin.action(description=gettext_lazy("Send again"), permissions=["view"])
    def send_again(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        count = 0
        for delivery in rows.select_related("endpoint__workspace"):
            try:
                send_again(delivery=delivery, actor=actor_named(request.user))
                count += 1
            except MessagingError as error:
                self.message_user(request, f"{delivery}: {error.sentence}", messages.ERROR)
        words = ngettext("%(n)s event is sent again.", "%(n)s events are sent again.", count)
        self.message_user(request, words % {"n": count})
