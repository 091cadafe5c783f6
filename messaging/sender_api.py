"""`/api/v1/senders`."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Actor, actor_of
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.senders import allow_accounts, create_sender, set_sender_enabled
from providers.models import ProviderAccount
from sms.senders import sender_kind
from web.api import Conflict
from web.api_input import GenericViewSet, ModelSerializer


class AllowedAccountsField(serializers.PrimaryKeyRelatedField[ProviderAccount]):
    """Of the key's workspace alone: a foreign id does not exist."""

    def get_queryset(self) -> QuerySet[ProviderAccount]:
        request = self.context.get("request")
        if request is None or getattr(request, "workspace", None) is None:
            return ProviderAccount.objects.none()
        return ProviderAccount.objects.filter(workspace=request.workspace)


class SenderSerializer(ModelSerializer[Sender]):
    value = serializers.CharField(
        max_length=40,
        help_text="A name of up to 11 characters with a letter in it, or up to 20 digits. Cannot be changed.",
    )
    kind = serializers.SerializerMethodField(help_text="alphanumeric, number or short_code.")
    enabled = serializers.BooleanField(required=False, help_text="A disabled sender cannot be chosen.")
    accounts = AllowedAccountsField(
        many=True, required=False, help_text="Ids of the provider accounts that may use it; none: all may."
    )

    class Meta:
        model = Sender
        fields = ("id", "value", "kind", "enabled", "accounts", "created_at")
        read_only_fields = ("created_at",)

    def get_kind(self, sender: Sender) -> str:
        return sender_kind(sender.value)


class ChangeSenderSerializer(SenderSerializer):
    value = serializers.CharField(read_only=True, help_text="Cannot be changed.")


@extend_schema_view(
    list=extend_schema(summary="Senders of the workspace"),
    retrieve=extend_schema(summary="One sender"),
    create=extend_schema(summary="Add a sender"),
    partial_update=extend_schema(
        summary="Enable or disable a sender, or name its accounts",
        request=ChangeSenderSerializer(partial=True),
        responses=SenderSerializer,
    ),
)
class SenderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Sender]):
    queryset = Sender.objects.all()
    serializer_class = SenderSerializer
    filterset_fields = ("value", "enabled")
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[Sender]:
        if getattr(self, "swagger_fake_view", False):
            return Sender.objects.none()
        rows = Sender.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # set by the key
        return rows.select_related("workspace").prefetch_related("accounts")

    def create(self, request: Request) -> Response:
        given = self._given(self.get_serializer(data=request.data))
        enabled = given.pop("enabled", True)
        actor = actor_of(request)
        try:
            with transaction.atomic():
                sender = create_sender(workspace=request.workspace, actor=actor, **given)  # type: ignore[attr-defined]  # set by the key
                self._change(sender, actor, {"enabled": enabled})
        except MessagingError as error:
            if error.code == "sender_exists":
                raise Conflict(str(error.sentence), error.code) from None
            raise serializers.ValidationError({error.field: [str(error.sentence)]}) from None
        return Response(self._shown(sender), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        sender = self.get_object()
        context = self.get_serializer_context()
        given = self._given(ChangeSenderSerializer(sender, data=request.data, partial=True, context=context))
        with transaction.atomic():
            self._change(sender, actor_of(request), given)
        return Response(self._shown(sender))

    @staticmethod
    def _change(sender: Sender, actor: Actor, given: dict[str, Any]) -> None:
        if "accounts" in given:
            allow_accounts(sender=sender, actor=actor, accounts=given["accounts"])
        if given.get("enabled", sender.enabled) != sender.enabled:
            set_sender_enabled(sender=sender, enabled=given["enabled"], actor=actor)

    @staticmethod
    def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _shown(self, sender: Sender) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=sender.pk)).data
