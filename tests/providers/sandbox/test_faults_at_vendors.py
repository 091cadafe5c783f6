"""Every fault at every vendor, on its operation that sends: what the caller sees, and whether the text was taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from providers.sandbox.app import DOORS
from providers.sandbox.faults import FaultKind
from tests.providers.sandbox.support import (
    eventually,
    message_send,
    mobiz_send,
    mx2_send,
    ogangi_send,
    sms,
    xml_of,
)
from tests.sandbox_process import SandboxProcess


@dataclass(frozen=True)
class Sending:
    """`path` as faults name it, without the vendor; `read` understands a whole answer."""

    path: str
    send: Callable[[SandboxProcess], httpx.Response]
    read: Callable[[httpx.Response], Any] = httpx.Response.json


SENDINGS = {
    "messagewhiz": Sending("sms", sms),
    "bulkvs": Sending("api/v1.0/messageSend", message_send),
    "mx2": Sending("api/send", mx2_send),
    "mobiz": Sending("TriggerMessage", mobiz_send),
    "ogangi": Sending("rest/api/tools/sendSMSByFile", ogangi_send, xml_of),
}
REFUSALS = {"throttled": 429, "server_error": 500, "unavailable": 503}
CUTS = {"cut_before": 0, "cut_after": 1}
SPOILS = ("html", "truncated")

every_vendor = pytest.mark.parametrize("vendor", SENDINGS)


def break_once(sandbox: SandboxProcess, vendor: str, fault: str) -> Sending:
    sending = SENDINGS[vendor]
    sandbox.dial(vendor=vendor, faults=[{"path": sending.path, "fault": fault, "times": 1}])
    return sending


def assert_healed(sandbox: SandboxProcess, sending: Sending) -> None:
    before = sandbox.stats()["accepted"]
    answer = sending.send(sandbox)
    assert answer.status_code == 200
    sending.read(answer)
    assert sandbox.stats()["accepted"] == before + 1


def test_no_vendor_and_no_fault_is_left_out() -> None:
    assert list(SENDINGS) == list(DOORS)
    assert {*REFUSALS, *CUTS, *SPOILS, "hang"} == set(FaultKind)


@every_vendor
@pytest.mark.parametrize("fault", REFUSALS)
def test_refusals_take_nothing(sandbox: SandboxProcess, vendor: str, fault: str) -> None:
    sending = break_once(sandbox, vendor, fault)
    answer = sending.send(sandbox)
    assert (answer.status_code, answer.json()["statusCode"]) == (REFUSALS[fault], REFUSALS[fault])
    assert answer.headers.get("retry-after") == ("1" if fault == "throttled" else None)
    assert sandbox.stats()["accepted"] == 0
    assert_healed(sandbox, sending)


@every_vendor
@pytest.mark.parametrize("fault", CUTS)
def test_lines_are_cut(sandbox: SandboxProcess, vendor: str, fault: str) -> None:
    sending = break_once(sandbox, vendor, fault)
    with pytest.raises(httpx.TransportError):
        sending.send(sandbox)
    stats = sandbox.stats()
    assert (stats["accepted"], stats["answers"]) == (CUTS[fault], {vendor: {"cut": 1}})
    assert_healed(sandbox, sending)


@every_vendor
@pytest.mark.parametrize("fault", SPOILS)
def test_answers_are_spoiled(sandbox: SandboxProcess, vendor: str, fault: str) -> None:
    sending = break_once(sandbox, vendor, fault)
    answer = sending.send(sandbox)
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>") == (fault == "html")
    with pytest.raises((ValueError, ElementTree.ParseError)):
        sending.read(answer)
    assert sandbox.stats()["accepted"] == 1
    assert_healed(sandbox, sending)


@every_vendor
def test_a_caller_hangs(sandbox: SandboxProcess, vendor: str) -> None:
    sending = break_once(sandbox, vendor, "hang")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(sending.send, sandbox)
        eventually(lambda: sandbox.control("GET", "dial")[vendor]["faults"] == [])
        assert not waiting.done()
        sandbox.dial(vendor=vendor, faults=[])
        assert isinstance(waiting.exception(10), httpx.TransportError)
    stats = sandbox.stats()
    assert (stats["accepted"], stats["answers"]) == (0, {vendor: {"cut": 1}})
    assert_healed(sandbox, sending)
