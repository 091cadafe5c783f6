"""`/api/v1/numbers/<msisdn>`: one number everywhere, and erasure on request."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Role
from campaigns.services.numbers import KnownNumber, know_number
from campaigns.services.origins import Origin
from contacts.api.opt_outs import OptOutSerializer
from contacts.models import Recipient, UnsubscribeMember
from messaging.erasure import Erased, erase_number
from messaging.threads import ThreadText
from web.api_input import GenericViewSet, ModelSerializer, Serializer


class OriginSerializer(Serializer[Origin]):
    brought_by = serializers.ChoiceField(
        source="how",
        choices=["import", "person", "api", "job", "unknown"],
        help_text="`person`: added by hand; `job`: copied, moved or split from another list.",
    )
    by = serializers.CharField(help_text="A person, or an API key by its name; empty where unknown.")
    import_id = serializers.IntegerField(source="imported.pk", default=None, allow_null=True)
    file_name = serializers.CharField(source="imported.file_name", default="")
    consent = serializers.CharField(
        help_text="How the person agreed to be texted: the column consent_source, else the words of the import."
    )
    consent_at = serializers.CharField(help_text="The column consent_at, as the file wrote it.")


class OnListSerializer(ModelSerializer[Recipient]):
    list = serializers.IntegerField(source="list_id", help_text="The recipient list.")
    list_name = serializers.CharField(source="list.name")
    origin = serializers.SerializerMethodField(
        help_text="How the person came onto the list, on what consent."
    )

    @extend_schema_field(OriginSerializer)
    def get_origin(self, person: Recipient) -> Any:
        return OriginSerializer(self.context["origins"][person.pk]).data

    class Meta:
        model = Recipient
        fields = (
            "id",
            "list",
            "list_name",
            *Recipient.TOKEN_FIELDS,
            "time_zone",
            "extra",
            "created_at",
            "origin",
        )
        read_only_fields = fields


class UnsubscribedSerializer(ModelSerializer[UnsubscribeMember]):
    list = serializers.IntegerField(source="list_id", help_text="The unsubscribe list.")
    list_name = serializers.CharField(source="list.name")

    class Meta:
        model = UnsubscribeMember
        fields = ("list", "list_name", "how", "source", "message_id", "at")
        read_only_fields = fields


class ThreadTextSerializer(Serializer[ThreadText]):
    id = serializers.IntegerField(source="pk", help_text="Of the message, or of the inbound text.")
    at = serializers.DateTimeField()
    is_ours = serializers.BooleanField(help_text="Sent by the workspace; false: written by the person.")
    text = serializers.CharField(help_text="Empty until it was sent, and once it was erased.")
    state = serializers.CharField(help_text="Of a message; empty for inbound texts.")
    reason = serializers.CharField(source="reason.sentence", default="", help_text="In words.")
    broadcast = serializers.IntegerField(source="broadcast_id", allow_null=True)
    keyword = serializers.CharField(help_text="What an inbound text was read as.")


class NumberSerializer(Serializer[KnownNumber]):
    msisdn = serializers.CharField(help_text="E.164 digits without plus.")
    country = serializers.CharField(help_text="ISO 3166 letters; empty where it belongs to none.")
    kind = serializers.CharField(help_text="mobile, fixed_line …; empty where it is not in use.")
    time_zones = serializers.ListField(
        child=serializers.CharField(), help_text="All that are possible; more than one: not certain."
    )
    lists = OnListSerializer(source="people", many=True)
    opt_out = OptOutSerializer(allow_null=True)
    answered = serializers.CharField(
        source="answered.text", default="", help_text="The message that the opt-out answered, in words."
    )
    unsubscribe_lists = UnsubscribedSerializer(source="unsubscribed", many=True)
    thread = ThreadTextSerializer(many=True, help_text="The last 50 texts, newest first.")


class ErasedSerializer(Serializer[Erased]):
    lists = serializers.IntegerField(help_text="Lists it was taken off.")
    messages = serializers.IntegerField(help_text="Messages whose text was emptied.")
    inbound = serializers.IntegerField(help_text="Inbound texts that were emptied.")
    calls = serializers.IntegerField(help_text="Stored calls of providers that were emptied.")
    files = serializers.IntegerField(
        help_text="Imports and exports whose files were deleted, as the number was in them."
    )
    on_the_way = serializers.IntegerField(
        help_text="Messages just being sent, which keep their text: more than 0 means erase again later."
    )


class NumberViewSet(GenericViewSet[Any]):
    """What a workspace knows of one number. Erasing needs an admin's key."""

    serializer_class = NumberSerializer
    lookup_field = "msisdn"
    lookup_value_regex = "[0-9]{1,15}"
    filter_backends = []
    pagination_class = None
    parameters = {"destroy": ("reason",)}
    write_role = Role.ADMIN
    queryset = Recipient.objects.none()

    def get_object(self) -> KnownNumber:
        number = know_number(self.request.workspace, self.kwargs["msisdn"])  # type: ignore[attr-defined]  # set by the key
        if not number.is_known:
            raise exceptions.NotFound
        return number

    @extend_schema(summary="One number everywhere")
    def retrieve(self, request: Request, msisdn: str) -> Response:
        number = self.get_object()
        return Response(NumberSerializer(number, context={"origins": number.origins}).data)

    @extend_schema(
        summary="Erase what is known of a number",
        description="Lists, fields and texts go; the opt-out stays, or is made. Safe to repeat. See docs/privacy.md.",
        parameters=[
            OpenApiParameter("reason", str, required=True, description="Kept as the opt-out's proof.")
        ],
        responses={200: ErasedSerializer},
    )
    def destroy(self, request: Request, msisdn: str) -> Response:
        number = self.get_object()
        reason = request.query_params.get("reason", "").strip()
        if not reason:
            sentence = "The reason is empty. Say why it is erased: it is kept as proof of the opt-out."
            raise serializers.ValidationError({"reason": [sentence]})
        erased = erase_number(
            workspace=request.workspace,  # type: ignore[attr-defined]  # set by the key
            msisdn=number.msisdn,
            reason=reason[:500],
            actor=actor_of(request),
        )
        return Response(ErasedSerializer(erased).data)
