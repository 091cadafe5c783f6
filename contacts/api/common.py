"""What the endpoints of contacts share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from accounts.models import Workspace
from contacts.errors import ContactsError, WrongState
from contacts.numbers import Refused
from web.api import Conflict, TooLarge
from web.api_input import Serializer

PROBLEM = OpenApiResponse(
    description="A problem (application/problem+json) whose detail says why, in a sentence."
)
MAX_AT_ONCE = 1_000


@contextmanager
def problems() -> Iterator[None]:
    """Refusals of the services as problem details: 409 for states, 413 for size, 400 for fields."""
    try:
        yield
    except WrongState as error:
        raise Conflict(str(error.sentence), error.code) from error
    except ContactsError as error:
        if error.code == "too_large":
            raise TooLarge(str(error.sentence), error.code) from error
        field = error.field or "non_field_errors"
        raise serializers.ValidationError({field: [str(error.sentence)]}, code=error.code) from error


def workspace_of(view: Any) -> Workspace:
    workspace: Workspace = view.request.workspace  # set by the key, see accounts.api_access
    return workspace


def is_schema(view: Any) -> bool:
    """drf-spectacular looks at the view without a request."""
    return bool(getattr(view, "swagger_fake_view", False))


class RefusedSerializer(Serializer[Refused]):
    position = serializers.IntegerField(help_text="In the list that was sent, from 1.")
    raw = serializers.CharField(help_text="As it was sent.")
    code = serializers.CharField(help_text="Short and stable.")
    sentence = serializers.CharField(help_text="What is wrong and how to mend it.")
