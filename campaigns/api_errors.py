"""Refusals of the services as problem details: the sentence of the page, a code, and what else is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from rest_framework import exceptions

from campaigns.errors import (
    AlreadyLaunched,
    CampaignError,
    CountNotTyped,
    EditedElsewhere,
    EstimateChanged,
    LaunchRefused,
    NotNow,
    PartsNotAgreed,
)
from campaigns.services.check import Check
from web.api import Conflict


class Unprocessable(exceptions.APIException):
    """Sound, and allowed in this state, but not as things are now."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "unprocessable"

    def __init__(self, detail: Any, code: str, **extra: Any) -> None:
        super().__init__(detail, code)
        self.extra = extra


def problem_of(error: CampaignError, fields: dict[str, str] | None = None) -> exceptions.APIException:
    """409 for states, 422 for what no longer fits, 400 for a field. `fields`: service's name to ours."""
    if isinstance(error, EditedElsewhere):
        return Conflict(str(error.sentence), error.code, version=error.version)
    if isinstance(error, NotNow | AlreadyLaunched):
        return Conflict(str(error.sentence), error.code)
    if isinstance(error, LaunchRefused):
        return Unprocessable(
            str(error.sentence), error.code, checks=[check_data(check) for check in error.checks]
        )
    if isinstance(error, EstimateChanged):
        return Unprocessable(
            str(error.sentence), error.code, agreed=error.agreed, estimate=error.now.as_dict()
        )
    if isinstance(error, CountNotTyped):
        return Unprocessable(str(error.sentence), error.code)
    if isinstance(error, PartsNotAgreed):
        cost = None if error.cost is None else str(error.cost)
        return Unprocessable(
            str(error.sentence), error.code, parts=error.parts, cost=cost, currency=error.currency
        )
    if error.field:
        name = (fields or {}).get(error.field, error.field)
        return exceptions.ValidationError({name: [str(error.sentence)]}, code=error.code)
    return Conflict(str(error.sentence), error.code)


def check_data(check: Check) -> dict[str, str]:
    return {"code": check.code, "level": check.level, "detail": str(check.sentence), "fix": check.fix}


@contextmanager
def problems(fields: dict[str, str] | None = None) -> Iterator[None]:
    try:
        yield
    except CampaignError as error:
        raise problem_of(error, fields) from error
