"""BulkVS: every operation of document 001."""

from __future__ import annotations

from providers.connectors.bulkvs import SentMessage, SentTo, TenDlcCampaign, Webhook
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.operation_suite import Case, Documented, OperationSuite
from tests.providers.connectors.scripted import Reply

REF_ID = "5a66dee6-ff7a-40ee-8218-5805c074dc01"

DOCUMENTED: list[Documented] = [
    ("POST", "/messageSend", "Send an Outbound SMS or MMS Message"),
    ("GET", "/webHooks", "Get List of your Webhook(s) used for Messaging"),
    ("PUT", "/webHooks", "Create or update a Webhook to use for Messaging"),
    ("DELETE", "/webHooks", "Delete Webhook"),
    ("GET", "/campaigns", "Get List of your registered Messaging Campaigns"),
]

WEBHOOK = {
    "Webhook": "Default",
    "Description": "Web Cluster 1",
    "Url": "https://webhook.example.com/MsgIn",
    "Dlr": True,
    "Method": "POST",
    "Last Modification": "2021-02-16 16:23:35",
}
DEFAULT = Webhook(
    "Default", "Web Cluster 1", "https://webhook.example.com/MsgIn", True, "POST", "2021-02-16 16:23:35"
)
CAMPAIGN = {
    "Tcr": "CW1549",
    "Brand": "Brand 1",
    "Count": "49",
    "Approval": "Y",
    "Activation Date": "2021-02-16 16:23:35",
}


def sent(message_type: str, *numbers: str) -> dict[str, object]:
    return {
        "RefId": REF_ID,
        "From": "12025550100",
        "MessageType": message_type,
        "Fragments": 1,
        "Results": [{"To": number, "Status": "SUCCESS"} for number in numbers],
    }


class TestBulkVsOperations(OperationSuite):
    slug = "bulkvs"
    config = {"username": "api-user", "password": SECRET}
    base_path = "/bulkvs/api/v1.0"
    documented = DOCUMENTED
    cases = [
        Case(
            "send_message",
            lambda portal: portal.send_message(sender="12025550100", to=["12015550123"], text="Hello"),
            "POST",
            "/messageSend",
            {"From": "12025550100", "To": ["12015550123"], "Message": "Hello"},
            sent("SMS", "12015550123"),
            SentMessage(REF_ID, "12025550100", "SMS", 1, (SentTo("12015550123", "SUCCESS"),)),
        ),
        Case(
            "send_message",
            lambda portal: portal.send_message(
                sender="12025550100",
                to=["12015550123", "12015550124"],
                text="",
                media_urls=["https://example.com/file1.png", "https://example.com/file2.jpg"],
            ),
            "POST",
            "/messageSend",
            {
                "From": "12025550100",
                "To": ["12015550123", "12015550124"],
                "Message": "",
                "MediaURLs": ["https://example.com/file1.png", "https://example.com/file2.jpg"],
            },
            sent("MMS", "12015550123", "12015550124"),
            SentMessage(
                REF_ID,
                "12025550100",
                "MMS",
                1,
                (SentTo("12015550123", "SUCCESS"), SentTo("12015550124", "SUCCESS")),
            ),
            name="group MMS",
        ),
        Case(
            "list_webhooks",
            lambda portal: portal.list_webhooks(),
            "GET",
            "/webHooks",
            None,
            [WEBHOOK, {**WEBHOOK, "Webhook": "Other", "Dlr": "0", "Method": None}],
            (
                DEFAULT,
                Webhook(
                    "Other",
                    "Web Cluster 1",
                    "https://webhook.example.com/MsgIn",
                    False,
                    None,
                    "2021-02-16 16:23:35",
                ),
            ),
        ),
        Case(
            "list_webhooks",
            lambda portal: portal.list_webhooks(webhook="Web Hook&1"),
            "GET",
            "/webHooks?Webhook=Web%20Hook%261",
            None,
            [WEBHOOK],
            (DEFAULT,),
            name="by name",
        ),
        Case(
            "put_webhook",
            lambda portal: portal.put_webhook(
                webhook="Webhook1",
                description="Customer A inbound messages",
                url="https://hooks.example.com/webHook",
                dlr=True,
            ),
            "PUT",
            "/webHooks",
            {
                "Webhook": "Webhook1",
                "Description": "Customer A inbound messages",
                "Url": "https://hooks.example.com/webHook",
                "Dlr": True,
                "Method": "POST",
            },
            {
                "Webhook": "Webhook1",
                "Description": "Web Cluster 1",
                "Url": "https://webhook.example.com/MsgIn",
                "Last Modification": "2021-02-16 16:23:35",
            },
            Webhook(
                "Webhook1",
                "Web Cluster 1",
                "https://webhook.example.com/MsgIn",
                None,
                None,
                "2021-02-16 16:23:35",
            ),
        ),
        Case(
            "delete_webhook",
            lambda portal: portal.delete_webhook(webhook="Webhook1"),
            "DELETE",
            "/webHooks?Webhook=Webhook1",
            None,
            {"Status": "Success", "Webhook": "Webhook1"},
            "Webhook1",
        ),
        Case(
            "list_campaigns",
            lambda portal: portal.list_campaigns(tcr="CW1549"),
            "GET",
            "/campaigns?Tcr=CW1549",
            None,
            [CAMPAIGN, {**CAMPAIGN, "Count": 3, "Approval": "N"}],
            (
                TenDlcCampaign("CW1549", "Brand 1", 49, True, "2021-02-16 16:23:35"),
                TenDlcCampaign("CW1549", "Brand 1", 3, False, "2021-02-16 16:23:35"),
            ),
        ),
    ]
    impossible = [
        ("nobody", lambda portal: portal.send_message(sender="12025550100", to=[], text="x"), "no number"),
        (
            "no name",
            lambda portal: portal.put_webhook(
                webhook=" ", description="", url="https://example.com", dlr=True
            ),
            "no name",
        ),
        ("nothing to delete", lambda portal: portal.delete_webhook(webhook=""), "no name"),
    ]

    def test_an_account_without_campaigns_has_none(self, vendor) -> None:  # type: ignore[no-untyped-def]  # a test's fixtures
        vendor.expect("GET", f"{self.base_path}/campaigns", Reply(404, {"Description": "Campaign not found"}))
        with self.client(vendor.url) as portal:
            assert portal.list_campaigns() == ()  # type: ignore[attr-defined]  # of the vendor's own client, or error
