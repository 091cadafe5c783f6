"""`/api/v1/opt-out-reviews`: texts that perhaps ask us to stop, and what a person decided about them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from contacts.api.common import MAX_AT_ONCE, is_schema, workspace_of
from contacts.api.opt_outs import NumberFilter
from contacts.models import OptOutReview, ReviewDecision
from contacts.services.opt_out_reviews import decide_reviews, reopen_reviews
from web.api_input import GenericViewSet, ModelSerializer, Serializer


class OptOutReviewSerializer(ModelSerializer[OptOutReview]):
    msisdn = serializers.CharField(read_only=True, help_text="E.164 digits without plus.")
    text = serializers.CharField(read_only=True, help_text="Word for word.")
    message_id = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The message that it probably answers."
    )
    decision = serializers.ChoiceField(choices=ReviewDecision.choices, read_only=True)
    decided_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = OptOutReview
        fields = ("id", "msisdn", "text", "message_id", "at", "decision", "decided_at")
        read_only_fields = ("at",)


class DecideSerializer(Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=MAX_AT_ONCE
    )
    decision = serializers.ChoiceField(
        choices=ReviewDecision.choices, help_text="waiting undoes a decision, and the opt-out that it made."
    )


class DecidedSerializer(Serializer[Any]):
    decided = serializers.IntegerField(
        help_text="How many of the texts were changed: those that were decided meanwhile stay as they are."
    )


class OptOutReviewFilter(NumberFilter):
    class Meta:
        model = OptOutReview
        fields = ("msisdn", "decision")


@extend_schema_view(
    list=extend_schema(summary="Texts that perhaps ask us to stop"),
    retrieve=extend_schema(summary="One such text"),
)
class OptOutReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[OptOutReview]):
    """A later STOP or START of the number settles its waiting texts by itself."""

    serializer_class = OptOutReviewSerializer
    filterset_class = OptOutReviewFilter
    lookup_value_regex = "[0-9]+"
    body_actions = frozenset({"decide"})
    queryset = OptOutReview.objects.none()

    def get_queryset(self) -> QuerySet[OptOutReview]:
        if is_schema(self):
            return OptOutReview.objects.none()
        return OptOutReview.objects.filter(workspace=workspace_of(self))

    @extend_schema(
        summary="Decide about texts",
        description="`opted_out` opts their numbers out, with the text as proof; `dismissed` does not.",
        request=DecideSerializer,
        responses={200: DecidedSerializer},
    )
    @action(detail=False, methods=["post"], filterset_class=None)
    def decide(self, request: Request) -> Response:
        serializer = DecideSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        ids, decision = serializer.validated_data["ids"], serializer.validated_data["decision"]
        workspace, actor = workspace_of(self), actor_of(request)
        if decision == ReviewDecision.WAITING:
            count = reopen_reviews(workspace=workspace, ids=ids, actor=actor)
        else:
            opts_out = decision == ReviewDecision.OPTED_OUT
            count = len(decide_reviews(workspace=workspace, ids=ids, opts_out=opts_out, actor=actor))
        return Response(DecidedSerializer({"decided": count}).data)
