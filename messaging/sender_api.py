"""`/api/v1/senders` and `/api/v1/sender-lists`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.access import actor_of
from messaging.errors import MessagingError
from messaging.models import Sender, SenderChoice, SenderList
from messaging.sender_finding import FoundState, find_senders
from messaging.sender_lists import NAME_MOST, create_sender_list, update_sender_list
from messaging.senders import create_sender, update_sender
from providers.models import ProviderAccount
from sms.senders import sender_kind
from web.api import Conflict
from web.api_input import GenericViewSet, ModelSerializer, Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)
CONFLICTS = {"sender_exists", "name_taken", "vendor_refused"}


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services as the API's problems: 409 for what is there already, and for a vendor that does not
    answer; else 400 at the field.
    """
    try:
        yield
    except MessagingError as error:
        if error.code in CONFLICTS:
            raise Conflict(str(error.sentence), error.code) from None
        name = error.field or api_settings.NON_FIELD_ERRORS_KEY
        raise serializers.ValidationError({name: [str(error.sentence)]}, code=error.code) from None


class AllowedAccountsField(serializers.PrimaryKeyRelatedField[ProviderAccount]):
    """Of the key's workspace alone: a foreign id does not exist."""

    def get_queryset(self) -> QuerySet[ProviderAccount]:
        request = self.context.get("request")
        if request is None or getattr(request, "workspace", None) is None:
            return ProviderAccount.objects.none()
        return ProviderAccount.objects.filter(workspace=request.workspace)


class MembersField(serializers.PrimaryKeyRelatedField[Sender]):
    """Of the key's workspace alone: a foreign id does not exist."""

    def get_queryset(self) -> QuerySet[Sender]:
        request = self.context.get("request")
        if request is None or getattr(request, "workspace", None) is None:
            return Sender.objects.none()
        return Sender.objects.filter(workspace=request.workspace).select_related("workspace")


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
    countries = serializers.ListField(
        child=serializers.CharField(max_length=20),
        required=False,
        help_text="ISO 3166 codes of the countries that it may send to, such as US; none: all.",
    )
    is_default = serializers.BooleanField(
        required=False, help_text="New broadcasts take it; true takes it from the one that has it."
    )

    class Meta:
        model = Sender
        fields = (
            *("id", "value", "kind", "enabled", "is_default", "accounts", "countries"),
            *("created_at", "last_used_at"),
        )
        read_only_fields = ("created_at", "last_used_at")
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "last_used_at": {"help_text": "When a message last went out from it, to the minute; null: never."}
        }

    def get_kind(self, sender: Sender) -> str:
        return sender_kind(sender.value)


class ChangeSenderSerializer(SenderSerializer):
    value = serializers.CharField(read_only=True, help_text="Cannot be changed.")


class FindSendersSerializer(Serializer[Any]):
    account = serializers.IntegerField(
        help_text="Id of a provider account whose vendor can list its senders."
    )


class FoundSenderSerializer(Serializer[Any]):
    value = serializers.CharField(help_text="As it would be kept here.")
    kind = serializers.CharField(allow_blank=True, help_text="In words.")
    state = serializers.ChoiceField(
        choices=[state.value for state in FoundState],
        help_text="new; not_allowed: known, but the account may not use it yet; known; unusable: see problem.",
    )
    problem = serializers.CharField(allow_blank=True)
    sender = serializers.IntegerField(source="sender.pk", allow_null=True, default=None)


@extend_schema_view(
    list=extend_schema(summary="Senders of the workspace"),
    retrieve=extend_schema(summary="One sender"),
    create=extend_schema(summary="Add a sender"),
    partial_update=extend_schema(
        summary="Change a sender",
        request=ChangeSenderSerializer(partial=True),
        responses=SenderSerializer,
    ),
)
class SenderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Sender]):
    queryset = Sender.objects.all()
    serializer_class = SenderSerializer
    filterset_fields = ("value", "enabled", "is_default")
    body_actions = frozenset({"create", "partial_update", "find"})
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
        with problems(), transaction.atomic():
            sender = create_sender(workspace=request.workspace, actor=actor, **given)  # type: ignore[attr-defined]  # set by the key
            update_sender(sender=sender, actor=actor, enabled=enabled)
        return Response(self._shown(sender), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        sender = self.get_object()
        context = self.get_serializer_context()
        given = self._given(ChangeSenderSerializer(sender, data=request.data, partial=True, context=context))
        with problems():
            update_sender(sender=sender, actor=actor_of(request), **given)
        return Response(self._shown(sender))

    @extend_schema(
        summary="Find the senders that a vendor has",
        request=FindSendersSerializer,
        responses={200: FoundSenderSerializer(many=True), 409: PROBLEM},
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None)
    def find(self, request: Request) -> Response:
        """Asks the vendor, where it can list them, and changes nothing: add what you want with a POST to senders."""
        given = self._given(FindSendersSerializer(data=request.data))
        workspace = request.workspace  # type: ignore[attr-defined]  # set by the key
        account = workspace.provider_accounts.filter(pk=given["account"]).first()
        if account is None:
            sentence = _("There is no account %(id)s in this workspace. Choose another one.")
            raise serializers.ValidationError({"account": [sentence % {"id": given["account"]}]})
        with problems():
            found = find_senders(account)
        return Response(FoundSenderSerializer(found, many=True).data)

    @staticmethod
    def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _shown(self, sender: Sender) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=sender.pk)).data


class SenderListSerializer(ModelSerializer[SenderList]):
    name = serializers.CharField(max_length=NAME_MOST, help_text="Unique in the workspace.")
    choice = serializers.ChoiceField(
        choices=SenderChoice.values,
        required=False,
        help_text="random: another one for each message; sticky: always the same one for a person.",
    )
    senders = MembersField(many=True, required=False, help_text="Ids of its senders; a change replaces them.")
    enabled = serializers.BooleanField(required=False, help_text="A disabled list cannot be chosen.")

    class Meta:
        model = SenderList
        fields = ("id", "name", "choice", "senders", "enabled", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")


@extend_schema_view(
    list=extend_schema(summary="Sender lists of the workspace"),
    retrieve=extend_schema(summary="One sender list"),
    create=extend_schema(summary="Make a sender list", responses={201: SenderListSerializer, 409: PROBLEM}),
    partial_update=extend_schema(
        summary="Change a sender list", responses={200: SenderListSerializer, 409: PROBLEM}
    ),
)
class SenderListViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[SenderList]):
    """One of its senders for each message. They are disabled, not deleted."""

    queryset = SenderList.objects.all()
    serializer_class = SenderListSerializer
    filterset_fields = ("enabled", "choice")
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[SenderList]:
        if getattr(self, "swagger_fake_view", False):
            return SenderList.objects.none()
        rows = SenderList.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # set by the key
        return rows.select_related("workspace").prefetch_related("senders")

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        enabled, actor = given.pop("enabled", True), actor_of(request)
        with problems(), transaction.atomic():
            made = create_sender_list(workspace=request.workspace, actor=actor, **given)  # type: ignore[attr-defined]  # set by the key
            update_sender_list(sender_list=made, actor=actor, enabled=enabled)
        return Response(self._shown(made), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        sender_list = self.get_object()
        serializer = self.get_serializer(sender_list, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        with problems():
            update_sender_list(sender_list=sender_list, actor=actor_of(request), **serializer.validated_data)
        return Response(self._shown(sender_list))

    def _shown(self, sender_list: SenderList) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=sender_list.pk)).data
