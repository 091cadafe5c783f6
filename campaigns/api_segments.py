"""API of the segments of smart broadcasts: how they stand, what the next one would be, and sending it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from campaigns.api_errors import Unprocessable, check_data, problems
from campaigns.models import Broadcast, Segment
from campaigns.services.segment_lines import SegmentLine, Standing, standing_of
from campaigns.services.segments import Next, continue_broadcast, next_of
from web.api import Conflict
from web.api_input import Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)
# Fields of the API -> keys of services.segments.OWN.
OWN_KEYS = {"text": "text", "sender": "sender_id", "sender_list": "sender_list_id"}
API_FIELDS = {key: name for name, key in OWN_KEYS.items()}


class NextSegmentSerializer(Serializer[Any]):
    """What is left out is as the broadcast has it."""

    size = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000_000,
        help_text="How many people, the first ones in reserve; null or left out: everybody who is left.",
    )
    text = serializers.CharField(
        required=False, trim_whitespace=False, help_text="Its own text, in place of the broadcast's."
    )
    sender = serializers.IntegerField(required=False, allow_null=True, help_text="Id of its own sender.")
    sender_list = serializers.IntegerField(
        required=False, allow_null=True, help_text="Id of its own sender list."
    )

    def own(self) -> dict[str, Any]:
        return {
            key: self.validated_data[name] for name, key in OWN_KEYS.items() if name in self.validated_data
        }


class SendSegmentSerializer(NextSegmentSerializer):
    number = serializers.IntegerField(
        min_value=2,
        max_value=1_000_000_000,
        help_text="Of the segment to be sent, `next_number` of the list: a repeated call sends no second one, but gets 409.",
    )
    digest = serializers.CharField(
        required=False, help_text="Of the estimate that you agree to; 422 when it has changed."
    )
    people = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The number of people that you agree to; 422 when it is another one.",
    )
    confirm = serializers.BooleanField(required=False, help_text="true: send it as it is now.")
    recipient_cap = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000_000,
        help_text="Of one by clicks: the new cap, where the old one is reached.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs.get("digest") or "people" in attrs or attrs.get("confirm")):
            raise serializers.ValidationError(
                'Say what you agree to: "digest" of an estimate, "people", or "confirm": true.',
                code="not_agreed",
            )
        return attrs


class NextEstimateSerializer(Serializer[Next]):
    number = serializers.IntegerField(help_text="Which segment it would be.")
    size = serializers.IntegerField(help_text="How many it takes from the reserve.")
    removed = serializers.IntegerField(
        help_text="Who stood before them but has left the lists since the launch: they get nothing."
    )
    opted_out = serializers.IntegerField(
        help_text="Of size, those who have opted out since the launch: they get nothing."
    )
    left = serializers.IntegerField(help_text="How many are in reserve before it.")
    people = serializers.IntegerField(help_text="Of size, those who have not opted out since.")
    parts = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=14, decimal_places=5, allow_null=True)
    currency = serializers.CharField()
    digest = serializers.CharField()
    checks = serializers.ListField(child=serializers.DictField())


class SegmentSerializer(Serializer[SegmentLine]):
    number = serializers.IntegerField()
    state = serializers.CharField(help_text="planning, running, paused, stopped or finished.")
    size = serializers.IntegerField(help_text="How many people it was to have.")
    people = serializers.IntegerField(help_text="How many it has.")
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    failed = serializers.IntegerField()
    waiting = serializers.IntegerField()
    clicked = serializers.IntegerField(help_text="People who followed a link; machines left out.")
    click_rate = serializers.DecimalField(
        max_digits=7, decimal_places=3, allow_null=True, help_text="clicked of a hundred sent, cut off."
    )
    cost = serializers.DecimalField(max_digits=14, decimal_places=5)
    text = serializers.CharField()
    sender = serializers.CharField(help_text="Empty where each message has one of a list.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class SmartStepSerializer(Serializer[Any]):
    at = serializers.DateTimeField()
    looked_at = serializers.DateTimeField(help_text="When its figures were last looked at.")
    segment = serializers.IntegerField(source="segment_number")
    decision = serializers.CharField(
        help_text="started (by a person), waiting, sample, below, reached, cap, refused or expired."
    )
    sentence = serializers.CharField(help_text="Why, in words, with the figures.")
    sent = serializers.IntegerField()
    clicked = serializers.IntegerField()
    threshold = serializers.DecimalField(max_digits=6, decimal_places=3, allow_null=True)


class SegmentsSerializer(Serializer[Standing]):
    next_number = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Who is in reserve: in no segment yet.")
    why_not_now = serializers.CharField(
        allow_blank=True, help_text="Why no segment can be sent just now; empty where one can."
    )
    asks = serializers.BooleanField(
        help_text="Paused until a person decides: sends a segment, perhaps with another cap, or stops it."
    )
    segments = SegmentSerializer(many=True, source="lines")
    steps = SmartStepSerializer(many=True)


def next_data(found: Next) -> dict[str, Any]:
    estimate = found.estimate.as_dict()
    names = ("people", "parts", "cost", "currency", "digest")
    return {
        "number": found.number,
        "size": found.size,
        "removed": found.removed,
        "opted_out": found.estimate.reach.left_out,
        "left": found.left,
        **{name: estimate[name] for name in names},
        "checks": [check_data(check) for check in found.checks],
    }


class SegmentActions:
    """Of the broadcasts' view set."""

    get_object: Any

    @extend_schema(
        methods=["get"], summary="Its segments, and what was decided", responses=SegmentsSerializer
    )
    @extend_schema(
        methods=["post"],
        summary="Send the next segment",
        request=SendSegmentSerializer,
        responses={201: SegmentsSerializer, 409: PROBLEM, 422: PROBLEM},
    )
    @action(detail=True, methods=["get", "post"], filterset_class=None, pagination_class=None)
    def segments(self, request: Request, pk: str | None = None) -> Response:
        """Of a smart broadcast. Give the `number` that you mean, and what you agree to, as for a launch."""
        broadcast: Broadcast = self.get_object()
        if request.method == "GET":
            return Response(SegmentsSerializer(standing_of(broadcast)).data)
        send_segment(request, broadcast)
        fresh = Broadcast.objects.select_related("workspace").get(pk=broadcast.pk)
        return Response(SegmentsSerializer(standing_of(fresh)).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="What the next segment would be",
        request=NextSegmentSerializer,
        responses={200: NextEstimateSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"], url_path="segments/estimate")
    def segments_estimate(self, request: Request, pk: str | None = None) -> Response:
        """Exact people, parts and cost, and the launch check; nothing is changed."""
        broadcast: Broadcast = self.get_object()
        asked = NextSegmentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with problems(API_FIELDS):
            found = next_of(broadcast, size=asked.validated_data.get("size"), own=asked.own())
        return Response(next_data(found))


def send_segment(request: Request, broadcast: Broadcast) -> Segment:
    asked = SendSegmentSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    agreed = asked.validated_data
    size = agreed.get("size")
    # Before the estimate: whoever sends it while it is counted spends this one.
    token = broadcast.launch_token
    with problems(API_FIELDS):
        _require_number(broadcast, agreed["number"])
        found = next_of(broadcast, size=size, own=asked.own())
        if agreed["number"] != found.number:
            raise _other_number(agreed["number"], found.number)
        if agreed.get("people") not in (None, found.estimate.people):
            raise Unprocessable(
                f"You agreed to {agreed['people']} people, but it would go to {found.estimate.people}. Look at the"
                " estimate again.",
                "estimate_changed",
                estimate=next_data(found),
            )
        return continue_broadcast(
            broadcast=broadcast,
            actor=actor_of(request),
            launch_token=token,
            size=size,
            digest=agreed.get("digest") or found.estimate.digest,
            own=asked.own(),
            recipient_cap=agreed.get("recipient_cap"),
        )


def _require_number(broadcast: Broadcast, number: int) -> None:
    """A repeated call is told so, whatever the broadcast does by now."""
    if broadcast.segments.filter(number=number).exists():
        raise Conflict(f"Segment {number} was sent already; it is sent only once.", "already_launched")


def _other_number(asked: int, number: int) -> Conflict:
    return Conflict(f"The next segment is number {number}, not {asked}. Ask for that one.", "wrong_number")
