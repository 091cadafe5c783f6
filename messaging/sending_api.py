"""`/api/v1/sending/`: when Crier pauses by itself, and how often a person is texted, for the whole workspace."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.errors import AccountsError
from accounts.models import Role, Workspace
from accounts.services import SENDING_FIELDS, update_workspace
from web.api_input import GenericViewSet, ModelSerializer


class SendingSerializer(ModelSerializer[Workspace]):
    failure_limit = serializers.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        help_text="A broadcast is paused once more than so many of a hundred of its last messages failed; 100: never. Also"
        " that of a broadcast, which may have its own.",
    )
    failure_sample = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="Of at least so many; of fewer nothing is concluded.",
    )

    frequency_cap = serializers.IntegerField(
        min_value=1,
        max_value=1000,
        allow_null=True,
        required=False,
        help_text="Nobody gets more broadcasts than so many within frequency_days; null: any number. Single texts and"
        " verification codes do not count and always go.",
    )
    frequency_days = serializers.IntegerField(min_value=1, max_value=366, required=False)

    class Meta:
        model = Workspace
        fields = SENDING_FIELDS


class SendingViewSet(GenericViewSet[Workspace]):
    """How the workspace sends. Changing it needs an admin's key; what was launched keeps what it was launched with."""

    serializer_class = SendingSerializer
    pagination_class = None
    write_role = Role.ADMIN
    queryset = Workspace.objects.none()

    @extend_schema(summary="How the workspace sends")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(request.workspace).data)  # type: ignore[attr-defined]  # set by the key

    @extend_schema(summary="Change how the workspace sends")
    def partial_update(self, request: Request) -> Response:
        workspace: Workspace = request.workspace  # type: ignore[attr-defined]  # set by the key
        serializer = self.get_serializer(workspace, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        try:
            changed = update_workspace(
                workspace=workspace, actor=actor_of(request), **serializer.validated_data
            )
        except AccountsError as error:
            raise serializers.ValidationError({error.field: [str(error)]}, code=error.code) from error
        return Response(self.get_serializer(changed).data)
