"""`/api/v1/verifications`. No answer ever holds a code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import django_filters  # type: ignore[import-untyped]  # it ships none
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import actor_of
from accounts.models import Workspace
from messaging.budget import OverBudget
from messaging.errors import MessagingError
from messaging.models import Verification
from messaging.singles import TooManyParts
from messaging.verification.codes import LONGEST, SHORTEST
from messaging.verification.errors import NotNow, TooMuch
from messaging.verification.services import (
    DEFAULT_LENGTH,
    DEFAULT_LIFETIME,
    DEFAULT_TRIES,
    LONGEST_LIFETIME,
    LONGEST_REFERENCE,
    MOST_TRIES,
    SHORTEST_LIFETIME,
    Checked,
    Started,
    cancel_verification,
    check_verification,
    newest_of,
    resend_verification,
    start_verification,
)
from messaging.verification.states import SHOWN_STATES, in_state, state_of, tries_left
from sms.msisdn import MsisdnError, parse_msisdn
from web.api import Conflict
from web.api_input import FilterSet, GenericViewSet, ModelSerializer, Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)
TOO_MUCH = OpenApiResponse(
    description="Too many (application/problem+json): the header Retry-After says after how many seconds to try again."
)
SAMPLE_TEXT = "Your code is {{verification_code}}. Never tell it to anybody."
SAMPLE = {
    "id": 7,
    "msisdn": "12015550123",
    "state": "pending",
    "reference": "order 4711",
    "message": 4242,
    "tries_left": 5,
    "created_at": "2026-11-21T09:00:00Z",
    "expires_at": "2026-11-21T09:10:00Z",
    "verified_at": None,
}


class TooManyRequests(exceptions.APIException):
    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_code = "too_many_requests"

    def __init__(self, error: TooMuch) -> None:
        super().__init__(str(error.sentence), error.code)
        self.wait = error.wait


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services as problem details."""
    try:
        yield
    except TooMuch as error:
        raise TooManyRequests(error) from None
    except TooManyParts as error:
        sentence = _("This text has %(parts)s parts; a verification's has at most 3. Shorten it.")
        raise exceptions.ValidationError(
            {"text": [sentence % {"parts": error.parts}]}, code="too_long"
        ) from None
    except (NotNow, OverBudget) as error:
        raise Conflict(str(error.sentence), error.code) from None
    except MessagingError as error:
        words = [exceptions.ErrorDetail(str(error.sentence), error.code)]
        raise exceptions.ValidationError({error.field: words}) from None


class VerificationSerializer(ModelSerializer[Verification]):
    msisdn = serializers.CharField(read_only=True, help_text="E.164 digits without plus.")
    state = serializers.SerializerMethodField(
        help_text="pending, verified, expired, exhausted (too many wrong codes), replaced or cancelled."
    )
    reference = serializers.CharField(read_only=True, help_text="Your own word for it.")
    message = serializers.IntegerField(
        source="message_id", read_only=True, allow_null=True, help_text="The message that carries the code."
    )
    tries_left = serializers.SerializerMethodField(help_text="0 once it is over.")

    class Meta:
        model = Verification
        fields = (
            "id",
            "msisdn",
            "state",
            "reference",
            "message",
            "tries_left",
            "created_at",
            "expires_at",
            "verified_at",
        )
        read_only_fields = fields

    def get_state(self, verification: Verification) -> str:
        return state_of(verification)

    def get_tries_left(self, verification: Verification) -> int:
        return tries_left(verification)


class StartedSerializer(VerificationSerializer):
    parts = serializers.IntegerField(read_only=True, help_text="Each is paid for.")
    cost = serializers.DecimalField(
        max_digits=14, decimal_places=5, allow_null=True, help_text="Expected; null while no price is known."
    )
    currency = serializers.CharField()

    class Meta(VerificationSerializer.Meta):
        fields = (*VerificationSerializer.Meta.fields, "parts", "cost", "currency")  # type: ignore[assignment]  # more
        read_only_fields = fields  # type: ignore[assignment]  # as above


class StartSerializer(Serializer[Any]):
    msisdn = serializers.CharField(
        help_text="In any usual writing; without a country code that of the workspace."
    )
    sender = serializers.IntegerField(help_text="Id of a sender that the account may use.")
    account = serializers.IntegerField(help_text="Id of the provider account it goes through.")
    text = serializers.CharField(
        trim_whitespace=False,
        help_text="With {{verification_code}} where the code shall stand; at most 3 parts, no links.",
    )
    length = serializers.IntegerField(
        default=DEFAULT_LENGTH, min_value=SHORTEST, max_value=LONGEST, help_text="Digits of the code."
    )
    lifetime = serializers.IntegerField(
        default=int(DEFAULT_LIFETIME.total_seconds()),
        min_value=int(SHORTEST_LIFETIME.total_seconds()),
        max_value=int(LONGEST_LIFETIME.total_seconds()),
        help_text="Seconds for which the code is valid.",
    )
    max_tries = serializers.IntegerField(
        default=DEFAULT_TRIES, min_value=1, max_value=MOST_TRIES, help_text="Wrong codes before it is over."
    )
    reference = serializers.CharField(
        default="", allow_blank=True, max_length=LONGEST_REFERENCE, help_text="Your own word for it."
    )


class CodeSerializer(Serializer[Any]):
    code = serializers.CharField(
        write_only=True, max_length=60, help_text="As it was typed: blanks and dashes do no harm."
    )


class NumberCodeSerializer(CodeSerializer):
    msisdn = serializers.CharField(
        help_text="In any usual writing; without a country code that of the workspace."
    )


class CheckedSerializer(Serializer[Checked]):
    valid = serializers.BooleanField(read_only=True, help_text="True once, for the right code in time.")
    state = serializers.ChoiceField(choices=SHOWN_STATES, read_only=True)
    tries_left = serializers.IntegerField(read_only=True)
    verification = serializers.IntegerField(source="verification.pk", read_only=True, help_text="Its id.")
    detail = serializers.CharField(source="sentence", read_only=True, help_text="The same in a sentence.")


class VerificationFilter(FilterSet):
    msisdn = django_filters.CharFilter(help_text="E.164 digits, with or without plus.", method="by_number")
    state = django_filters.ChoiceFilter(choices=SHOWN_STATES, method="by_state")
    reference = django_filters.CharFilter(help_text="Word for word.")

    def by_number(self, rows: QuerySet[Verification], name: str, value: str) -> QuerySet[Verification]:
        return rows.filter(msisdn=value.strip().removeprefix("+"))

    def by_state(self, rows: QuerySet[Verification], name: str, value: str) -> QuerySet[Verification]:
        return rows.filter(in_state(value))

    class Meta:
        model = Verification
        fields = ("msisdn", "state", "reference")


@extend_schema_view(
    list=extend_schema(summary="List verifications"),
    retrieve=extend_schema(
        summary="One verification",
        examples=[OpenApiExample("Waiting for the code", SAMPLE, response_only=True)],
    ),
)
class VerificationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Verification]):
    """Codes by SMS that prove a number, newest first."""

    queryset = Verification.objects.none()
    serializer_class = VerificationSerializer
    filterset_class = VerificationFilter
    lookup_value_regex = "[0-9]+"
    body_actions = frozenset({"create", "check", "check_number"})

    @property
    def workspace(self) -> Workspace:
        return self.request.workspace  # type: ignore[attr-defined]  # see accounts.api_access

    def get_queryset(self) -> QuerySet[Verification]:
        if getattr(self, "swagger_fake_view", False):
            return Verification.objects.none()
        return Verification.objects.filter(workspace=self.workspace).select_related("workspace")

    @extend_schema(
        summary="Text a code",
        request=StartSerializer,
        responses={201: StartedSerializer, 400: PROBLEM, 429: TOO_MUCH},
        examples=[
            OpenApiExample(
                "A code of six digits for ten minutes",
                {"msisdn": "+12015550123", "sender": 3, "account": 2, "text": SAMPLE_TEXT},
                request_only=True,
            ),
            OpenApiExample(
                "Started",
                SAMPLE | {"parts": 1, "cost": "0.00790", "currency": "USD"},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        """It waits in the ledger like any other message, and is not sent once its code is over.

        The number's pending verification is replaced. A number gets five codes an hour, thirty seconds apart;
        landlines, premium-rate numbers and those who opted out get none.
        """
        values = self._given(StartSerializer(data=request.data))
        account = self.workspace.provider_accounts.filter(pk=values["account"]).first()
        sender = self.workspace.senders.filter(pk=values["sender"]).first()
        if account is None:
            raise _not_here("account", _("There is no account %(id)s in this workspace."), values)
        if sender is None:
            raise _not_here("sender", _("There is no sender %(id)s in this workspace."), values)
        lifetime = timedelta(seconds=values.pop("lifetime"))
        asked = values | {"account": account, "sender": sender, "lifetime": lifetime}
        with problems():
            started = start_verification(workspace=self.workspace, actor=actor_of(request), **asked)
        return _started(started)

    @extend_schema(
        summary="Check a code",
        request=CodeSerializer,
        responses={200: CheckedSerializer, 400: PROBLEM, 429: TOO_MUCH},
        examples=[
            OpenApiExample("As it was typed", {"code": "482 913"}, request_only=True),
            OpenApiExample(
                "The right one",
                {
                    "valid": True,
                    "state": "verified",
                    "tries_left": 0,
                    "verification": 7,
                    "detail": "The code is right.",
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        """A code is valid once. A wrong one costs a try; what cannot be the code at all is a 400 and costs none."""
        verification = self.get_object()
        values = self._given(CodeSerializer(data=request.data))
        return self._checked(verification, values["code"])

    @extend_schema(
        operation_id="verifications_check_by_number",
        summary="Check a code by its number",
        request=NumberCodeSerializer,
        responses={200: CheckedSerializer, 400: PROBLEM, 404: PROBLEM, 429: TOO_MUCH},
        examples=[
            OpenApiExample("Number and code", {"msisdn": "+12015550123", "code": "482913"}, request_only=True)
        ],
    )
    @action(detail=False, methods=["post"], url_path="check", url_name="check-number")
    def check_number(self, request: Request) -> Response:
        """For whoever keeps no ids: the number's newest verification is asked."""
        values = self._given(NumberCodeSerializer(data=request.data))
        try:
            digits = parse_msisdn(values["msisdn"], self.workspace.default_country).digits
        except MsisdnError as error:
            raise exceptions.ValidationError({"msisdn": [error.sentence]}) from None
        verification = newest_of(workspace=self.workspace, msisdn=digits)
        if verification is None:
            sentence = _("+%(number)s was never sent a code. Start a verification first.")
            raise exceptions.NotFound(sentence % {"number": digits})
        return self._checked(verification, values["code"])

    @extend_schema(
        summary="Send a new code",
        request=None,
        responses={201: StartedSerializer, 400: PROBLEM, 409: PROBLEM, 429: TOO_MUCH},
    )
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str | None = None) -> Response:
        """With the same text and limits. It is another code and another id: the old one is replaced."""
        with problems():
            started = resend_verification(verification=self.get_object(), actor=actor_of(request))
        return _started(started)

    @extend_schema(
        summary="Cancel a verification",
        request=None,
        responses={200: VerificationSerializer, 409: PROBLEM},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        """Its code counts no more; a text that still waits is not sent."""
        with problems():
            row = cancel_verification(verification=self.get_object(), actor=actor_of(request))
        return Response(VerificationSerializer(row).data)

    @staticmethod
    def _given(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @staticmethod
    def _checked(verification: Verification, code: str) -> Response:
        with problems():
            checked = check_verification(verification=verification, code=code)
        return Response(CheckedSerializer(checked).data)


def _started(started: Started) -> Response:
    more = {
        "parts": started.parts,
        "cost": None if started.cost is None else str(started.cost),
        "currency": started.currency,
    }
    data = VerificationSerializer(started.verification).data | more
    return Response(data, status=status.HTTP_201_CREATED)


def _not_here(field: str, sentence: str, values: dict[str, Any]) -> exceptions.ValidationError:
    return exceptions.ValidationError({field: [sentence % {"id": values[field]}]})
