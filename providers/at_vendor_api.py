"""`/api/v1/provider-accounts/ID/at-vendor`: what the account holds at its vendor, live. For keys of admins."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role
from providers import services
from providers.api import TestResultSerializer
from providers.health_api import OfAccount
from providers.models import ProviderAccount
from providers.services import ProviderAccountError, Section
from web.api_input import Serializer

SECTION = OpenApiParameter("section", OpenApiTypes.STR, "path", description="Slug of a section.")
DEED = OpenApiParameter("deed", OpenApiTypes.STR, "path", description="Slug of a deed of it.")


class VendorTrouble(exceptions.APIException):
    """The vendor was asked, and refused or did not answer."""

    status_code = HTTPStatus.BAD_GATEWAY
    default_code = "vendor_refused"


class DeedSerializer(Serializer[Any]):
    deed = serializers.CharField(source="slug", help_text="Last part of the address that does it.")
    title = serializers.CharField(help_text="What is asked before it is done; %(key)s is the row's.")
    consequence = serializers.CharField()
    needs_key = serializers.BooleanField(help_text="Done to a row, which `key` names.")


class SectionSerializer(Serializer[Any]):
    section = serializers.CharField(source="slug", help_text="Part of the address.")
    title = serializers.CharField()
    hint = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    deeds = DeedSerializer(many=True, help_text="What can be done there.")


class SectionsSerializer(Serializer[Any]):
    sections = SectionSerializer(many=True)


class AtVendorRowSerializer(Serializer[Any]):
    key = serializers.CharField(help_text="What the vendor calls it.")
    cells = serializers.ListField(child=serializers.CharField(), help_text="One of each column.")


class AtVendorSerializer(Serializer[Any]):
    section = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = AtVendorRowSerializer(many=True)


class KeySerializer(Serializer[Any]):
    key = serializers.CharField(
        required=False, max_length=500, help_text="Of the row that it is done to; for others left out."
    )


class AtVendorViewSet(OfAccount):
    """Asked of the vendor, now; nothing of it is kept. Addresses of webhooks are secrets: keys of admins alone."""

    read_role = write_role = Role.ADMIN
    body_actions = frozenset({"change"})
    serializer_class = AtVendorSerializer
    queryset = ProviderAccount.objects.none()

    @extend_schema(
        operation_id="provider_accounts_at_vendor_list",
        summary="What can be looked at there",
        description="Empty where the vendor has nothing to show.",
        responses=SectionsSerializer,
    )
    def sections(self, request: Request, account_pk: int) -> Response:
        shown = [_described(section) for section in services.sections_of(self.account())]
        return Response(SectionsSerializer({"sections": shown}).data)

    @extend_schema(
        operation_id="provider_accounts_at_vendor_retrieve",
        summary="One section, live",
        description="502 where the vendor refuses or does not answer, with its words.",
        parameters=[SECTION],
        responses=AtVendorSerializer,
    )
    def look(self, request: Request, account_pk: int, section: str) -> Response:
        account = self.account()
        known = self._section(account, section)
        found = services.look_at_vendor(account, known)
        if found.problem:
            words = f"{found.problem} ({found.words})" if found.words else found.problem
            raise VendorTrouble(words)
        rows = [{"key": row.key, "cells": [str(cell.text) for cell in row.cells]} for row in found.rows]
        columns = [str(column) for column in known.columns]
        return Response(AtVendorSerializer({"section": known.slug, "columns": columns, "rows": rows}).data)

    @extend_schema(
        operation_id="provider_accounts_at_vendor_change",
        summary="Do something there",
        description="Such as setting this account's webhook at BulkVS: `at-vendor/webhooks/set/`. 200 with `ok` false where "
        "the vendor refuses it.",
        parameters=[SECTION, DEED],
        request=KeySerializer,
        responses={200: TestResultSerializer},
    )
    def change(self, request: Request, account_pk: int, section: str, deed: str) -> Response:
        account, asked = self.account(), KeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        known, key = self._section(account, section), asked.validated_data.get("key", "")
        self._check_deed(known, deed, key)
        result = services.change_at_vendor(
            account=account, section=known, deed=deed, key=key, actor=actor_of(request)
        )
        return Response(TestResultSerializer(result).data)

    def _section(self, account: ProviderAccount, slug: str) -> Section:
        try:
            return services.section_of(account, slug)
        except ProviderAccountError:
            raise Http404 from None

    def _check_deed(self, section: Section, slug: str, key: str) -> None:
        """404 for one that there is not; a sentence where its key is missing or too many."""
        of_rows = slug in [deed.slug for deed in section.row_deeds]
        of_section = slug in [deed.slug for deed in section.deeds]
        if not (of_rows or of_section):
            raise Http404
        if of_rows and not key:
            raise serializers.ValidationError({"key": [_("key is missing: send that of the row.")]})
        if of_section and key:
            raise serializers.ValidationError({"key": [_("It is done to no row: leave the key out.")]})


def _described(section: Section) -> dict[str, Any]:
    deeds = [(deed, False) for deed in section.deeds] + [(deed, True) for deed in section.row_deeds]
    return {
        "slug": section.slug,
        "title": str(section.title),
        "hint": str(section.hint),
        "columns": [str(column) for column in section.columns],
        "deeds": [
            {
                "slug": deed.slug,
                "title": str(deed.title),
                "consequence": str(deed.consequence),
                "needs_key": needs_key,
            }
            for deed, needs_key in deeds
        ],
    }
