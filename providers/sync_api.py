"""`/api/v1/provider-accounts/ID/sync`: what both sides have, and runs that compare, push and pull."""

from __future__ import annotations

from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role
from providers.health_api import OfAccount
from providers.models import RemoteRecord, SyncRun, SyncRunStep, SyncState, SyncStepState, SyncWhat
from providers.services import ProviderAccountError, sync_runs
from providers.services import sync as services
from providers.services.sync_runs import STEPS_MOST, Chosen
from providers.sync_overview import kinds_of
from web.api import Conflict, CursorPages
from web.api_input import FilterSet, ModelSerializer, Serializer

# What stands against it is the state of things, not the request.
CONFLICTS = ("busy", "wrong_state", "nothing")
DIFFERENCES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("field", "ours", "theirs")},
        "required": ["field", "ours", "theirs"],
    },
}


class KindSerializer(Serializer[Any]):
    entity = serializers.CharField(help_text="Name of the kind, such as sender_list.")
    label = serializers.CharField()  # type: ignore[assignment]  # narrower on purpose
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"By state: {', '.join(SyncState.values)}."
    )
    compared_at = serializers.DateTimeField(allow_null=True, help_text="null: not yet.")
    loses = serializers.CharField(help_text="What gets lost on the way there; may be empty.")
    push_refusal = serializers.CharField(help_text="Why it cannot be pushed; empty where it can.")
    pull_refusal = serializers.CharField(help_text="Why it cannot be pulled; empty where it can.")


class KindsSerializer(Serializer[Any]):
    kinds = KindSerializer(many=True, help_text="In the order in which they are pushed.")


class SyncRecordSerializer(ModelSerializer[RemoteRecord]):
    state = serializers.ChoiceField(choices=SyncState.choices, read_only=True)
    differences = serializers.SerializerMethodField(help_text="Of the fields that both sides have.")

    class Meta:
        model = RemoteRecord
        fields = (
            "id",
            "entity",
            "local_id",
            "remote_id",
            "name",
            "state",
            "differences",
            "words",
            "seen_at",
            "pushed_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "local_id": {"help_text": "null: it is only there, or not linked."},
            "remote_id": {"help_text": "The provider's id; empty: it is only here, or not linked."},
            "words": {"help_text": "Why the last push or pull failed, with the provider's words."},
            "seen_at": {"help_text": "When both sides were last compared."},
        }

    @extend_schema_field(DIFFERENCES)
    def get_differences(self, record: RemoteRecord) -> list[dict[str, str]]:
        return _differences(record.differences)


class SyncRunSerializer(ModelSerializer[SyncRun]):
    class Meta:
        model = SyncRun
        fields = (
            "id",
            "what",
            "entities",
            "state",
            "words",
            "total",
            "done",
            "failed",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "state": {"help_text": "planned: a dry run; confirm it to have it carried out."},
            "words": {"help_text": "Why it failed; else empty."},
            "total": {"help_text": "Steps."},
            "failed": {"help_text": "Steps that failed, or of a plan those that are not possible."},
        }


class SyncStepSerializer(ModelSerializer[SyncRunStep]):
    record = serializers.IntegerField(source="record_id", allow_null=True, read_only=True)
    action = serializers.ChoiceField(
        choices=["compare", "create", "change", "nothing"],
        read_only=True,
        help_text="What is, or would be, done.",
    )
    state = serializers.ChoiceField(choices=SyncStepState.choices, read_only=True)
    differences = serializers.SerializerMethodField(help_text="As they were when it was planned.")
    counts = serializers.SerializerMethodField(help_text="What a comparison found, by state; else empty.")

    class Meta:
        model = SyncRunStep
        fields = (
            "position",
            "entity",
            "record",
            "name",
            "action",
            "state",
            "words",
            "differences",
            "counts",
        )
        read_only_fields = fields
        extra_kwargs = {"words": {"help_text": "Why it failed or is not possible, or a warning."}}

    @extend_schema_field(DIFFERENCES)
    def get_differences(self, step: SyncRunStep) -> list[dict[str, str]]:
        return [] if step.action == "compare" else _differences(step.differences)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, step: SyncRunStep) -> dict[str, int]:
        return dict(step.differences) if step.action == "compare" else {}


class NewRunSerializer(Serializer[Any]):
    what = serializers.ChoiceField(choices=SyncWhat.choices)
    entities = serializers.ListField(
        child=serializers.CharField(max_length=30),
        required=False,
        help_text="Kinds; all unless given.",
    )
    records = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        max_length=STEPS_MOST,
        help_text="Ids of records to push or pull; in their place `state` and `search` choose.",
    )
    state = serializers.ChoiceField(
        choices=SyncState.choices, required=False, help_text="Push or pull those in this state."
    )
    search = serializers.CharField(
        max_length=200, required=False, help_text="Push or pull those with this in their names."
    )
    dry_run = serializers.BooleanField(
        default=False,
        help_text="Plans a push or pull: its steps say what would happen. Confirm it, or leave it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("records") == []:
            raise serializers.ValidationError(
                {"records": [_("No record is named: name one, or leave records out for all.")]}
            )
        if attrs.get("entities") == []:
            raise serializers.ValidationError(
                {"entities": [_("No kind is named: name one, or leave entities out for all.")]}
            )
        if attrs["what"] != SyncWhat.COMPARE:
            return attrs
        for name in ("records", "state", "search", "dry_run"):
            if attrs.get(name):
                raise serializers.ValidationError(
                    {name: [_("A comparison is of whole kinds and changes nothing: leave it out.")]}
                )
        return attrs


class SyncLinkSerializer(Serializer[Any]):
    entity = serializers.CharField(max_length=30)
    local_id = serializers.IntegerField(min_value=1, help_text="Of what is here.")
    remote_id = serializers.CharField(max_length=64, help_text="Of what is there.")


class EntitySerializer(Serializer[Any]):
    entity = serializers.CharField(max_length=30)


class LinkedSerializer(Serializer[Any]):
    linked = serializers.IntegerField(help_text="How many pairs.")


class RecordFilter(FilterSet):
    entity = django_filters.CharFilter(help_text="Records of this kind.")
    state = django_filters.ChoiceFilter(choices=SyncState.choices, help_text="Records in this state.")
    search = django_filters.CharFilter(
        field_name="name", lookup_expr="icontains", help_text="Records with this in their names."
    )


class RunFilter(FilterSet):
    what = django_filters.ChoiceFilter(choices=SyncWhat.choices, help_text="Runs of this kind.")


class StepFilter(FilterSet):
    state = django_filters.ChoiceFilter(choices=SyncStepState.choices, help_text="Steps in this state.")


class StepPages(CursorPages):
    ordering = "position"


class SyncKindViewSet(OfAccount):
    serializer_class = KindsSerializer
    queryset = RemoteRecord.objects.none()

    @extend_schema(
        operation_id="provider_accounts_sync_retrieve",
        summary="Kinds that both sides have",
        description="Each with its counts. Empty where the vendor has none.",
        responses=KindsSerializer,
    )
    def kinds(self, request: Request, account_pk: int) -> Response:
        return Response(KindsSerializer({"kinds": kinds_of(self.account())}).data)


@extend_schema_view(
    list=extend_schema(summary="Records of what both sides have"),
    retrieve=extend_schema(summary="One record, with its difference"),
)
class SyncRecordViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OfAccount):
    """As they were when both sides were last compared. Linking and unlinking change neither side."""

    serializer_class = SyncRecordSerializer
    filterset_class = RecordFilter
    write_role = Role.ADMIN
    body_actions = frozenset({"link", "link_by_name"})
    queryset = RemoteRecord.objects.none()

    def get_queryset(self) -> QuerySet[RemoteRecord]:
        if getattr(self, "swagger_fake_view", False):
            return RemoteRecord.objects.none()
        return RemoteRecord.objects.filter(account=self.account())

    @extend_schema(
        operation_id="provider_accounts_sync_records_link",
        summary="Link two",
        request=SyncLinkSerializer,
        responses={200: SyncRecordSerializer},
    )
    def link(self, request: Request, account_pk: int) -> Response:
        """Says that what is here and what is there are one."""
        account, asked = self.account(), SyncLinkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            record = services.link(account=account, actor=actor_of(request), **asked.validated_data)
        except ProviderAccountError as error:
            raise _problem(error) from None
        return Response(SyncRecordSerializer(record).data)

    @extend_schema(
        operation_id="provider_accounts_sync_records_link_by_name",
        summary="Link all of one name",
        request=EntitySerializer,
        responses={200: LinkedSerializer},
    )
    def link_by_name(self, request: Request, account_pk: int) -> Response:
        """Links whatever bears one name here and there, where it stands once on each side."""
        account, asked = self.account(), EntitySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            count = services.link_by_name(
                account=account, entity=asked.validated_data["entity"], actor=actor_of(request)
            )
        except ProviderAccountError as error:
            raise _problem(error) from None
        return Response({"linked": count})

    @extend_schema(
        operation_id="provider_accounts_sync_records_unlink",
        summary="Unlink",
        request=None,
        responses={204: None},
    )
    def unlink(self, request: Request, account_pk: int, pk: int) -> Response:
        """Two records are left: one of what is here, one of what is there."""
        try:
            services.unlink(record=self.get_object(), actor=actor_of(request))
        except ProviderAccountError as error:
            raise _problem(error) from None
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(summary="Runs"), retrieve=extend_schema(summary="One run, with its progress")
)
class SyncRunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OfAccount):
    """What was compared, pushed and pulled, and what is planned. One goes on at a time for each account: 409 otherwise."""

    serializer_class = SyncRunSerializer
    filterset_class = RunFilter
    write_role = Role.ADMIN
    queryset = SyncRun.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return SyncRun.objects.none()
        return SyncRun.objects.filter(account=self.account()).select_related(
            "account__workspace", "created_by", "api_key"
        )

    @extend_schema(
        operation_id="provider_accounts_sync_runs_create",
        summary="Compare, push or pull",
        description="A worker carries it out; `dry_run` plans a push or pull instead. Needs a key of the role admin.",
        request=NewRunSerializer,
        responses={201: SyncRunSerializer},
    )
    def create(self, request: Request, account_pk: int) -> Response:
        account, asked = self.account(), NewRunSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        kinds, actor = tuple(given.get("entities", ())), actor_of(request)
        chosen = Chosen(
            kinds, tuple(given.get("records", ())), given.get("state", ""), given.get("search", "")
        )
        try:
            if given["what"] == SyncWhat.COMPARE:
                run = sync_runs.start_compare(account=account, entities=kinds, actor=actor)
            else:
                service = sync_runs.plan_run if given["dry_run"] else sync_runs.push_or_pull
                run = service(account=account, what=given["what"], chosen=chosen, actor=actor)
        except ProviderAccountError as error:
            raise _problem(error, {"entity": "entities"}) from None
        return Response(SyncRunSerializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="provider_accounts_sync_runs_confirm",
        summary="Carry out a dry run",
        request=None,
        responses={200: SyncRunSerializer},
    )
    def confirm(self, request: Request, account_pk: int, pk: int) -> Response:
        return self._steered(sync_runs.confirm_run)

    @extend_schema(
        operation_id="provider_accounts_sync_runs_cancel",
        summary="Cancel what is not done",
        request=None,
        responses={200: SyncRunSerializer},
    )
    def cancel(self, request: Request, account_pk: int, pk: int) -> Response:
        return self._steered(sync_runs.cancel_run)

    @extend_schema(
        operation_id="provider_accounts_sync_runs_again",
        summary="Go on with what is not done",
        request=None,
        responses={200: SyncRunSerializer},
    )
    def again(self, request: Request, account_pk: int, pk: int) -> Response:
        return self._steered(sync_runs.run_again)

    def _steered(self, service: Any) -> Response:
        try:
            run = service(run=self.get_object())
        except ProviderAccountError as error:
            raise _problem(error) from None
        return Response(SyncRunSerializer(run).data)


@extend_schema_view(list=extend_schema(summary="Steps of a run"))
class SyncStepViewSet(mixins.ListModelMixin, OfAccount):
    """In the order in which they are done."""

    serializer_class = SyncStepSerializer
    filterset_class = StepFilter
    pagination_class = StepPages
    queryset = SyncRunStep.objects.none()

    def get_queryset(self) -> QuerySet[SyncRunStep]:
        if getattr(self, "swagger_fake_view", False):
            return SyncRunStep.objects.none()
        run = get_object_or_404(SyncRun, account=self.account(), pk=self.kwargs["run_pk"])
        return SyncRunStep.objects.filter(run=run)


def _differences(rows: list[list[str]]) -> list[dict[str, str]]:
    return [{"field": field, "ours": ours, "theirs": theirs} for field, ours, theirs in rows]


def _problem(error: ProviderAccountError, names: dict[str, str] | None = None) -> exceptions.APIException:
    if error.code in CONFLICTS:
        return Conflict(str(error.sentence), error.code)
    field = (names or {}).get(error.field, error.field) or "non_field_errors"
    return serializers.ValidationError({field: [str(error.sentence)]}, code=error.code)
