"""`/api/v1/provider-accounts/ID/rates`: the rate card of an account, row by row or as a whole CSV."""

from __future__ import annotations

from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of, get_row
from accounts.models import Role
from providers import services
from providers.models import ProviderAccount, Rate
from providers.services import ProviderAccountError
from web.api_input import FilterSet, GenericViewSet, ModelSerializer, Serializer

# In one answer; the counts are of all.
SHOWN = 100


class CardRateSerializer(ModelSerializer[Rate]):
    prefix = serializers.CharField(
        max_length=30, help_text="Beginning of the number, digits, such as 44 or 1212."
    )
    price = serializers.DecimalField(
        max_digits=10, decimal_places=5, min_value=0, help_text="For one part, in the account's currency."
    )

    class Meta:
        model = Rate
        fields = ("id", "prefix", "price")
        # Setting a prefix anew is no error: it gets the price.
        validators: list[Any] = []


class RateImportSerializer(Serializer[Any]):
    csv = serializers.CharField(
        max_length=2 * 1024 * 1024,
        trim_whitespace=False,
        help_text="The file's text: a column of prefixes, or of countries, and one of prices, named in the first row.",
    )
    mode = serializers.ChoiceField(
        choices=["merge", "replace"],
        default="merge",
        help_text="Prefixes that the text does not have: merge keeps them, replace removes them.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Says what would change, and changes nothing."
    )


class RateRowSerializer(Serializer[Any]):
    row = serializers.IntegerField(help_text="From 1, the header included.")
    sentence = serializers.CharField()


class RateImportResultSerializer(Serializer[Any]):
    added = serializers.IntegerField(help_text="New prefixes.")
    changed = serializers.IntegerField(help_text="With another price.")
    removed = serializers.IntegerField(help_text="Only where all are replaced.")
    same = serializers.IntegerField(help_text="With the same price.")
    refused = serializers.IntegerField(help_text="Rows that are left out.")
    refused_rows = RateRowSerializer(many=True, help_text=f"The first {SHOWN} of them, and why.")
    doubles = RateRowSerializer(
        many=True,
        help_text=f"The first {SHOWN} rows that give a prefix another price; the highest counts.",
    )
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What else was done with the text."
    )


class RateFilter(FilterSet):
    prefix = django_filters.CharFilter(
        field_name="prefix", lookup_expr="startswith", help_text="Rows whose prefix begins with these digits."
    )


@extend_schema_view(
    list=extend_schema(summary="Rate card of an account"),
    destroy=extend_schema(
        summary="Remove a price", description="A shorter prefix counts then, or the account's price."
    ),
)
class RateViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[Any]):
    """Prices by the beginning of the number; the longest prefix wins. Changing them needs an admin's key."""

    serializer_class = CardRateSerializer
    filterset_class = RateFilter
    write_role = Role.ADMIN
    body_actions = frozenset({"create", "import_csv"})
    queryset = Rate.objects.none()

    def get_queryset(self) -> QuerySet[Rate]:
        if getattr(self, "swagger_fake_view", False):
            return Rate.objects.none()
        return Rate.objects.filter(account=self._account()).select_related("account__workspace")

    def _account(self) -> ProviderAccount:
        return get_row(
            self.request,
            ProviderAccount.objects.select_related("workspace"),
            pk=self.kwargs["account_pk"],
        )

    @extend_schema(summary="Set the price of a prefix", responses={201: CardRateSerializer})
    def create(self, request: Request, account_pk: int) -> Response:
        account = self._account()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            rate = services.set_rate(account=account, actor=actor_of(request), **serializer.validated_data)
        except ProviderAccountError as error:
            raise _problem(error) from None
        return Response(self.get_serializer(rate).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Rate) -> None:
        services.remove_rate(rate=instance, actor=actor_of(self.request))

    @extend_schema(
        summary="Import a rate card",
        description="All rows that can be read, at once. Each other one is named with its number and why.",
        request=RateImportSerializer,
        responses={200: RateImportResultSerializer},
    )
    def import_csv(self, request: Request, account_pk: int) -> Response:
        account = self._account()
        asked = RateImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        replace = asked.validated_data["mode"] == "replace"
        try:
            found = services.read_rates(asked.validated_data["csv"].encode(), currency=account.currency)
            if asked.validated_data["dry_run"]:
                plan = services.plan_rates(account, found.rates, replace=replace)
            else:
                plan = services.import_rates(
                    account=account, rates=found.rates, replace=replace, actor=actor_of(request)
                )
        except ProviderAccountError as error:
            raise _problem(error, {"file": "csv"}) from None
        result = {
            "added": len(plan.added),
            "changed": len(plan.changed),
            "removed": len(plan.removed),
            "same": plan.same,
            "refused": len(found.bad_rows),
            "refused_rows": found.bad_rows[:SHOWN],
            "doubles": found.doubles[:SHOWN],
            "notes": found.notes,
        }
        return Response(RateImportResultSerializer(result).data)


def _problem(error: ProviderAccountError, names: dict[str, str] | None = None) -> serializers.ValidationError:
    field = (names or {}).get(error.field, error.field) or "non_field_errors"
    return serializers.ValidationError({field: [str(error.sentence)]}, code=error.code)
