"""Verification codes go before bulk on the same account, and what a provider asks for in Retry-After is obeyed.

Counted in the order of hand-over, so that a slow machine changes nothing.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.engine import Engine
from messaging.models import Message
from providers.models import ProviderAccount
from tests.engine.makers import make_account, make_dispatch
from tests.messaging.verification.support import started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.1


class Vendor(httpx.AsyncBaseTransport):
    """Takes its time. While it has the text number `at`, somebody asks for a code; once that came, all is answered at once
    with what ends the run."""

    def __init__(self, account: ProviderAccount, *, at: int, seconds: float, throttles_at: int = 0) -> None:
        self.account, self.at, self.seconds, self.throttles_at = account, at, seconds, throttles_at
        self.bodies: list[str] = []
        self.asked_after = self.code_at = 0
        self.code_came = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.bodies.append(request.content.decode())
        number = len(self.bodies)
        if "crier code" in self.bodies[-1]:
            self.code_at = number
            self.code_came.set()
        if number == self.at:
            await asyncio.to_thread(self._ask)
            self.asked_after = len(self.bodies)
        await asyncio.sleep(self.seconds)
        if number == self.throttles_at:
            self.asked_after = len(self.bodies)
            return httpx.Response(429, headers={"Retry-After": "2"}, json={"message": "slow down"})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    def _ask(self) -> None:
        try:
            started(self.account, text="Your crier code: {{verification_code}}")
        finally:
            connections.close_all()


def run_until_code(vendor: Vendor, seconds: float = 60) -> None:
    async def run() -> None:
        engine = Engine(transport=vendor)
        task = asyncio.create_task(engine.run(seconds=seconds))
        came = asyncio.create_task(vendor.code_came.wait())
        await asyncio.wait([task, came], return_when=asyncio.FIRST_COMPLETED)
        came.cancel()
        # Nobody is waited for any more: what is due is put back.
        for lane in engine._lanes.values():
            lane.lane.dispatches.clear()
            lane.closed = True
        await task

    asyncio.run(run())


@pytest.mark.parametrize("max_in_flight", [1, 8])
def test_a_code_overtakes_ten_thousand_under_a_slow_vendor(acme: Workspace, max_in_flight: int) -> None:
    account = make_account(acme, "messagewhiz", max_in_flight=max_in_flight)
    dispatch = make_dispatch(acme, account, people=10_000, text="Hello all")
    vendor = Vendor(account, at=max_in_flight * 3, seconds=0.2)
    run_until_code(vendor)
    # What the account hands over within two seconds.
    assert 0 < vendor.code_at - vendor.asked_after <= max_in_flight * 10
    assert Message.objects.filter(dispatch=dispatch, state="queued").count() > 9_000


def test_a_code_overtakes_bulk_that_waits_for_the_pace(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz", parts_per_second=Decimal(20))
    make_dispatch(acme, account, people=2000, text="Hello all")
    make_dispatch(acme, account, people=2000, text="Hello others", broadcast_id=2, name="Others")
    vendor = Vendor(account, at=10, seconds=0)
    run_until_code(vendor)
    assert 0 < vendor.code_at - vendor.asked_after <= 40


def test_after_a_retry_after_the_code_goes_first(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz", max_in_flight=2)
    make_dispatch(acme, account, people=2000, text="Hello all")
    vendor = Vendor(account, at=10, seconds=0.02, throttles_at=10)
    run_until_code(vendor)
    # What the other hand took up before it could know, no more.
    between = vendor.code_at - vendor.asked_after - 1
    assert between <= 1


def test_nothing_claimed_goes_before_a_retry_after_is_over(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz", max_in_flight=4)
    dispatch = make_dispatch(acme, account, people=300, text="Hello all")
    times: list[float] = []

    class Throttling(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await request.aread()
            times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.01)
            if len(times) == 50:
                return httpx.Response(429, headers={"Retry-After": "1"}, json={})
            return httpx.Response(200, json={"message_id": f"v{len(times)}"})

    asyncio.run(Engine(transport=Throttling()).run(seconds=60))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # Whatever was in other hands when the answer came; then nobody for as long as was asked for.
    assert max(gaps[48:61]) >= 0.9
    assert Message.objects.filter(dispatch=dispatch, state="sent").count() == 300
