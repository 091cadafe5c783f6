"""A caller of MessageWhiz's API with one key, over real HTTP."""

import json
from typing import Any

import httpx

from tests.providers.sandbox.support import eventually
from tests.sandbox_process import SandboxProcess

CAROL, DAVE = "12015550125", "12015550126"
FIRST_SENDER, TEST_SENDER, CRIER_SENDER, OLD_SENDER = 28938892, 28905672, 28905671, 28905670
DEFAULT_CAMPAIGN = 34641


class Whiz:
    """`result` is what the envelope holds; `refusal` the status and the sentence of an error."""

    def __init__(self, sandbox: SandboxProcess, key: str = "sandbox-key") -> None:
        self.sandbox = sandbox
        self.key = key

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        options.setdefault("headers", {})["apikey"] = self.key
        return self.sandbox.request(method, f"/messagewhiz/api/3/{path}", json, **options)

    def result(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        response = self.call(method, path, json, **options)
        body = response.json()
        assert (response.status_code, body["errorCode"]) == (200, 0), body
        assert (body["errorMessage"], body["errorType"]) == ("", "")
        assert isinstance(body["executionTime"], float)
        return body["result"]

    def refusal(self, method: str, path: str, json: Any = None, **options: Any) -> tuple[int, str]:
        response = self.call(method, path, json, **options)
        body = response.json()
        assert (body["errorCode"], body["result"]) == (response.status_code, None), body
        return response.status_code, body["errorMessage"]

    def form(self, doc: bytes | None, mapping: Any = None, name: str | None = None) -> dict[str, Any]:
        """Options of a request with a file, as the document's --form sends it."""
        if mapping is None:
            mapping = {"0": "phone_number", "1": "first_name"}
        data = {"mapping": mapping if isinstance(mapping, str) else json.dumps(mapping)}
        if name is not None:
            data["name"] = name
        return {"data": data, "files": {"doc": ("people.csv", doc)} if doc is not None else {"x": b""}}

    # What most tests need

    def recipient_list(self, *numbers: str, name: str = "People") -> int:
        found: int = self.result("POST", "recipientList/numbers", {"name": name, "numbers": list(numbers)})[
            "recipient_list_id"
        ]
        return found

    def import_list(self, doc: str, *columns: str, name: str = "People") -> int:
        mapping = {str(index): column for index, column in enumerate(columns)}
        found: int = self.result("POST", "recipientList", **self.form(doc.encode(), mapping, name))[
            "recipient_list_id"
        ]
        return found

    def unsubscribe_list(self, *numbers: str, name: str = "Opted out") -> int:
        found: int = self.result("POST", "unsubscribeList", {"name": name, "numbers": list(numbers)})["id"]
        return found

    def made(self, kind: str, **fields: Any) -> Any:
        return self.result("POST", kind, fields)

    def base(self, list_id: int, body: str = "Hello", **fields: Any) -> dict[str, Any]:
        """The body of a base broadcast."""
        return {
            "name": "Spring",
            "campaign_id": DEFAULT_CAMPAIGN,
            "broadcast_type": 11,
            "unsubscriber_list_ids": "",
            "sender_ids": str(CRIER_SENDER),
            "recipient_list_ids": str(list_id),
            "message_body": body,
        } | fields

    def single(self, recipient: str, body: str = "Hello", **fields: Any) -> dict[str, Any]:
        return {
            "campaign_id": DEFAULT_CAMPAIGN,
            "broadcast_type": 10,
            "sender_id": str(CRIER_SENDER),
            "recipient": recipient,
            "message_body": body,
        } | fields

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        sent: dict[str, Any] = self.result("POST", "Broadcast", body)
        return sent

    def texts(self, msisdn: str) -> list[dict[str, Any]]:
        """On the handset, oldest first."""
        response = self.sandbox.request("GET", f"/_sandbox/handsets/{msisdn}")
        return response.json()["thread"] if response.status_code == 200 else []

    def text(self, msisdn: str) -> str:
        """Of the first text on the handset, once it is there."""
        found: str = eventually(lambda: self.texts(msisdn))[0]["text"]
        return found

    def accepted(self) -> dict[str, int]:
        accepted: dict[str, int] = self.sandbox.control("GET", "accepted?vendor=messagewhiz")
        return accepted

    def open(self, url: str, method: str = "GET", agent: str = "Phone") -> httpx.Response:
        """A short URL, as a browser would, without following."""
        path = url.removeprefix(self.sandbox.url)
        assert path != url, url
        return self.sandbox.request(method, path, headers={"user-agent": agent})
