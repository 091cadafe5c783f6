"""`/api/v1/budget`: what the workspace may spend this month, and what is left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.errors import AccountsError
from accounts.models import Role, Workspace
from accounts.services import update_workspace
from messaging.budget import Budget, budget_of
from web.api_input import GenericViewSet, Serializer


class BudgetSerializer(Serializer[Any]):
    monthly_budget = serializers.DecimalField(
        source="limit",
        max_digits=14,
        decimal_places=2,
        min_value=0,
        allow_null=True,
        required=False,
        help_text="In the workspace's currency; null: no limit. What would cost more than is left is refused.",
    )
    currency = serializers.CharField(read_only=True, help_text="The workspace's.")
    begins_at = serializers.SerializerMethodField(help_text="Of the calendar month in the workspace's zone.")
    ends_at = serializers.SerializerMethodField(help_text="The beginning of the next month.")
    spent = serializers.DecimalField(
        max_digits=14, decimal_places=5, read_only=True, help_text="Charged since the month began."
    )
    agreed = serializers.DecimalField(
        max_digits=14,
        decimal_places=5,
        read_only=True,
        help_text="What runs or is scheduled for this month may still cost.",
    )
    left = serializers.SerializerMethodField(help_text="null without a limit.")
    spent_in_other_currencies = serializers.DictField(
        source="others",
        child=serializers.DecimalField(max_digits=14, decimal_places=5),
        read_only=True,
        help_text="By currency; not counted.",
    )

    def get_begins_at(self, budget: Budget) -> datetime:
        return budget.month.begin

    def get_ends_at(self, budget: Budget) -> datetime:
        return budget.month.end

    def get_left(self, budget: Budget) -> str | None:
        return None if budget.limit is None else str(budget.left)


class BudgetViewSet(GenericViewSet[Any]):
    """The budget of the workspace. Changing it needs an admin's key."""

    serializer_class = BudgetSerializer
    pagination_class = None
    write_role = Role.ADMIN
    queryset = Workspace.objects.none()

    @extend_schema(summary="Budget of this month and its use")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(budget_of(request.workspace)).data)  # type: ignore[attr-defined]  # set by the key

    @extend_schema(summary="Set the monthly budget")
    def partial_update(self, request: Request) -> Response:
        workspace: Workspace = request.workspace  # type: ignore[attr-defined]  # set by the key
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        if "limit" in serializer.validated_data:
            limit = serializer.validated_data["limit"]
            try:
                workspace = update_workspace(
                    workspace=workspace, actor=actor_of(request), monthly_budget=limit
                )
            except AccountsError as error:
                raise serializers.ValidationError({error.field: [str(error)]}, code=error.code) from error
        return Response(self.get_serializer(budget_of(workspace)).data)
