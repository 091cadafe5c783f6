"""`/api/v1/webhooks` and `/api/v1/webhook-deliveries`. A secret stands in the answer that makes it, and in no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role, role_allows
from messaging.errors import MessagingError
from messaging.models import WebhookDelivery, WebhookEndpoint, WebhookKind, WebhookState
from messaging.models.webhooks import ADDRESS_LENGTH
from messaging.texts.api import PROBLEM, workspace_of
from messaging.webhooks.endpoints import (
    WithSecret,
    change_endpoint,
    create_endpoint,
    rotate_secret,
    send_again,
    send_failed_again,
    send_test,
)
from messaging.webhooks.events import EVENT_TYPES
from web.api import Conflict
from web.api_input import FilterSet, GenericViewSet, IdFilter, ModelSerializer, Serializer


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services: 409 where something else has to be done first, else 400 at the field."""
    try:
        yield
    except MessagingError as error:
        if error.code in ("disabled", "too_many", "test_waits", "too_many_tests"):
            raise Conflict(str(error.sentence), error.code) from None
        words = [serializers.ErrorDetail(str(error.sentence), error.code)]
        raise serializers.ValidationError({error.field or "non_field_errors": words}) from None


class WebhookSerializer(ModelSerializer[WebhookEndpoint]):
    url = serializers.CharField(
        max_length=ADDRESS_LENGTH,
        help_text="Where events are posted. Keys without the role admin do not see what stands after the question mark.",
    )
    kind = serializers.ChoiceField(
        choices=WebhookKind.choices,
        required=False,
        help_text="crier: events. messagewhiz: delivery reports as MessageWhiz sends them, after first_after and "
        "second_after minutes. Set when it is made, and kept.",
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENT_TYPES)),
        required=False,
        help_text="Left out when it is made: all. Empty with the kind messagewhiz.",
    )
    first_after = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="T1, with the kind messagewhiz: minutes from the end of a broadcast, segment or single text until its "
        "delivery reports are sent, 5 to 10080.",
    )
    second_after = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="T2: when they are sent once more, with what is known by then; null: not.",
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled one is told nothing; what waits goes out once it is enabled."
    )
    disabled_because = serializers.CharField(
        read_only=True,
        help_text="person, gone (it answered 410) or failing (nothing got through); empty while it is enabled.",
    )
    failing_since = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="null: the last event got through."
    )

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
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
        read_only_fields = ("disabled_at", "created_at")

    def to_representation(self, instance: WebhookEndpoint) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not role_allows(self.context["request"].auth.role, Role.ADMIN):
            shown["url"] = instance.shown_url
        return shown


class WithSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(
        read_only=True, help_text="Begins with whsec_; shown by this answer alone. Events are signed with it."
    )

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")  # type: ignore[assignment]  # one more field


class AgainSerializer(Serializer[Any]):
    events = serializers.IntegerField(read_only=True, help_text="How many are sent again.")


class DeliverySerializer(ModelSerializer[WebhookDelivery]):
    webhook = serializers.IntegerField(source="endpoint_id", read_only=True)
    event_id = serializers.CharField(
        read_only=True, help_text="The header webhook-id: the same in every try, and when it is sent again."
    )
    message = serializers.IntegerField(
        source="message_id", read_only=True, allow_null=True, help_text="That the event is about."
    )
    state = serializers.ChoiceField(choices=WebhookState.choices, read_only=True)
    attempts = serializers.IntegerField(read_only=True, help_text="Tries since it was made or sent again.")
    try_at = serializers.SerializerMethodField(help_text="The next try; null where there is none.")
    answer_status = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Of the last try; null without an answer."
    )
    answer_words = serializers.CharField(
        read_only=True, help_text="How the last answer began, or why there was none."
    )
    took_ms = serializers.IntegerField(read_only=True, allow_null=True)
    body = serializers.SerializerMethodField(help_text="What is posted.")

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "webhook",
            "event_id",
            "event_type",
            "message",
            "state",
            "attempts",
            "try_at",
            "tried_at",
            "answer_status",
            "answer_words",
            "took_ms",
            "created_at",
            "body",
        )
        read_only_fields = fields

    def get_try_at(self, delivery: WebhookDelivery) -> datetime | None:
        return delivery.try_at if delivery.state == WebhookState.WAITING else None

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_body(self, delivery: WebhookDelivery) -> Any:
        return json.loads(delivery.body)


@extend_schema_view(
    list=extend_schema(summary="Webhooks of the workspace"),
    retrieve=extend_schema(summary="One webhook"),
    partial_update=extend_schema(summary="Change, enable or disable a webhook"),
)
class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[WebhookEndpoint]):
    """Addresses that are told what happens. Changing them needs an admin's key; they are disabled, not deleted."""

    serializer_class = WebhookSerializer
    write_role = Role.ADMIN
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("enabled",)
    queryset = WebhookEndpoint.objects.none()

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        if getattr(self, "swagger_fake_view", False):
            return WebhookEndpoint.objects.none()
        return WebhookEndpoint.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    @extend_schema(
        summary="Set up a webhook", responses={201: WithSecretSerializer, 400: PROBLEM, 409: PROBLEM}
    )
    def create(self, request: Request) -> Response:
        given = self._given(self.get_serializer(data=request.data))
        enabled = given.pop("enabled", True)
        with problems():
            made = create_endpoint(workspace=workspace_of(self), actor=actor_of(request), **given)
            if not enabled:
                change_endpoint(endpoint=made.endpoint, actor=actor_of(request), enabled=False)
        return self._with_secret(made, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        endpoint = self.get_object()
        given = self._given(self.get_serializer(endpoint, data=request.data, partial=True))
        if given.pop("kind", endpoint.kind) != endpoint.kind:
            raise serializers.ValidationError(
                {"kind": ["The kind stays as it was made. Set up another webhook."]}
            )
        with problems():
            change_endpoint(endpoint=endpoint, actor=actor_of(request), **given)
        return Response(self.get_serializer(endpoint).data)

    @extend_schema(summary="Make a new secret", request=None, responses={200: WithSecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str | None = None) -> Response:
        """For 24 hours events are signed with both, so that the receiver can be changed meanwhile."""
        return self._with_secret(rotate_secret(endpoint=self.get_object(), actor=actor_of(request)))

    @extend_schema(
        summary="Send a test event", request=None, responses={201: DeliverySerializer, 409: PROBLEM}
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str | None = None) -> Response:
        """webhook.test, to this one alone, also while it is disabled; tried once. The delivery says what came of it.

        One waits at a time, and six are sent in a minute at most; else 409.
        """
        with problems():
            delivery = send_test(endpoint=self.get_object(), actor=actor_of(request))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Send all failed events again", request=None, responses={200: AgainSerializer, 409: PROBLEM}
    )
    @action(detail=True, methods=["post"], url_path="send-failed-again")
    def send_failed_again(self, request: Request, pk: str | None = None) -> Response:
        with problems():
            count = send_failed_again(endpoint=self.get_object(), actor=actor_of(request))
        return Response({"events": count})

    def _with_secret(self, made: WithSecret, code: int = status.HTTP_200_OK) -> Response:
        shown = self.get_serializer(made.endpoint).data | {"secret": made.secret}
        return Response(shown, status=code, headers={"Cache-Control": "no-store"})

    @staticmethod
    def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class DeliveryFilter(FilterSet):
    webhook = IdFilter(field_name="endpoint_id", help_text="Of one webhook.")
    message = IdFilter(field_name="message_id", help_text="About one message.")
    state = django_filters.ChoiceFilter(choices=WebhookState.choices)
    event_type = django_filters.CharFilter(help_text="Word for word.")

    class Meta:
        model = WebhookDelivery
        fields = ("webhook", "message", "state", "event_type")


@extend_schema_view(
    list=extend_schema(summary="What was posted to webhooks, newest first"),
    retrieve=extend_schema(summary="One event for one webhook"),
)
class WebhookDeliveryViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[WebhookDelivery]
):
    """Kept for 30 days, unless the installation says otherwise."""

    serializer_class = DeliverySerializer
    write_role = Role.ADMIN
    lookup_value_regex = "[0-9]+"
    filterset_class = DeliveryFilter
    queryset = WebhookDelivery.objects.none()

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        if getattr(self, "swagger_fake_view", False):
            return WebhookDelivery.objects.none()
        own = WebhookDelivery.objects.filter(endpoint__workspace=workspace_of(self))
        return own.select_related("endpoint__workspace")

    @extend_schema(
        summary="Send an event again",
        request=None,
        responses={200: DeliverySerializer, 409: OpenApiResponse(description="The webhook is disabled.")},
    )
    @action(detail=True, methods=["post"], url_path="send-again")
    def send_again(self, request: Request, pk: str | None = None) -> Response:
        """At once, from its first try on, under the same id."""
        with problems():
            delivery = send_again(delivery=self.get_object(), actor=actor_of(request))
        return Response(DeliverySerializer(delivery).data)
