"""`/api/v1/provider-accounts`: accounts with their credentials written, never read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role, role_allows
from providers import services
from providers.connectors import REGISTRY
from providers.connectors.capabilities import ReceiptKind
from providers.daily import use_today
from providers.models import ProviderAccount, Rate
from providers.services import ProviderAccountError
from web.api import Conflict
from web.api_input import GenericViewSet, ModelSerializer, Serializer


class RateSerializer(ModelSerializer[Rate]):
    prefix = serializers.CharField(
        max_length=30, help_text="Beginning of the number, digits, such as 44 or 1212."
    )
    price = serializers.DecimalField(max_digits=10, decimal_places=5, min_value=0, help_text="For one part.")

    class Meta:
        model = Rate
        fields = ("prefix", "price")


class ProviderAccountSerializer(ModelSerializer[ProviderAccount]):
    vendor = serializers.ChoiceField(
        choices=[(slug, connector.label) for slug, connector in REGISTRY.items()],
        help_text="Cannot be changed afterwards.",
    )
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace.")
    base_url = serializers.CharField(
        required=False,
        max_length=300,
        help_text="Any server that speaks the vendor's protocol; left out, the vendor's own. To change it, "
        "send `credentials` too.",
    )
    credentials = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=True),
        write_only=True,
        help_text="Never shown again; replaces all. MessageWhiz: `api_key`; BulkVS: `username`, `password`. For all, "
        "if you like: `webhook_user` and `webhook_password`, which calls to the webhook have to bring along, and "
        "`webhook_addresses`, IP addresses or networks with commas between that may call it.",
    )
    enabled = serializers.BooleanField(required=False, help_text="A disabled account cannot be chosen.")
    parts_per_second = serializers.DecimalField(
        max_digits=8, decimal_places=2, required=False, help_text="Shared by all workers; 10 unless given."
    )
    parts_per_day = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="What goes beyond it is held and goes on the next day, in the workspace's time zone; a twentieth is kept "
        "free for verification codes. null: no limit.",
    )
    parts_today = serializers.SerializerMethodField(
        help_text="Of that limit, taken today; null where there is none."
    )
    max_in_flight = serializers.IntegerField(
        required=False, help_text="Requests open at once; 64 unless given."
    )
    default_price = serializers.DecimalField(
        max_digits=10,
        decimal_places=5,
        required=False,
        allow_null=True,
        help_text="For one part, where no row of `rates` fits; null: not known.",
    )
    media_price = serializers.DecimalField(
        max_digits=10,
        decimal_places=5,
        required=False,
        allow_null=True,
        help_text="For one message with pictures, wherever it goes and whatever its text; null: not known.",
    )
    currency = serializers.CharField(
        required=False, max_length=3, help_text="Three letters; the workspace's own unless given."
    )
    rates = RateSerializer(
        many=True,
        required=False,
        help_text="The rate card; the longest prefix wins. Replaces the whole card.",
    )
    webhook_url = serializers.SerializerMethodField(
        help_text="Where the vendor posts receipts and replies; null for keys below the role admin."
    )

    receipts = serializers.SerializerMethodField(
        help_text="How delivery reports come: pushed to the webhook, polled (Crier asks for them), or none is ever to be "
        "expected."
    )
    receipts_at = serializers.DateTimeField(
        source="receipt_round.answered_at",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="When the vendor last answered what became of messages; null where it was not asked.",
    )
    receipts_trouble = serializers.CharField(
        source="receipt_round.words",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="Why it does not answer that, since then; may be empty, null where it was not asked.",
    )

    class Meta:
        model = ProviderAccount
        fields = (
            "id",
            "vendor",
            "name",
            "enabled",
            "base_url",
            "credentials",
            "parts_per_second",
            "parts_per_day",
            "parts_today",
            "max_in_flight",
            "default_price",
            "media_price",
            "currency",
            "rates",
            "webhook_url",
            "receipts",
            "receipts_at",
            "receipts_trouble",
            "health",
            "health_words",
            "health_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("health", "health_words", "health_at", "created_at", "updated_at")

    @extend_schema_field({"type": ["integer", "null"]})
    def get_parts_today(self, account: ProviderAccount) -> int | None:
        return None if account.parts_per_day is None else use_today(account).parts

    @extend_schema_field({"type": "string", "enum": [kind.value for kind in ReceiptKind]})
    def get_receipts(self, account: ProviderAccount) -> str:
        return services.receipt_kind(account).value

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_webhook_url(self, account: ProviderAccount) -> str | None:
        request = self.context.get("request")
        key = getattr(request, "auth", None)
        return services.webhook_url(account) if key and role_allows(key.role, Role.ADMIN) else None


class ChangeProviderAccountSerializer(ProviderAccountSerializer):
    vendor = serializers.CharField(read_only=True, help_text="Cannot be changed.")  # type: ignore[assignment]  # narrower on purpose


class TestResultSerializer(Serializer[services.TestResult]):
    __test__ = False

    ok = serializers.BooleanField(help_text="Whether the vendor accepts address and credentials.")
    sentence = serializers.CharField(help_text="What happened, and how to mend it.")
    words = serializers.CharField(help_text="The vendor's own words, without secrets; may be empty.")


@extend_schema_view(
    list=extend_schema(summary="Provider accounts of the workspace"),
    retrieve=extend_schema(summary="One provider account"),
    create=extend_schema(summary="Add an account", description="Needs a key of the role admin."),
    partial_update=extend_schema(
        summary="Change an account",
        description="All of the given fields or none. Needs a key of the role admin.",
        request=ChangeProviderAccountSerializer(partial=True),
        responses=ProviderAccountSerializer,
    ),
)
class ProviderAccountViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ProviderAccount]
):
    queryset = ProviderAccount.objects.all()
    serializer_class = ProviderAccountSerializer
    filterset_fields = ("vendor", "enabled", "health")
    http_method_names = ["get", "post", "patch", "head", "options"]

    @property
    def write_role(self) -> Role:
        return Role.MARKETER if self.action == "test" else Role.ADMIN

    def get_queryset(self) -> QuerySet[ProviderAccount]:
        if getattr(self, "swagger_fake_view", False):
            return ProviderAccount.objects.none()
        rows = ProviderAccount.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # set by the key
        return rows.select_related("workspace", "receipt_round").prefetch_related("rates")

    def create(self, request: Request) -> Response:
        given = self._given(ProviderAccountSerializer(data=request.data))
        with _in_words(given["vendor"], given):
            account = services.create_account(
                workspace=request.workspace,  # type: ignore[attr-defined]  # set by the key
                actor=actor_of(request),
                **given,
            )
        return Response(self._shown(account), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        account = self.get_object()
        given = self._given(ChangeProviderAccountSerializer(account, data=request.data, partial=True))
        with _in_words(account.vendor, given):
            services.update_account(account=account, actor=actor_of(request), **given)
        return Response(self._shown(account))

    @extend_schema(
        summary="Test the connection",
        description="Asks the vendor something that sends no text. 200 with `ok` false when it fails.",
        request=None,
        responses=TestResultSerializer,
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        return Response(TestResultSerializer(services.test_account(self.get_object())).data)

    @extend_schema(
        summary="Set the webhook at the vendor",
        description="For vendors that can be told by API (BulkVS). Needs a key of the role admin.",
        request=None,
        responses=TestResultSerializer,
    )
    @action(detail=True, methods=["post"], url_path="register-webhook")
    def register_webhook(self, request: Request, pk: str) -> Response:
        result = services.register_webhook(account=self.get_object(), actor=actor_of(request))
        return Response(TestResultSerializer(result).data)

    def _given(self, serializer: serializers.Serializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _shown(self, account: ProviderAccount) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=account.pk)).data


@contextmanager
def _in_words(vendor: str, given: Mapping[str, Any]) -> Iterator[None]:
    """A service's refusal as a problem that names the field, also one inside `credentials`."""
    try:
        yield
    except ProviderAccountError as error:
        if error.code == "name_taken":
            raise Conflict(str(error.sentence), error.code) from None
        details: Any = [str(error.sentence)]
        known = services.credential_names(vendor) if vendor in REGISTRY else []
        if error.field in known or error.field in given.get("credentials", {}):
            details = {"credentials": {error.field: details}}
        else:
            details = {error.field or "non_field_errors": details}
        raise serializers.ValidationError(details) from None
