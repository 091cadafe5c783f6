"""`/api/v1/opt-outs`, `/api/v1/unsubscribe-lists` and the members under one."""

from __future__ import annotations

from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from contacts.api.common import MAX_AT_ONCE, PROBLEM, RefusedSerializer, is_schema, problems, workspace_of
from contacts.models import OptOut, OptOutHow, UnsubscribeList, UnsubscribeMember
from contacts.numbers import read_number, read_numbers
from contacts.services import opt_outs
from web.api_input import FilterSet, GenericViewSet, ModelSerializer, Serializer


class OptOutSerializer(ModelSerializer[OptOut]):
    msisdn = serializers.CharField(
        max_length=60, help_text="In any usual writing; answered as E.164 digits without plus."
    )
    how = serializers.ChoiceField(choices=OptOutHow.choices, read_only=True)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of ours named like an attribute
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="The proof: what was written, or where it came from.",
    )

    class Meta:
        model = OptOut
        fields = ("id", "msisdn", "how", "source", "message_id", "at")
        read_only_fields = ("message_id", "at")


class OptOutManySerializer(Serializer[Any]):
    msisdns = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=MAX_AT_ONCE,
        help_text=f"In any usual writing, at most {MAX_AT_ONCE:,} at once.",
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of ours named like an attribute
        max_length=500, required=False, allow_blank=True, help_text="The proof, the same for all of them."
    )


class OptedOutManySerializer(Serializer[Any]):
    added = serializers.IntegerField(help_text="Numbers that were not opted out before.")
    known = serializers.IntegerField(help_text="Numbers that were, and keep their first proof.")
    refused = RefusedSerializer(
        many=True, help_text="Left out, each with its reason: they may still be texted."
    )


class NumberFilter(FilterSet):
    msisdn = django_filters.CharFilter(method="by_number", help_text="E.164 digits, with or without plus.")

    def by_number(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(msisdn=value.strip().removeprefix("+"))


class OptOutFilter(NumberFilter):
    class Meta:
        model = OptOut
        fields = ("msisdn", "how")


@extend_schema_view(
    list=extend_schema(summary="Numbers that the workspace does not text"),
    retrieve=extend_schema(summary="One opt-out"),
    create=extend_schema(
        summary="Opt a number out",
        description="Safe to repeat: a number that is opted out already keeps its first proof (200).",
        responses={201: OptOutSerializer, 200: OptOutSerializer},
    ),
    destroy=extend_schema(
        summary="Remove an opt-out",
        description="The number may be texted again. The old proof and the reason go to the audit trail.",
        parameters=[
            OpenApiParameter("reason", str, required=True, description="Why it may be texted again.")
        ],
        responses={204: None, 400: PROBLEM},
    ),
)
class OptOutViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[OptOut],
):
    """The workspace-wide opt-outs."""

    serializer_class = OptOutSerializer
    filterset_class = OptOutFilter
    parameters = {"destroy": ("reason",)}
    body_actions = frozenset({"create", "many"})
    lookup_value_regex = "[0-9]+"
    queryset = OptOut.objects.none()

    def get_queryset(self) -> QuerySet[OptOut]:
        if is_schema(self):
            return OptOut.objects.none()
        return OptOut.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given, workspace = serializer.validated_data, workspace_of(self)
        with problems():
            msisdn, _country = read_number(given["msisdn"], workspace.default_country)
        known = OptOut.objects.filter(workspace=workspace, msisdn=msisdn).exists()
        row = opt_outs.opt_out(
            workspace=workspace,
            msisdn=msisdn,
            how=OptOutHow.API,
            source=given.get("source", ""),
            actor=actor_of(request),
        )
        return Response(
            self.get_serializer(row).data, status=status.HTTP_200_OK if known else status.HTTP_201_CREATED
        )

    @extend_schema(
        summary="Opt many numbers out",
        description="Safe to repeat. A number that cannot be read stops none of the others.",
        request=OptOutManySerializer,
        responses={200: OptedOutManySerializer},
    )
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def many(self, request: Request) -> Response:
        serializer = OptOutManySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        workspace = workspace_of(self)
        numbers = read_numbers(serializer.validated_data["msisdns"], workspace.default_country)
        added = opt_outs.opt_out_many(
            workspace=workspace,
            msisdns=numbers.msisdns,
            how=OptOutHow.API,
            source=serializer.validated_data.get("source", ""),
            actor=actor_of(request),
        )
        told = {"added": added, "known": len(numbers.msisdns) - added, "refused": numbers.refused}
        return Response(OptedOutManySerializer(told).data)

    def perform_destroy(self, instance: OptOut) -> None:
        with problems():
            opt_outs.opt_in(
                workspace=instance.workspace,
                msisdn=instance.msisdn,
                reason=self.request.query_params.get("reason", ""),
                actor=actor_of(self.request),
            )


# --- named lists ---


class UnsubscribeListSerializer(ModelSerializer[UnsubscribeList]):
    name = serializers.CharField(max_length=100, help_text="Unique in the workspace, whatever the case.")
    enabled = serializers.BooleanField(
        required=False, help_text="A disabled list is kept and leaves nobody out."
    )
    member_count = serializers.IntegerField(read_only=True, help_text="Numbers on the list.")

    class Meta:
        model = UnsubscribeList
        fields = ("id", "name", "enabled", "member_count", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")


@extend_schema_view(
    list=extend_schema(summary="Unsubscribe lists of the workspace"),
    retrieve=extend_schema(summary="One unsubscribe list"),
    create=extend_schema(summary="Make an unsubscribe list"),
    partial_update=extend_schema(summary="Rename, enable or disable an unsubscribe list"),
    destroy=extend_schema(
        summary="Delete an unsubscribe list",
        description="Refused (409) while a broadcast refers to it: disable it instead.",
        responses={204: None, 409: PROBLEM},
    ),
)
class UnsubscribeListViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[UnsubscribeList],
):
    """Further numbers that single broadcasts leave out."""

    serializer_class = UnsubscribeListSerializer
    lookup_value_regex = "[0-9]+"
    filterset_fields = ("name", "enabled")
    queryset = UnsubscribeList.objects.none()

    def get_queryset(self) -> QuerySet[UnsubscribeList]:
        if is_schema(self):
            return UnsubscribeList.objects.none()
        return UnsubscribeList.objects.filter(workspace=workspace_of(self)).select_related("workspace")

    def perform_create(self, serializer: serializers.BaseSerializer[UnsubscribeList]) -> None:
        given, actor = serializer.validated_data, actor_of(self.request)
        with problems():
            made = opt_outs.create_unsubscribe_list(
                workspace=workspace_of(self), actor=actor, name=given["name"]
            )
            if not given.get("enabled", True):
                opt_outs.update_unsubscribe_list(unsubscribe_list=made, actor=actor, enabled=False)
        serializer.instance = made

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        with problems():
            opt_outs.update_unsubscribe_list(
                unsubscribe_list=row, actor=actor_of(request), **serializer.validated_data
            )
        return Response(self.get_serializer(row).data)

    def perform_destroy(self, instance: UnsubscribeList) -> None:
        with problems():
            opt_outs.delete_unsubscribe_list(unsubscribe_list=instance, actor=actor_of(self.request))


class MemberSerializer(ModelSerializer[UnsubscribeMember]):
    msisdn = serializers.CharField(read_only=True, help_text="E.164 digits without plus.")
    how = serializers.ChoiceField(choices=OptOutHow.choices, read_only=True)

    class Meta:
        model = UnsubscribeMember
        fields = ("id", "msisdn", "how", "source", "message_id", "at")
        read_only_fields = ("source", "message_id", "at")


class AddMembersSerializer(Serializer[Any]):
    msisdns = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=MAX_AT_ONCE,
        help_text=f"In any usual writing, at most {MAX_AT_ONCE:,} at once.",
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of ours named like an attribute
        max_length=500, required=False, allow_blank=True, help_text="Where they come from, kept as proof."
    )


class AddedMembersSerializer(Serializer[Any]):
    added = serializers.IntegerField(help_text="Numbers that were not on the list before.")
    refused = RefusedSerializer(many=True, help_text="Left out, each with its reason.")


class MemberFilter(NumberFilter):
    class Meta:
        model = UnsubscribeMember
        fields = ("msisdn",)


@extend_schema_view(
    list=extend_schema(summary="Numbers of an unsubscribe list"),
    retrieve=extend_schema(summary="One number of an unsubscribe list"),
    create=extend_schema(
        summary="Add numbers", request=AddMembersSerializer, responses={200: AddedMembersSerializer}
    ),
    destroy=extend_schema(summary="Remove a number from the list"),
)
class MemberViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[UnsubscribeMember],
):
    """Numbers of one unsubscribe list, newest first."""

    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    queryset = UnsubscribeMember.objects.none()

    def get_queryset(self) -> QuerySet[UnsubscribeMember]:
        if is_schema(self):
            return UnsubscribeMember.objects.none()
        return UnsubscribeMember.objects.filter(list=self._list()).select_related("list__workspace")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        unsubscribe_list = self._list()
        serializer = AddMembersSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        numbers = read_numbers(serializer.validated_data["msisdns"], workspace_of(self).default_country)
        added = opt_outs.add_members(
            unsubscribe_list=unsubscribe_list,
            msisdns=numbers.msisdns,
            how=OptOutHow.API,
            source=serializer.validated_data.get("source", ""),
            actor=actor_of(request),
        )
        return Response(AddedMembersSerializer({"added": added, "refused": numbers.refused}).data)

    def perform_destroy(self, instance: UnsubscribeMember) -> None:
        opt_outs.remove_members(
            unsubscribe_list=instance.list, msisdns=[instance.msisdn], actor=actor_of(self.request)
        )

    def _list(self) -> UnsubscribeList:
        rows = UnsubscribeList.objects.filter(workspace=workspace_of(self)).select_related("workspace")
        return get_object_or_404(rows, pk=self.kwargs["list_pk"])
