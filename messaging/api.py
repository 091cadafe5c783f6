"""API of the ledger: every message with its state, reason, provider's words and times. Read only here."""

from __future__ import annotations

from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers

from messaging.failover import attempts_of
from messaging.media.addresses import pictures_at
from messaging.models import Attempt, Message
from messaging.reasons import reason_of
from sms.states import DLR_NUMBER, MessageState
from web.api_input import FilterSet, GenericViewSet, IdFilter, ModelSerializer, Serializer


class ReasonSerializer(Serializer[Message]):
    code = serializers.CharField(
        source="reason", help_text="Short and stable; empty where no reason is needed."
    )
    sentence = serializers.SerializerMethodField(help_text="The same in words.")
    next_step = serializers.SerializerMethodField(help_text="What can be done about it.")

    def get_sentence(self, message: Message) -> str:
        return str(reason_of(message.reason).sentence)

    def get_next_step(self, message: Message) -> str:
        return str(reason_of(message.reason).next_step)


class MessageSerializer(ModelSerializer[Message]):
    msisdn = serializers.CharField(read_only=True, help_text="E.164 digits without plus.")
    broadcast = serializers.IntegerField(
        source="broadcast_id", read_only=True, allow_null=True, help_text="Null for a single text."
    )
    account = serializers.IntegerField(source="account_id", read_only=True, help_text="The provider account.")
    state = serializers.ChoiceField(
        choices=[(state.value, state.name) for state in MessageState], read_only=True
    )
    dlr = serializers.SerializerMethodField(
        help_text="The delivery report's number: 1 ENROUTE, 2 DELIVRD, 3 EXPIRED, 4 DELETED, 5 UNDELIV, "
        "7 UNKNOWN, 8 REJECTD, 9 FAILED; null while there is nothing to report."
    )
    reason = ReasonSerializer(source="*", read_only=True)
    provider_words = serializers.CharField(
        source="words", read_only=True, help_text="Word for word, redacted."
    )

    class Meta:
        model = Message
        fields = (
            "id",
            "broadcast",
            "msisdn",
            "sender",
            "account",
            "text",
            "state",
            "dlr",
            "reason",
            "provider_words",
            "provider_message_id",
            "parts",
            "price",
            "tries",
            "created_at",
            "submitted_at",
            "settled_at",
            "changed_at",
        )
        read_only_fields = fields

    def get_dlr(self, message: Message) -> int | None:
        return DLR_NUMBER.get(MessageState(message.state))


class ChangeSerializer(Serializer[list[Any]]):
    state = serializers.CharField()
    at = serializers.DateTimeField()
    source = serializers.CharField(  # type: ignore[assignment]  # a field named as an attribute of Field
        help_text="engine, receipt, sweep or person."
    )
    reason = serializers.CharField(allow_blank=True)
    provider_words = serializers.CharField(allow_blank=True)

    def to_representation(self, instance: list[Any]) -> dict[str, Any]:
        return dict(zip(("state", "at", "source", "reason", "provider_words"), instance, strict=False))


class AttemptSerializer(ModelSerializer[Attempt]):
    account = serializers.IntegerField(source="account_id", read_only=True)
    provider_words = serializers.CharField(source="words", read_only=True)

    class Meta:
        model = Attempt
        fields = ("account", "at", "reason", "provider_words")
        read_only_fields = fields


class MessageDetailSerializer(MessageSerializer):
    history = ChangeSerializer(
        many=True, read_only=True, help_text="Each change after planning, oldest first."
    )
    attempts = serializers.SerializerMethodField(
        help_text="Tries through other accounts of its route, oldest first: certainly not sent there, and moved on."
    )
    media = serializers.SerializerMethodField(
        help_text="Ids of the pictures that go with it, in their order."
    )

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "media", "attempts", "history")  # type: ignore[assignment]  # three more
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, message: Message) -> Any:
        return AttemptSerializer(attempts_of(message.pk), many=True).data

    def get_media(self, message: Message) -> list[int]:
        return [media.pk for media in pictures_at(message.workspace_id, message.dispatch.media_urls)]


class MessageFilter(FilterSet):
    msisdn = django_filters.CharFilter(help_text="E.164 digits, with or without plus.", method="by_number")
    state = django_filters.MultipleChoiceFilter(
        choices=[(state.value, state.value) for state in MessageState],
        help_text="May be given several times.",
    )
    broadcast = IdFilter(field_name="broadcast_id", help_text="Of one broadcast.")

    def by_number(self, rows: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return rows.filter(msisdn=value.strip().removeprefix("+"))

    class Meta:
        model = Message
        fields = ("msisdn", "state", "broadcast")


class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Message]):
    """Messages of broadcasts and single texts, newest first."""

    filterset_class = MessageFilter
    lookup_value_regex = "[0-9]+"
    queryset = Message.objects.none()

    def get_queryset(self) -> QuerySet[Message]:
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        return Message.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # see api_access

    def get_serializer_class(self) -> type[MessageSerializer]:
        return MessageDetailSerializer if self.action == "retrieve" else MessageSerializer
