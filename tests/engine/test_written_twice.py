"""The database has taken a result, and its answer is lost: the result is written again, and nobody is texted twice."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.engine import loop
from messaging.ledger import Change, Return
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_brakes import Vendor, run, states
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


class SlowVendor(Vendor):
    """Refuses the first text for now, and takes the others late: their answers come after the writing again, and the
    engine has something to wait for until then."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if len(self.requests) > 1:
            await asyncio.sleep(3 * loop.TRY_AGAIN_SECONDS)
        return answer


def answer(number: int) -> httpx.Response:
    if number == 1:
        return httpx.Response(429, headers={"retry-after": "0"}, json={"message": "Too Many Requests"})
    return httpx.Response(200, json={"message_id": f"v{number}"})


def test_what_goes_back_does_not_go_back_again(
    acme: Workspace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05
    dispatch = make_dispatch(acme, make_account(acme, "messagewhiz"), people=2)
    real, lost = loop._write_batch, []

    def loses_the_first_answer(batch: list[Change | Return]) -> None:
        real(batch)
        if not lost and any(isinstance(item, Return) for item in batch):
            lost.append(batch)
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(loop, "_write_batch", loses_the_first_answer)
    vendor: Any = SlowVendor(answer)
    run(vendor)
    assert lost
    assert (len(vendor.requests), states(dispatch)) == (3, {"sent": 2})
    assert sorted(dispatch.messages.values_list("tries", flat=True)) == [1, 2]
    assert_counters_equal_ledger(dispatch)
