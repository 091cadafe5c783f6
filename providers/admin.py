"""Provider accounts in the admin. Credentials are never shown; they are entered on the account's page."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.admin import ExportMixin, ImportExportModelAdmin
from import_export.instance_loaders import BaseInstanceLoader

from accounts.access import Actor
from accounts.audit import record
from accounts.models import User
from providers import services
from providers.models import (
    AccountDay,
    AccountHour,
    Pace,
    ProviderAccount,
    Rate,
    ReceiptRound,
    RemoteRecord,
    Route,
    RouteStep,
    StoredWebhookCall,
    SyncRun,
    SyncRunStep,
    TrafficEntry,
)
from providers.services import ProviderAccountError
from providers.services.prefixes import clean_prefix
from providers.services.prices import clean_price, touch
from providers.services.routes import update_route
from web.forms import ModelForm
from web.posted import whole_number
from web.uploads import TakesImports

EDITED = (
    "name",
    "enabled",
    "parts_per_second",
    "parts_per_day",
    "max_in_flight",
    "default_price",
    "media_price",
    "currency",
)


def _actor(request: HttpRequest) -> Actor:
    return Actor(user=request.user if isinstance(request.user, User) else None)


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at: services alone write these rows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccountResource(resources.ModelResource):
    class Meta:
        model = ProviderAccount
        fields = ("id", "workspace__name", "vendor", "base_url", *EDITED, "health", "health_at", "created_at")


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ExportMixin, admin.ModelAdmin):
    """Made on the Providers page, which checks the credentials; kept for the messages that refer to it."""

    form = ModelForm
    resource_classes = [AccountResource]
    list_display = ("name", "workspace", "vendor", "enabled", "health", "parts_per_second", "default_price")
    list_filter = ("vendor", "enabled", "health", "workspace")
    search_fields = ("name", "base_url")
    list_select_related = ("workspace",)
    fields = ("workspace", "vendor", "base_url", *EDITED, "health", "health_words", "health_at", "created_at")
    readonly_fields = tuple(name for name in fields if name not in EDITED)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ProviderAccount, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            services.update_account(account=obj, actor=_actor(request), **fields)
        except ProviderAccountError as error:
            self.message_user(request, str(error.sentence), messages.ERROR)


class RouteStepInline(admin.TabularInline):
    model = RouteStep
    extra = 0
    fields = readonly_fields = ("position", "account", "weight", "only")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Route)
class RouteAdmin(admin.ModelAdmin):
    """Made, and given its accounts, on the Routes page; disabled, not deleted."""

    form = ModelForm
    list_display = ("name", "workspace", "strategy", "enabled", "updated_at")
    list_filter = ("enabled", "strategy", "workspace")
    search_fields = ("name",)
    list_select_related = ("workspace",)
    fields = ("workspace", "name", "strategy", "enabled", "created_at", "updated_at")
    readonly_fields = ("workspace", "created_at", "updated_at")
    inlines = [RouteStepInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Route, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        kept = Route.objects.select_related("workspace").get(pk=obj.pk)
        try:
            update_route(route=kept, actor=_actor(request), **given)
        except ProviderAccountError as error:
            self.message_user(request, str(error.sentence), messages.ERROR)


class _KnownRates(BaseInstanceLoader):
    """All rates of the accounts in the file, read once: a query for each row took most of an import's time."""

    def __init__(self, resource: RateResource, dataset: Any) -> None:
        super().__init__(resource, dataset)
        accounts = {str(value).strip() for value in dataset["account"]} if dataset else set()
        ids = [pk for value in accounts if (pk := whole_number(value)) is not None]
        rates = Rate.objects.filter(account_id__in=ids)
        self._known = {(rate.account_id, rate.prefix): rate for rate in rates}

    def get_instance(self, row: Any) -> Rate | None:
        written = str(row["account"]).strip()
        return self._known.get((whole_number(written) or 0, row["prefix"]))


class RateResource(resources.ModelResource):
    """Columns: account (its id), prefix, price. A known prefix gets the new price."""

    class Meta:
        model = Rate
        fields = ("account", "prefix", "price")
        import_id_fields = ("account", "prefix")
        instance_loader_class = _KnownRates
        skip_unchanged = True
        use_bulk = True
        batch_size = 2000

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.accounts: dict[str, ProviderAccount] = {}
        self.counts: Counter[str] = Counter()

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        try:
            row["prefix"], row["price"] = clean_prefix(row["prefix"]), clean_price(row["price"])
        except ProviderAccountError as error:
            raise ValueError(str(error.sentence)) from None
        key = (str(row["account"]).strip(), row["prefix"])
        if key in self.seen:
            raise ValueError(_("+%(prefix)s is in the file twice.") % {"prefix": row["prefix"]})
        self.seen.add(key)

    def import_instance(self, instance: Rate, row: Any, **kwargs: Any) -> None:
        """The account is looked up once, not for each row."""
        written = str(row["account"]).strip()
        account = self.accounts.get(written) or (
            ProviderAccount.objects.select_related("workspace").filter(pk=whole_number(written) or 0).first()
        )
        if account is None:
            raise ValueError(_("There is no provider account %(id)s.") % {"id": written[:20]})
        self.accounts[written] = account
        instance.account, instance.prefix, instance.price = account, row["prefix"], row["price"]

    def after_import_row(self, row: Any, row_result: Any, **kwargs: Any) -> None:
        if row_result.is_new() or row_result.is_update():
            self.counts[str(row["account"]).strip()] += 1

    def after_import(self, dataset: Any, result: Any, dry_run: bool = False, **kwargs: Any) -> None:
        if dry_run or kwargs.get("dry_run"):
            return
        for written, count in self.counts.items():
            account = self.accounts[written]
            touch(account)
            user = kwargs.get("user")
            actor = Actor(user=user if isinstance(user, User) else None)
            record(account.workspace, actor, "imported prices", account, way="merge", rows=count)


@admin.register(Rate)
class RateAdmin(TakesImports, ImportExportModelAdmin):
    form = ModelForm
    resource_classes = [RateResource]
    list_display = ("account", "prefix", "price")
    list_filter = ("account",)
    search_fields = ("prefix",)
    list_select_related = ("account",)

    def get_readonly_fields(self, request: HttpRequest, obj: Rate | None = None) -> tuple[str, ...]:
        return ("account", "prefix") if obj else ()

    def save_model(self, request: HttpRequest, obj: Rate, form: Any, change: bool) -> None:
        try:
            rate = services.set_rate(
                account=obj.account, prefix=obj.prefix, price=obj.price, actor=_actor(request)
            )
        except ProviderAccountError as error:
            self.message_user(request, str(error.sentence), messages.ERROR)
        else:
            obj.pk = rate.pk

    def delete_model(self, request: HttpRequest, obj: Rate) -> None:
        services.remove_rate(rate=obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rate]) -> None:
        for rate in queryset.select_related("account__workspace"):
            services.remove_rate(rate=rate, actor=_actor(request))


@admin.register(Pace)
class PaceAdmin(ReadOnlyAdmin):
    list_display = ("account", "next_free_at")


@admin.register(AccountDay)
class AccountDayAdmin(ReadOnlyAdmin):
    list_display = ("account", "day", "parts")
    list_filter = ("account",)
    list_select_related = ("account",)
    date_hierarchy = "day"
    ordering = ("-day", "account")


@admin.register(ReceiptRound)
class ReceiptRoundAdmin(ReadOnlyAdmin):
    list_display = ("account", "answered_at", "next_at", "failures", "words", "answered", "given_up")
    list_select_related = ("account",)


@admin.register(StoredWebhookCall)
class StoredWebhookCallAdmin(ReadOnlyAdmin):
    list_display = ("id", "account", "received_at", "method", "state", "words", "tries")
    list_filter = ("state", "account")
    list_select_related = ("account",)
    show_full_result_count = False
    fields = (
        "account",
        "received_at",
        "remote_address",
        "method",
        "query",
        "headers",
        "body_text",
        "state",
        "words",
        "tries",
        "try_at",
        "applied_at",
    )
    actions = ("apply_again",)

    @admin.display(description=_("body"))
    def body_text(self, call: StoredWebhookCall) -> str:
        return bytes(call.body).decode("utf-8", "replace")

    @admin.action(description=_("Apply the chosen calls again"), permissions=["view"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[StoredWebhookCall]) -> None:
        count = services.apply_again(call_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, _("%(n)s calls are applied again.") % {"n": count}, messages.SUCCESS)


@admin.register(TrafficEntry)
class TrafficEntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "account", "at", "operation", "status", "milliseconds", "trouble")
    list_filter = ("account", "operation")
    list_select_related = ("account",)
    show_full_result_count = False
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrafficEntry]:
        """The list is spared what only one entry's page shows."""
        rows: QuerySet[TrafficEntry] = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and str(match.url_name).endswith("_changelist")
        return rows.defer("request", "answer") if is_list else rows


@admin.register(AccountHour)
class AccountHourAdmin(ReadOnlyAdmin):
    list_display = (
        "account",
        "hour",
        "taken",
        "refused",
        "unclear",
        "throttled",
        "unreachable",
        "delivered",
        "not_delivered",
    )
    list_filter = ("account",)
    list_select_related = ("account",)
    date_hierarchy = "hour"
    ordering = ("-hour", "account")


@admin.register(RemoteRecord)
class RemoteRecordAdmin(ReadOnlyAdmin):
    """Compared, pushed, pulled and linked on the account's page Sync."""

    list_display = (
        "id",
        "account",
        "entity",
        "name",
        "state",
        "local_id",
        "remote_id",
        "seen_at",
        "pushed_at",
    )
    list_filter = ("state", "entity", "account")
    list_select_related = ("account",)
    search_fields = ("name", "remote_id")
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "account", "what", "state", "total", "done", "failed", "created_at", "finished_at")
    list_filter = ("what", "state", "account")
    list_select_related = ("account",)
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(SyncRunStep)
class SyncRunStepAdmin(ReadOnlyAdmin):
    list_display = ("id", "run_id", "position", "entity", "name", "action", "state", "words")
    list_filter = ("state", "action", "entity")
    raw_id_fields = ("run", "record")
    show_full_result_count = False
    ordering = ("-id",)
