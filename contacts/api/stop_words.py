"""`/api/v1/stop-words`: what opts a number out when somebody answers with it."""

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
from accounts.stop_words import MAX_WORDS
from contacts.api.common import workspace_of
from sms.opt_out import DEFAULT_LANGUAGES, WORDS
from web.api_input import GenericViewSet, Serializer


class StopWordsSerializer(Serializer[Workspace]):
    languages = serializers.ListField(
        source="opt_out_languages",
        child=serializers.CharField(max_length=20),
        required=False,
        help_text=f"ISO 639 codes besides English, whose words always count: {', '.join(WORDS)}.",
    )
    words = serializers.ListField(
        source="opt_out_words",
        child=serializers.CharField(max_length=200, allow_blank=True),
        required=False,
        help_text=f"Words of the company's own, at most {MAX_WORDS}; any case.",
    )
    understood = serializers.SerializerMethodField(
        help_text="All stop words that count now: the company's own and those of the languages."
    )

    def get_understood(self, workspace: Workspace) -> list[str]:
        languages = (*DEFAULT_LANGUAGES, *workspace.opt_out_languages)
        known = [word for language in languages for word in WORDS[language].stop]
        return list(dict.fromkeys((*workspace.opt_out_words, *known)))


class StopWordsViewSet(GenericViewSet[Workspace]):
    """The workspace's stop words. Changing them needs an admin's key."""

    serializer_class = StopWordsSerializer
    pagination_class = None
    write_role = Role.ADMIN
    queryset = Workspace.objects.none()

    @extend_schema(summary="Stop words of the workspace")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(workspace_of(self)).data)

    @extend_schema(summary="Change languages or words")
    def partial_update(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = serializer.validated_data
        try:
            kept = update_workspace(workspace=workspace_of(self), actor=actor_of(request), **changes)
        except AccountsError as error:
            field = error.field.removeprefix("opt_out_")
            raise serializers.ValidationError({field: [str(error)]}, code=error.code) from error
        return Response(self.get_serializer(kept).data)
