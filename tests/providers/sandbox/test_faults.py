"""Trouble at a path of one's choice: what each fault does, where it strikes, and how it heals."""

from typing import Any

import httpx
import pytest

from providers.sandbox.faults import Fault, FaultKind, spoil
from providers.sandbox.wire import CUT, json_answer
from tests.providers.sandbox.support import (
    ALICE,
    bulkvs,
    eventually,
    message_send,
    open_line,
    put_webhook,
    raw_post,
    read_to_end,
    sms,
)
from tests.sandbox_process import SandboxProcess

SMS_BODY = {"api_key": "sandbox-key", "to": ALICE, "from": "Crier", "text": "Hello"}


def break_path(
    sandbox: SandboxProcess, path: str, fault: str, vendor: str = "messagewhiz", **more: Any
) -> None:
    sandbox.dial(vendor=vendor, faults=[{"path": path, "fault": fault, **more}])


@pytest.mark.parametrize(
    ("fault", "status"), [("throttled", 429), ("server_error", 500), ("unavailable", 503)]
)
def test_refusals_carry_nothing_out(sandbox: SandboxProcess, fault: str, status: int) -> None:
    break_path(sandbox, "sms", fault)
    response = sms(sandbox)
    assert response.status_code == response.json()["statusCode"] == status
    assert response.headers.get("retry-after") == ("1" if fault == "throttled" else None)
    assert sandbox.stats()["accepted"] == 0
    assert sandbox.stats()["answers"] == {"messagewhiz": {str(status): 1}}


@pytest.mark.parametrize(("fault", "accepted"), [("cut_before", 0), ("cut_after", 1)])
def test_a_line_is_cut_before_or_after(sandbox: SandboxProcess, fault: str, accepted: int) -> None:
    break_path(sandbox, "sms", fault)
    assert raw_post(sandbox.url, "/messagewhiz/sms", SMS_BODY) == b""
    stats = sandbox.stats()
    assert (stats["accepted"], stats["answers"]) == (accepted, {"messagewhiz": {"cut": 1}})


def test_a_page_comes_for_what_was_carried_out(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "sms", "html")
    response = sms(sandbox)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert sandbox.stats()["accepted"] == 1


def test_half_a_body_comes_for_what_was_carried_out(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "sms", "truncated")
    response = sms(sandbox)
    assert (response.status_code, response.text) == (200, '{"message_id": "' + response.text[16:])
    with pytest.raises(ValueError, match="Unterminated string"):
        response.json()
    assert sandbox.stats()["accepted"] == 1


def test_hang_carries_nothing_out(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "sms", "hang")
    with open_line(sandbox.url, "/messagewhiz/sms", SMS_BODY) as line:
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        sandbox.dial(vendor="messagewhiz", latency_ms=0)
        with pytest.raises(TimeoutError):
            line.recv(1)
        sandbox.dial(vendor="messagewhiz", faults=[])
        line.settimeout(10)
        assert read_to_end(line) == b""
    assert sandbox.stats()["accepted"] == 0


def test_hang_ends_when_the_caller_goes_away(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "sms", "hang")
    with pytest.raises(httpx.ReadTimeout):
        sandbox.request("POST", "/messagewhiz/sms", SMS_BODY, timeout=0.2)
    eventually(lambda: sandbox.stats()["answers"] == {"messagewhiz": {"cut": 1}})


def test_it_heals_after_its_times(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "sms", "unavailable", times=2)
    assert [sms(sandbox).status_code for _ in range(2)] == [503, 503]
    assert sandbox.control("GET", "dial")["messagewhiz"]["faults"] == []
    assert sms(sandbox).status_code == 200


def test_what_is_left_is_shown(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "/SMS", "unavailable", times=3, method="post")
    sms(sandbox)
    assert sandbox.control("GET", "dial")["messagewhiz"]["faults"] == [
        {"path": "/SMS", "fault": "unavailable", "method": "POST", "times": 2}
    ]


def test_the_first_that_matches_has_its_way(sandbox: SandboxProcess) -> None:
    faults = [
        {"path": "sms", "fault": "unavailable", "times": 1},
        {"path": "", "fault": "server_error", "times": 1},
    ]
    sandbox.dial(vendor="messagewhiz", faults=faults)
    assert [sms(sandbox).status_code for _ in range(3)] == [503, 500, 200]


def test_other_vendors_and_paths_are_spared(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "api/v1.0/webHooks", "server_error", vendor="bulkvs", method="PUT")
    assert bulkvs(sandbox, "PUT", "webHooks", {"Webhook": "A", "Url": "http://127.0.0.1/"}).status_code == 500
    assert bulkvs(sandbox, "GET", "webHooks").json() == []
    assert message_send(sandbox).status_code == 200
    assert sms(sandbox).status_code == 200


def test_what_was_carried_out_stays(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "api/v1.0/webHooks", "html", vendor="bulkvs", times=1)
    put_webhook(sandbox, "http://127.0.0.1/", name="Shop")
    assert [row["Webhook"] for row in bulkvs(sandbox, "GET", "webHooks").json()] == ["Shop"]


def test_reset_heals(sandbox: SandboxProcess) -> None:
    break_path(sandbox, "", "unavailable")
    sandbox.reset()
    assert sms(sandbox).status_code == 200


@pytest.mark.parametrize(
    ("pattern", "method", "path", "strikes"),
    [
        ("api/3/link", "", "api/3/link", True),
        ("api/3/link", "", "api/3/Link/7", True),
        ("/api/3/link/", "", "api/3/link/7/", True),
        ("api/3/link", "", "api/3/LinkList", False),
        ("api/3/link*", "", "api/3/LinkList", True),
        ("*/links", "", "api/3/LinkList/7/links", True),
        ("*/links", "", "api/3/LinkList/7/links/bulk", False),
        ("", "", "anything", True),
        ("sms", "GET", "sms", False),
        ("sms", "POST", "sms", True),
        ("api/3/link/[0-9]", "", "api/3/link/7", True),
    ],
)
def test_paths_are_whole_steps_or_patterns(pattern: str, method: str, path: str, strikes: bool) -> None:
    assert Fault(pattern, FaultKind.HTML, method).matches("POST", path) is strikes


def test_an_answer_that_is_cut_anyway_stays_cut() -> None:
    assert spoil(CUT, FaultKind.HTML) is CUT
    assert spoil(json_answer(404, {"a": 1}), FaultKind.TRUNCATED).status == 404


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ("sms", "faults 'sms' is not a list of up to 100 faults; send [] for none."),
        ([{}] * 101, "is not a list of up to 100 faults"),
        (["sms"], "faults[0] 'sms' is not an object; write it like"),
        ([{"path": "sms", "fault": "html"}, {"fault": "html"}], "faults[1].path 'None' is not a text"),
        ([{"path": "x" * 501, "fault": "html"}], "is not a text of up to 500 characters"),
        ([{"path": "sms", "fault": "lost"}], "faults[0].fault 'lost' is not known; use one of throttled, "),
        ([{"path": "sms"}], "faults[0].fault 'None' is not known"),
        ([{"path": "sms", "fault": "html", "method": 5}], "faults[0].method '5' is not an HTTP method"),
        (
            [{"path": "sms", "fault": "html", "times": 0}],
            "faults[0].times '0' is not a whole number from 1 to",
        ),
        ([{"path": "sms", "fault": "html", "times": True}], "faults[0].times 'True' is not a whole"),
        (
            [{"path": "sms", "fault": "html", "when": 1}],
            "faults[0].when is not known; a fault has path, fault,",
        ),
    ],
)
def test_a_wrong_setting_is_named(sandbox: SandboxProcess, faults: Any, sentence: str) -> None:
    response = sandbox.request("POST", "/_sandbox/dial", {"faults": faults})
    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert sandbox.control("GET", "dial")["messagewhiz"]["faults"] == []
