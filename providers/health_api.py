"""`/api/v1/provider-accounts/ID/health`, `/calls` and `/traffic`: how an account does, and what went over the line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import BinaryField, QuerySet
from django.db.models.functions import Substr
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of, get_row
from accounts.models import Role, role_allows
from providers import services
from providers.health import figures_of
from providers.models import ProviderAccount, StoredWebhookCall, TrafficEntry, WebhookCallState
from providers.services import ProviderAccountError
from providers.services.webhook_calls import AGAIN_MOST, TROUBLED
from providers.tasks import wake_applier
from web.api_input import FilterSet, GenericViewSet, ModelSerializer, Serializer, TrueOrFalseFilter

HOURS_MOST = 24 * 90
# Of each body in a list, in bytes: a page may have a thousand of up to a megabyte.
LISTED = 8000


class HealthQuerySerializer(Serializer[Any]):
    hours = serializers.IntegerField(min_value=1, max_value=HOURS_MOST, default=24)


class FiguresSerializer(Serializer[Any]):
    """Of the hours asked for, the one that runs included. A share is null where there is nothing to take it of."""

    hours = serializers.IntegerField(help_text="As asked for.")
    handed_over = serializers.IntegerField(help_text="Messages that were taken, refused or are unclear.")
    taken_share = serializers.FloatField(allow_null=True, help_text="Of those handed over, 0 to 1.")
    answer_milliseconds = serializers.IntegerField(allow_null=True, help_text="Mean time of an answer.")
    slowest_milliseconds = serializers.IntegerField(help_text="The slowest answer; 0 where there was none.")
    delivered = serializers.IntegerField(help_text="Reported as delivered.")
    delivered_share = serializers.FloatField(allow_null=True, help_text="Of those reported, 0 to 1.")
    report_seconds = serializers.IntegerField(
        allow_null=True, help_text="Mean time from handing over to the report that settled the message."
    )
    refused = serializers.IntegerField(help_text="Certainly not sent.")
    throttled = serializers.IntegerField(help_text="The vendor asked for fewer at a time; tried again.")
    unclear = serializers.IntegerField(help_text="Perhaps sent.")
    unreachable = serializers.IntegerField(help_text="No connection came about; tried again.")


class CallSerializer(ModelSerializer[StoredWebhookCall]):
    state = serializers.ChoiceField(choices=WebhookCallState.choices, read_only=True)
    words = serializers.CharField(read_only=True, help_text="Why it was not understood; may be empty.")
    tries = serializers.IntegerField(read_only=True, help_text="How often no message was found for it yet.")
    applied_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it was settled; null while it waits."
    )
    remote_address = serializers.SerializerMethodField(help_text="null for keys below the role admin.")
    query = serializers.SerializerMethodField(help_text="null for keys below the role admin.")
    headers = serializers.SerializerMethodField(help_text="null for keys below the role admin.")
    body = serializers.SerializerMethodField(
        help_text=f"As text, broken UTF-8 replaced; in a list its first {LISTED:,} bytes. null for keys below the role "
        "admin."
    )

    class Meta:
        model = StoredWebhookCall
        fields = (
            "id",
            "received_at",
            "method",
            "state",
            "words",
            "tries",
            "applied_at",
            "remote_address",
            "query",
            "headers",
            "body",
        )
        read_only_fields = fields

    @property
    def _sees_all(self) -> bool:
        key = getattr(self.context.get("request"), "auth", None)
        return key is not None and role_allows(key.role, Role.ADMIN)

    @extend_schema_field({"type": ["string", "null"]})
    def get_remote_address(self, call: StoredWebhookCall) -> str | None:
        return call.remote_address if self._sees_all else None

    @extend_schema_field({"type": ["string", "null"]})
    def get_query(self, call: StoredWebhookCall) -> str | None:
        return call.query if self._sees_all else None

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
    def get_headers(self, call: StoredWebhookCall) -> dict[str, str] | None:
        return call.headers if self._sees_all else None

    @extend_schema_field({"type": ["string", "null"]})
    def get_body(self, call: StoredWebhookCall) -> str | None:
        if not self._sees_all:
            return None
        return bytes(getattr(call, "beginning", None) or call.body).decode("utf-8", "replace")


class ApplyAgainSerializer(Serializer[Any]):
    state = serializers.ChoiceField(
        choices=[(state.value, state.label) for state in TROUBLED],
        help_text=f"All of this state, {AGAIN_MOST:,} at most: those first that were looked at longest ago.",
    )


class AppliedAgainSerializer(Serializer[Any]):
    calls = serializers.IntegerField(help_text="How many wait to be applied again.")


class TrafficSerializer(ModelSerializer[TrafficEntry]):
    class Meta:
        model = TrafficEntry
        fields = (
            "id",
            "at",
            "operation",
            "method",
            "url",
            "request",
            "status",
            "answer",
            "milliseconds",
            "trouble",
        )
        read_only_fields = fields
        extra_kwargs = {
            "operation": {"help_text": "Of the vendor's document, by its name here; send for messages."},
            "request": {"help_text": "The body, without secrets, cut."},
            "status": {"help_text": "null: no answer came."},
            "answer": {"help_text": "The body, without secrets, cut."},
            "trouble": {"help_text": "How it ended, where it ended badly; else empty."},
        }


class CallFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=WebhookCallState.choices, help_text="Calls in this state.")


class TrafficFilter(FilterSet):
    operation = django_filters.CharFilter(help_text="Requests of this operation.")
    trouble = TrueOrFalseFilter(
        method="only_trouble", help_text="true: those that ended badly; false: those that went well."
    )

    def only_trouble(self, rows: QuerySet[TrafficEntry], _name: str, value: bool) -> QuerySet[TrafficEntry]:
        return rows.filter(trouble__gt="") if value else rows.filter(trouble="")


class OfAccount(GenericViewSet[Any]):
    """Rows below one account of the workspace."""

    lookup_value_regex = "[0-9]+"

    def account(self) -> ProviderAccount:
        return get_row(
            self.request,
            ProviderAccount.objects.select_related("workspace"),
            pk=self.kwargs["account_pk"],
        )


class HealthViewSet(OfAccount):
    """Kept by the hour while messages go out: asking costs the database next to nothing."""

    serializer_class = FiguresSerializer
    parameters = {"retrieve": ("hours",)}
    queryset = ProviderAccount.objects.none()

    @extend_schema(
        summary="Health of an account",
        parameters=[
            OpenApiParameter(
                "hours",
                OpenApiTypes.INT,
                description=f"1 to {HOURS_MOST:,}; 24 unless given.",
                default=24,
            )
        ],
        responses=FiguresSerializer,
    )
    def retrieve(self, request: Request, account_pk: int) -> Response:
        account = self.account()
        given = {name: value for name, value in request.query_params.items() if name == "hours"}
        asked = HealthQuerySerializer(data=given)
        asked.is_valid(raise_exception=True)
        hours = asked.validated_data["hours"]
        figures = figures_of(account, hours=hours)
        return Response(FiguresSerializer({"hours": hours, **asdict(figures)}).data)


@extend_schema_view(
    list=extend_schema(summary="Calls from the vendor"),
    retrieve=extend_schema(summary="One call from the vendor"),
)
class CallViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OfAccount):
    """What the vendor posted to the account's webhook, kept for 30 days. Keys of the role admin see what it was."""

    serializer_class = CallSerializer
    filterset_class = CallFilter
    write_role = Role.ADMIN
    body_actions = frozenset({"apply_all_again"})
    queryset = StoredWebhookCall.objects.none()

    def get_queryset(self) -> QuerySet[StoredWebhookCall]:
        if getattr(self, "swagger_fake_view", False):
            return StoredWebhookCall.objects.none()
        calls = StoredWebhookCall.objects.filter(account=self.account()).select_related("account__workspace")
        if self.action != "list":
            return calls
        beginning = Substr("body", 1, LISTED, output_field=BinaryField())
        return calls.annotate(beginning=beginning).defer("body")

    @extend_schema(
        operation_id="provider_accounts_calls_apply_again",
        summary="Apply a call again",
        request=None,
        responses={200: AppliedAgainSerializer},
    )
    def apply_again(self, request: Request, account_pk: int, pk: int) -> Response:
        """Once what was wrong is mended. What counts already changes nothing; 0 for a call that waits anyway."""
        is_again = services.apply_call_again(call=self.get_object(), actor=actor_of(request))
        wake_applier()
        return Response({"calls": int(is_again)})

    @extend_schema(
        operation_id="provider_accounts_calls_apply_all_again",
        summary="Apply all calls of a state again",
        request=ApplyAgainSerializer,
        responses={200: AppliedAgainSerializer},
    )
    def apply_all_again(self, request: Request, account_pk: int) -> Response:
        account = self.account()
        asked = ApplyAgainSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            count = services.apply_state_again(
                account=account, state=asked.validated_data["state"], actor=actor_of(request)
            )
        except ProviderAccountError as error:
            raise serializers.ValidationError({error.field: [str(error.sentence)]}) from None
        wake_applier()
        return Response({"calls": count})


@extend_schema_view(
    list=extend_schema(
        summary="Requests to the vendor",
        description="Without secrets; while all goes well one a second, and one a second of those that end badly; "
        "kept for 7 days. Needs a key of the role admin: they hold numbers and texts.",
    ),
)
class TrafficViewSet(mixins.ListModelMixin, OfAccount):
    serializer_class = TrafficSerializer
    filterset_class = TrafficFilter
    read_role = Role.ADMIN
    queryset = TrafficEntry.objects.none()

    def get_queryset(self) -> QuerySet[TrafficEntry]:
        if getattr(self, "swagger_fake_view", False):
            return TrafficEntry.objects.none()
        return TrafficEntry.objects.filter(account=self.account())
