"""API of those who did not get it: why, another broadcast to them, and a person's word on what is unknown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from campaigns.api_errors import problems
from campaigns.api_segments import PROBLEM
from campaigns.models import Broadcast
from campaigns.services.missed import (
    Missed,
    UnknownGroup,
    draft_for_missed,
    missed_of,
    settle_unknown,
    unknown_groups,
)
from web.api_input import Serializer


class MissedLineSerializer(Serializer[Missed]):
    key = serializers.CharField(help_text="state:code, as again takes it.")
    code = serializers.CharField(source="line.code", allow_blank=True)
    state = serializers.CharField(source="line.state")
    sentence = serializers.CharField(source="line.sentence")
    next_step = serializers.CharField(source="line.next_step", allow_blank=True)
    count = serializers.IntegerField(source="line.count")
    reachable = serializers.BooleanField(
        help_text="Certainly not delivered, and another try makes sense: again takes these alone."
    )


class UnknownGroupSerializer(Serializer[UnknownGroup]):
    account = serializers.IntegerField(source="account.pk")
    reason = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()
    asked = serializers.IntegerField(help_text="Of how many the provider is being asked just now.")
    last_at = serializers.DateTimeField(allow_null=True, help_text="When the last of them was handed over.")


class MissedSerializer(Serializer[Any]):
    missed = MissedLineSerializer(many=True, help_text="Every reason for which somebody did not get it.")
    unknown = UnknownGroupSerializer(
        many=True, help_text="Who may have it or not: settle takes your word of a group or a message."
    )


class AgainSerializer(Serializer[Any]):
    reasons = serializers.ListField(
        child=serializers.CharField(max_length=60),
        help_text="Keys of missed; only those that are reachable are taken.",
    )
    account = serializers.IntegerField(
        required=False, allow_null=True, help_text="Id of another account; null: the same."
    )


class SettleSerializer(Serializer[Any]):
    received = serializers.BooleanField(
        help_text="true: they got it. false: they did not, and may be sent it again."
    )
    account = serializers.IntegerField(required=False, help_text="Only of this account.")
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="Only of this reason."
    )
    message = serializers.IntegerField(required=False, help_text="This one alone.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) < 2:
            raise serializers.ValidationError(
                "Say of which: account and reason of a group, or a message.", code="not_said"
            )
        return attrs


class SettledSerializer(Serializer[Any]):
    settled = serializers.IntegerField()


class MissedActions:
    """Of BroadcastViewSet."""

    @extend_schema(summary="Who did not get it, and why", responses=MissedSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def missed(self, request: Request, pk: str | None = None) -> Response:
        broadcast: Broadcast = self.get_object()  # type: ignore[attr-defined]  # of the viewset
        found = {"missed": missed_of(broadcast), "unknown": unknown_groups(broadcast)}
        return Response(MissedSerializer(found).data)

    @extend_schema(
        summary="Say whether unknown ones arrived",
        request=SettleSerializer,
        responses={200: SettledSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str | None = None) -> Response:
        """Your word on messages of which nobody knows, for good: a report that comes later changes nothing."""
        broadcast: Broadcast = self.get_object()  # type: ignore[attr-defined]  # of the viewset
        asked = SettleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        with problems():
            settled = settle_unknown(
                broadcast=broadcast,
                actor=actor_of(request),
                received=values["received"],
                account_id=values.get("account"),
                reason=values.get("reason"),
                message_id=values.get("message"),
            )
        return Response({"settled": settled})


def draft_again(request: Request, broadcast: Broadcast) -> Broadcast:
    """As asked for in the body."""
    asked = AgainSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    account_id = asked.validated_data.get("account")
    account = broadcast.workspace.provider_accounts.filter(pk=account_id or 0).first()
    if account_id is not None and account is None:
        sentence = _("There is no account %(id)s in this workspace. Choose another one.")
        raise exceptions.ValidationError({"account": [sentence % {"id": account_id}]})
    with problems():
        return draft_for_missed(
            broadcast=broadcast,
            actor=actor_of(request),
            reasons=asked.validated_data["reasons"],
            account=account,
        )
