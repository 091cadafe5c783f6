"""Settings of accounts and the clock, at the control door."""

from typing import Any

import pytest

from tests.providers.sandbox.support import APIKEY, SUBSCRIPTION, settings
from tests.sandbox_process import SandboxProcess

FIRST_SETTINGS: dict[str, dict[str, Any]] = {
    "messagewhiz": {
        "vendor": "messagewhiz",
        "account": "sandbox-key",
        "webhook": "",
        "t1": 5,
        "t2": None,
        "click_webhook": "",
    },
    "mx2": {"vendor": "mx2", "account": APIKEY, "webhook": "", "optouts": []},
    "mobiz": {
        "vendor": "mobiz",
        "account": "sandbox-key",
        "number_column": "A",
        "text_column": "E",
        "engagements": {},
        "lists": {},
        "scheduled": [],
    },
    "ogangi": {
        "vendor": "ogangi",
        "account": "sandbox-public",
        "shortcodes": ["12015550100", "12015550101"],
        "messages_per_second": 1000,
        "timezone": "UTC",
        "digest": "hex",
        "signed": "decoded",
    },
}
CHANGES: dict[str, dict[str, Any]] = {
    "messagewhiz": {
        "webhook": "https://example.com/dlr",
        "t1": 6,
        "t2": 60,
        "click_webhook": "https://example.com/click",
    },
    "mx2": {"webhook": "https://example.com/hook", "optouts": ["2015550123"]},
    "mobiz": {"number_column": "B", "text_column": "C"},
    "ogangi": {
        "shortcodes": ["434"],
        "messages_per_second": 0.5,
        "timezone": "America/Caracas",
        "digest": "base64url",
        "signed": "encoded",
    },
}
OTHERS = {
    "messagewhiz": "sandbox-key-2",
    "mx2": "5A4DB0C5-0000-4000-8000-0000000000AB",
    "mobiz": "sandbox-key-2",
    "ogangi": "sandbox-public-2",
}


@pytest.mark.parametrize("vendor", FIRST_SETTINGS)
def test_settings_are_shown_and_changed_by_account(sandbox: SandboxProcess, vendor: str) -> None:
    first, changes = FIRST_SETTINGS[vendor], CHANGES[vendor]
    assert sandbox.control("GET", f"settings?vendor={vendor}") == first
    other = settings(sandbox, vendor, account=OTHERS[vendor], **changes)
    assert other == first | changes | {"account": OTHERS[vendor]}
    assert sandbox.control("GET", f"settings?vendor={vendor}&account={OTHERS[vendor]}") == other
    assert sandbox.control("GET", f"settings?vendor={vendor}") == first
    sandbox.control("POST", "reset", {"accounts": True})
    emptied = sandbox.control("GET", f"settings?vendor={vendor}&account={OTHERS[vendor]}")
    assert emptied == first | {"account": OTHERS[vendor]}


def test_one_setting_leaves_the_others(sandbox: SandboxProcess) -> None:
    settings(sandbox, "mobiz", number_column="B")
    assert settings(sandbox, "mobiz", text_column="C")["number_column"] == "B"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "vendor None has no settings; use messagewhiz or mx2 or mobiz or ogangi."),
        ({"vendor": "bulkvs"}, "vendor 'bulkvs' has no settings"),
        ({"vendor": "messagewhiz", "account": "wrong"}, "account 'wrong' is not an API key of the sandbox"),
        (
            {"vendor": "messagewhiz", "webhook": "nowhere"},
            "webhook 'nowhere' is not an http or https address",
        ),
        (
            {"vendor": "messagewhiz", "click_webhook": "x"},
            "click_webhook 'x' is not an http or https address",
        ),
        ({"vendor": "messagewhiz", "t1": None}, "t1 None is not a whole number of minutes from 5 to 10080"),
        ({"vendor": "messagewhiz", "t1": 3}, "t1 3 is not a whole number of minutes from 5 to"),
        ({"vendor": "messagewhiz", "t2": "9"}, "t2 '9' is not a whole number"),
        ({"vendor": "messagewhiz", "colour": 1}, "'colour' is no setting of MessageWhiz"),
        ({"vendor": "mx2", "account": "sandbox"}, "account 'sandbox' is not an apikey of the sandbox"),
        ({"vendor": "mobiz", "account": "alice"}, "account 'alice' is not an api_key of the sandbox"),
        ({"vendor": "ogangi", "account": "alice"}, "account 'alice' is not a publicKey of the sandbox"),
        ({"vendor": "mx2", "webhook": "nowhere"}, "webhook 'nowhere' is not an http or https address"),
        ({"vendor": "mx2", "webhook": None}, "webhook None is not"),
        ({"vendor": "mx2", "optouts": "2015550123"}, "optouts '2015550123' is not a list of cells"),
        ({"vendor": "mx2", "optouts": ["12015550123"]}, "is not a list of cells"),
        ({"vendor": "mx2", "colour": 1}, "'colour' is no setting of Mx2"),
        ({"vendor": "mobiz", "text_column": ""}, "text_column '' is not the name of a column"),
        ({"vendor": "mobiz", "engagements": []}, "engagements [] does not map"),
        ({"vendor": "mobiz", "engagements": {"7": "A"}}, "names list '7' and column 'A'"),
        ({"vendor": "mobiz", "lists": {}}, "'lists' is no setting of Mobiz"),
        ({"vendor": "ogangi", "shortcodes": []}, "shortcodes [] is not a list of codes"),
        ({"vendor": "ogangi", "shortcodes": ["Crier"]}, "shortcodes ['Crier'] is not a list of codes"),
        ({"vendor": "ogangi", "messages_per_second": 0}, "messages_per_second 0 is not a pace"),
        ({"vendor": "ogangi", "messages_per_second": True}, "messages_per_second True is not a pace"),
        ({"vendor": "ogangi", "timezone": "Mars"}, "timezone 'Mars' is not a time zone"),
        ({"vendor": "ogangi", "timezone": "../UTC"}, "timezone '../UTC' is not a time zone"),
        ({"vendor": "ogangi", "digest": "md5"}, "digest 'md5' is not known; use hex or base64url."),
        ({"vendor": "ogangi", "signed": ["decoded"]}, "signed ['decoded'] is not known"),
        ({"vendor": "ogangi", "colour": 1}, "'colour' is no setting of Ogangi"),
    ],
)
def test_settings_reject(sandbox: SandboxProcess, body: dict[str, Any], part: str) -> None:
    response = sandbox.request("POST", "/_sandbox/settings", body)
    assert (response.status_code, part in response.json()["error"]) == (400, True), response.text


@pytest.mark.parametrize(
    ("vendor", "changes"),
    [
        ("messagewhiz", {"webhook": "https://example.com", "t1": 4}),
        ("mx2", {"webhook": "https://example.com", "optouts": 5}),
        ("mobiz", {"text_column": "B", "number_column": 5}),
        ("ogangi", {"digest": "base64url", "signed": "twice"}),
    ],
)
def test_one_bad_setting_changes_nothing(
    sandbox: SandboxProcess, vendor: str, changes: dict[str, Any]
) -> None:
    assert sandbox.request("POST", "/_sandbox/settings", {"vendor": vendor} | changes).status_code == 400
    assert sandbox.control("GET", f"settings?vendor={vendor}") == FIRST_SETTINGS[vendor]


@pytest.mark.parametrize("body", [{}, {"advance_ms": -1}, {"advance_ms": "1"}, {"advance_s": 1}, []])
def test_the_clock_rejects(sandbox: SandboxProcess, body: Any) -> None:
    response = sandbox.request("POST", "/_sandbox/clock", body)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_settings_name_what_they_do_not_know(sandbox: SandboxProcess) -> None:
    response = sandbox.request("GET", "/_sandbox/settings?vendor=mx2&key=1")
    assert (response.status_code, response.json()) == (
        400,
        {"error": "'key' is not known here; there are vendor, account."},
    )


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/mobiz/nothing", 2 * 1024 * 1024, 404),
        ("/ogangi/nothing", 2 * 1024 * 1024, 404),
        ("/messagewhiz/api/3/recipientList", 2 * 1024 * 1024, 401),
        ("/messagewhiz/sms", 1024 * 1024 + 1, 413),
        ("/mobiz/nothing", 32 * 1024 * 1024 + 1, 413),
        ("/mx2/api/send", 1024 * 1024 + 1, 413),
    ],
)
def test_large_bodies_go_where_they_belong(
    sandbox: SandboxProcess, path: str, size: int, status: int
) -> None:
    response = sandbox.request("POST", path, content=b" " * size, headers=SUBSCRIPTION)
    assert response.status_code == status
