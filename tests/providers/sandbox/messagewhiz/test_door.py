"""What holds for every operation: the key, the paths' case, errors in the envelope, faults, bounds, keys apart."""

from typing import Any

import httpx
import pytest

from providers.sandbox.callbacks import Callbacks
from providers.sandbox.dials import Dial
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz import records
from providers.sandbox.messagewhiz.door import ROUTES, MessageWhiz, shape_of
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Ids, Link, Sender, Table, Template
from providers.sandbox.state import State
from providers.sandbox.wire import Call
from tests.providers.sandbox.messagewhiz.support import DEFAULT_CAMPAIGN, Whiz
from tests.providers.sandbox.support import ALICE
from tests.sandbox_process import SandboxProcess

# Every operation of the document but POST /sms, as it spells them.
OPERATIONS = [
    *[
        (method, f"/api/3/{path}")
        for path in ("campaign", "sender", "spinner", "link", "template", "trigger")
        for method in ("POST", "GET")
    ],
    *[
        (method, f"/api/3/{path}/7")
        for path in ("campaign", "sender", "spinner")
        for method in ("PUT", "PATCH", "DELETE")
    ],
    *[
        (method, f"/api/3/{path}/7")
        for path in ("link", "template", "trigger")
        for method in ("PUT", "DELETE")
    ],
    ("POST", "/api/3/RecipientList?truncate=true"),
    ("POST", "/api/3/recipientList/numbers"),
    ("POST", "/api/3/recipientList/6/preview"),
    ("GET", "/api/3/RecipientList"),
    ("GET", "/api/3/recipientList/7/recipients"),
    ("GET", "/api/3/recipientList/7/listNumbers"),
    ("GET", "/api/3/recipientList/7/download"),
    ("PUT", "/api/3/recipientList/7/numbers"),
    ("PATCH", "/api/3/RecipientList/7"),
    ("PUT", "/api/3/recipientList/7"),
    ("DELETE", "/api/3/RecipientList/7"),
    ("POST", "/api/3/senderList"),
    ("POST", "/api/3/senderList/7/senders"),
    ("GET", "/api/3/senderList"),
    ("GET", "/api/3/senderList/7/senders"),
    ("PUT", "/api/3/senderList/7"),
    ("PATCH", "/api/3/senderList/7"),
    ("DELETE", "/api/3/senderList/7"),
    ("DELETE", "/api/3/senderList/7/senders?id=7"),
    ("POST", "/api/3/Broadcast/estimate"),
    ("POST", "/api/3/Broadcast/tiny/"),
    ("POST", "/api/3/Broadcast"),
    ("POST", "/api/3/Segments"),
    ("POST", "/api/broadcasts/single?otp=true"),
    ("POST", f"/api/recipients/{ALICE}/verification"),
    ("GET", "/api/3/Broadcast/List"),
    ("POST", "/api/3/Broadcast/combinedsubmit"),
    ("POST", "/api/3/UnsubscribeList?truncate=true"),
    ("POST", "/api/3/unsubscribeList/preview/4"),
    ("POST", "/api/3/unsubscribeList/preview"),
    ("POST", "/api/3/UnsubscribeList/7/members"),
    ("GET", "/api/3/unsubscribeList"),
    ("GET", "/api/3/unsubscribeList/7/members"),
    ("GET", "/api/3/unsubscribeList/7/download"),
    ("PUT", "/api/3/UnsubscribeList/7"),
    ("PATCH", "/api/3/UnsubscribeList/7"),
    ("DELETE", "/api/3/UnsubscribeList/7"),
    ("POST", "/api/3/details/linkConversion"),
    ("POST", "/api/3/LinkList"),
    ("POST", "/api/3/LinkList/7/links"),
    ("POST", "/api/3/LinkList/7/links/bulk"),
    ("GET", "/api/3/LinkList"),
    ("GET", "/api/3/LinkList/7/links"),
    ("PUT", "/api/3/LinkList/7"),
    ("PATCH", "/api/3/LinkList/7"),
    ("DELETE", "/api/3/LinkList/7"),
    ("DELETE", "/api/3/LinkList/7/links?[id]=7"),
    ("POST", "/api/3/DeliveryReport"),
]


def ask(sandbox: SandboxProcess, method: str, path: str, **options: Any) -> httpx.Response:
    return sandbox.request(method, f"/messagewhiz{path}", **options)


def test_the_list_is_the_documents() -> None:
    asked = {(method, shape_of(path.partition("?")[0].strip("/").lower())[0]) for method, path in OPERATIONS}
    assert asked == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_requires_the_key(sandbox: SandboxProcess, method: str, path: str) -> None:
    for headers in ({}, {"apikey": "wrong"}):
        response = ask(sandbox, method, path, headers=headers)
        assert response.status_code == 401
        body = response.json()
        assert isinstance(body.pop("executionTime"), float)
        assert body == {
            "errorCode": 401,
            "errorMessage": "Unauthorized -- API key is missing or invalid",
            "errorType": "Unauthorized",
            "result": None,
        }
    assert ask(sandbox, method, path, headers={"apikey": "sandbox-key-disabled"}).status_code == 403


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_has_its_path_in_any_case(sandbox: SandboxProcess, method: str, path: str) -> None:
    headers = {"apikey": "sandbox-key"}
    shown = [
        ask(sandbox, method, changed, headers=headers, content=b"{").json().get("errorMessage", "")
        for changed in (path.lower(), path.partition("?")[0].upper() + "?" + path.partition("?")[2])
    ]
    assert shown[0].lower() == shown[1].lower()
    assert "cannot" not in shown[0]


@pytest.mark.parametrize(
    ("method", "path"), [row for row in OPERATIONS if row[0] in ("POST", "PUT", "PATCH")]
)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"name": "EditingList",}'])
def test_a_body_that_is_none_is_refused(
    sandbox: SandboxProcess, method: str, path: str, content: bytes
) -> None:
    response = ask(sandbox, method, path, headers={"apikey": "sandbox-key"}, content=content)
    assert (response.status_code, response.json()["errorCode"]) in ((400, 400), (404, 404))


@pytest.mark.parametrize(
    "path",
    ["/api/3/nothing", "/api/3", "/api/2/campaign", "/api/3/campaign/seven", "/api/3/campaign/" + "9" * 30],
)
def test_an_unknown_path_is_not_found(whiz: Whiz, path: str) -> None:
    response = ask(whiz.sandbox, "GET", path, headers={"apikey": "sandbox-key"})
    assert (response.status_code, response.json()["errorType"]) == (404, "NotFound")


def test_a_row_may_have_the_number_of_the_version() -> None:
    assert shape_of("api/3/campaign/3") == ("api/3/campaign/{}", ("3",))


def test_a_disabled_user_sends_no_fast_single(sandbox: SandboxProcess) -> None:
    body = {"api_key": "sandbox-key-disabled", "to": ALICE, "from": "Crier", "text": "Hello"}
    response = ask(sandbox, "POST", "/sms", json=body)
    assert (response.status_code, response.json()) == (403, {"statusCode": 403, "message": "Forbidden"})


# Faults, on an operation of each kind


@pytest.mark.parametrize(
    ("fault", "status", "is_made"),
    [
        ("throttled", 429, False),
        ("server_error", 500, False),
        ("unavailable", 503, False),
        ("cut_before", 0, False),
        ("cut_after", 0, True),
        ("html", 200, True),
        ("truncated", 200, True),
    ],
)
@pytest.mark.parametrize(
    ("path", "body", "listing", "count"),
    [
        ("campaign", {"name": "A"}, "campaign", 1),
        ("recipientList/numbers", {"name": "A", "numbers": [ALICE]}, "recipientList", 0),
        ("Broadcast/tiny", {"recipient": ALICE, "sender": "A", "message_body": "B"}, "Broadcast/List", 0),
    ],
)
def test_faults_strike_and_heal(
    whiz: Whiz, path: str, body: Any, listing: str, count: int, fault: str, status: int, is_made: bool
) -> None:
    rows = [{"path": f"/api/3/{path.upper()}", "method": "POST", "fault": fault, "times": 1}]
    whiz.sandbox.dial(vendor="messagewhiz", faults=rows)
    if status:
        response = whiz.call("POST", path, body)
        assert response.status_code == status
        if status == 200:
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                response.json()
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            whiz.call("POST", path, body)
    assert len(whiz.result("GET", listing)) == count + is_made
    assert whiz.call("POST", path, body).status_code == (409 if is_made and "tiny" not in path else 200)


def test_a_fault_on_reading_and_on_short_urls(whiz: Whiz) -> None:
    trigger = whiz.made("trigger", name="Go")
    whiz.send(whiz.single(ALICE, trigger_id=trigger["id"]))
    faults = [{"path": "api/3/*list", "fault": "html"}, {"path": "t", "fault": "cut_before"}]
    whiz.sandbox.dial(faults=faults)
    assert whiz.call("GET", "Broadcast/List").headers["content-type"].startswith("text/html")
    assert whiz.call("GET", "senderList").headers["content-type"].startswith("text/html")
    with pytest.raises(httpx.RemoteProtocolError):
        whiz.open(trigger["short_url"])
    assert whiz.result("GET", "campaign")[0]["id"] == DEFAULT_CAMPAIGN
    assert whiz.accepted() == {}


def test_hang_carries_nothing_out(whiz: Whiz) -> None:
    whiz.sandbox.dial(faults=[{"path": "api/3/link", "fault": "hang"}])
    with pytest.raises(httpx.ReadTimeout):
        whiz.call("POST", "link", {"name": "A", "url": "https://example.com"}, timeout=0.2)
    whiz.sandbox.dial(faults=[])
    assert whiz.result("GET", "link") == []


# Keys and bounds


def test_keys_are_apart(whiz: Whiz) -> None:
    other = Whiz(whiz.sandbox, "sandbox-key-other")
    list_id = whiz.recipient_list(ALICE)
    sent = whiz.send(whiz.base(list_id))
    assert other.refusal("GET", f"recipientList/{list_id}/recipients")[0] == 404
    assert other.refusal("POST", "Broadcast", other.base(list_id))[0] == 404
    assert other.refusal("POST", "DeliveryReport", {"bid": sent["broadcastID"]})[0] == 404
    assert other.result("GET", "Broadcast/List") == []
    other.recipient_list(ALICE)


def test_reset_keeps_what_was_set_up_unless_told(whiz: Whiz) -> None:
    whiz.recipient_list(ALICE)
    whiz.sandbox.control("POST", "reset")
    assert len(whiz.result("GET", "recipientList")) == 1
    whiz.sandbox.control("POST", "reset", {"accounts": True})
    assert whiz.result("GET", "recipientList") == []


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.sandbox.messagewhiz.door.MOST_ACCOUNTS", 2)
    state = State()
    door = MessageWhiz(state, Dial(), Callbacks(state), Later())
    statuses = [
        door.answer(Call("GET", "api/3/sender", b"", [(b"apikey", f"sandbox-key-{n}".encode())], b"")).status
        for n in (1, 2, 3, 1)
    ]
    assert statuses == [200, 200, 403, 200]


def test_rows_of_a_kind_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_OF_A_KIND", 2)
    table: Table[Template] = Table()
    for number in (1, 2):
        table.add(Template(id=number, name=str(number), body="A"))
    with pytest.raises(Failure) as refused:
        table.add(Template(id=3, name="3", body="A"))
    assert refused.value.status == 403
    links: Table[Link] = Table([Link(id=1, name="A", url="https://example.com")])
    with pytest.raises(Failure):
        links.add_all([Link(id=n, name=str(n), url="https://example.com") for n in (2, 3)])
    assert list(links.rows) == [1]


def test_codes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_CODES", 2)
    account = records.Account("sandbox-key", Ids(), records.Room(10))
    for msisdn in ("1", "2", "1", "3"):
        account.keep_code(msisdn, "1234")
    assert list(account.one_time_codes) == ["1", "3"]


def test_a_table_lists_newest_first() -> None:
    assert [row.id for row in Table([Sender(id=1, name="A"), Sender(id=2, name="B")])] == [2, 1]
