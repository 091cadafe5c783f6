"""`/api/v1/routes`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role
from providers.models import ProviderAccount, Route, RouteStep, RouteStrategy
from providers.route_forms import only_words
from providers.services import ProviderAccountError
from providers.services.routes import NAME_MOST, ONLY_MOST, StepFields, create_route, update_route
from web.api import Conflict
from web.api_input import GenericViewSet, ModelSerializer, Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)


@contextmanager
def problems() -> Iterator[None]:
    try:
        yield
    except ProviderAccountError as error:
        if error.code == "name_taken":
            raise Conflict(str(error.sentence), error.code) from None
        name = error.field or "non_field_errors"
        raise serializers.ValidationError({name: [str(error.sentence)]}, code=error.code) from None


class StepSerializer(Serializer[RouteStep]):
    account = serializers.IntegerField(source="account_id", help_text="Id of a provider account.")
    weight = serializers.IntegerField(
        default=1, help_text="Where messages are spread: how many of them it gets, beside the others."
    )
    only = serializers.ListField(
        child=serializers.CharField(max_length=40),
        default=list,
        max_length=ONLY_MOST,
        help_text="Countries (ISO 3166) and beginnings of numbers that it is for, such as US or +4477; none: all that it"
        " takes.",
    )

    def to_representation(self, instance: RouteStep) -> dict[str, Any]:
        return {
            "account": instance.account_id,
            "weight": instance.weight,
            "only": only_words(instance),
        }


class RouteSerializer(ModelSerializer[Route]):
    name = serializers.CharField(max_length=NAME_MOST, help_text="Unique in the workspace.")
    strategy = serializers.ChoiceField(
        choices=RouteStrategy.values,
        required=False,
        help_text="order: the first account that takes the number; weight: spread by weights; cheapest: the one with the"
        " lowest price for the number.",
    )
    steps = StepSerializer(
        many=True, required=False, help_text="Its accounts in their order; a change replaces them all."
    )
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled route cannot be launched through."
    )

    class Meta:
        model = Route
        fields = ("id", "name", "strategy", "steps", "enabled", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")


@extend_schema_view(
    list=extend_schema(summary="Routes of the workspace"),
    retrieve=extend_schema(summary="One route"),
    create=extend_schema(summary="Make a route", responses={201: RouteSerializer, 409: PROBLEM}),
    partial_update=extend_schema(summary="Change a route", responses={200: RouteSerializer, 409: PROBLEM}),
)
class RouteViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Route]):
    """Several accounts in place of one. They are disabled, not deleted. Changing them needs an admin's key; what is launched
    already keeps the route as it was."""

    queryset = Route.objects.all()
    serializer_class = RouteSerializer
    filterset_fields = ("enabled", "strategy")
    write_role = Role.ADMIN
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[Route]:
        if getattr(self, "swagger_fake_view", False):
            return Route.objects.none()
        rows = Route.objects.filter(workspace=self.request.workspace)  # type: ignore[attr-defined]  # set by the key
        return rows.select_related("workspace").prefetch_related("steps")

    def create(self, request: Request) -> Response:
        given, actor = self._given(self.get_serializer(data=request.data)), actor_of(request)
        enabled = given.pop("enabled", True)
        with problems(), transaction.atomic():
            made = create_route(workspace=request.workspace, actor=actor, **given)  # type: ignore[attr-defined]  # set by the key
            update_route(route=made, actor=actor, enabled=enabled)
        return Response(self._shown(made), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        route = self.get_object()
        given = self._given(self.get_serializer(route, data=request.data, partial=True))
        with problems():
            update_route(route=route, actor=actor_of(request), **given)
        return Response(self._shown(route))

    def _given(self, serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        if "steps" in given:
            given["steps"] = [self._step(step) for step in given["steps"]]
        return given

    def _step(self, step: dict[str, Any]) -> StepFields:
        workspace = self.request.workspace  # type: ignore[attr-defined]  # set by the key
        account = ProviderAccount.objects.filter(workspace=workspace, pk=step["account_id"]).first()
        if account is None:
            sentence = _("There is no account %(id)s in this workspace. Choose another one.")
            raise serializers.ValidationError({"steps": [sentence % {"id": step["account_id"]}]})
        return {"account": account, "weight": step.get("weight", 1), "only": step.get("only", [])}

    def _shown(self, route: Route) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=route.pk)).data
