"""`/api/v1/quiet-hours`: when the workspace's broadcasts wait for the morning."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.errors import AccountsError
from accounts.models import Role, Workspace
from accounts.services import update_workspace
from web.api_input import GenericViewSet, Serializer


class QuietHoursSerializer(Serializer[Workspace]):
    enabled = serializers.BooleanField(
        source="has_quiet_hours", required=False, help_text="false: broadcasts go out at any time of the day."
    )
    begins = serializers.TimeField(
        source="quiet_from",
        format="%H:%M",
        input_formats=["%H:%M", "%H:%M:%S"],
        required=False,
        help_text="By the clock where the recipient is, such as 21:00.",
    )
    ends = serializers.TimeField(
        source="quiet_to",
        format="%H:%M",
        input_formats=["%H:%M", "%H:%M:%S"],
        required=False,
        help_text="Who was held goes on then. In the morning, where it is earlier than the beginning.",
    )


FIELDS = {"has_quiet_hours": "enabled", "quiet_from": "begins", "quiet_to": "ends"}


class QuietHoursViewSet(GenericViewSet[Any]):
    """The workspace's quiet hours. Changing them needs an admin's key; what was launched keeps its own."""

    serializer_class = QuietHoursSerializer
    pagination_class = None
    write_role = Role.ADMIN
    queryset = Workspace.objects.none()

    @extend_schema(summary="Quiet hours")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(request.workspace).data)  # type: ignore[attr-defined]  # set by the key

    @extend_schema(summary="Set the quiet hours")
    def partial_update(self, request: Request) -> Response:
        workspace: Workspace = request.workspace  # type: ignore[attr-defined]  # set by the key
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if serializer.validated_data:
            try:
                workspace = update_workspace(
                    workspace=workspace, actor=actor_of(request), **serializer.validated_data
                )
            except AccountsError as error:
                raise serializers.ValidationError(
                    {FIELDS.get(error.field, "detail"): [str(error.sentence)]}
                ) from None
        return Response(self.get_serializer(workspace).data)
