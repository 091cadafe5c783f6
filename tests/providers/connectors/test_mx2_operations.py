"""Mx2 Group: the one operation of document 000."""

from __future__ import annotations

from providers.connectors import mx2
from providers.connectors.mx2 import Submission
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.operation_suite import Case, Documented, OperationSuite
from tests.providers.connectors.scripted import Reply, ScriptedServer

CAMPAIGN = "71349011-E13D-43FC-ADB4-DAE215EA5438"
ADDRESS = "https://example.com?customerid=1234"

DOCUMENTED: list[Documented] = [("POST", "/api/send", "API Endpoint")]

# "Example Request Payload", with the comma that it lacks.
REQUEST = {
    "apikey": SECRET,
    "cguid": CAMPAIGN,
    "cell": "2015550123",
    "fname": "Mike",
    "landingPageUrl": ADDRESS,
}
SUCCESS = {"status": "success", "statusMessage": "", "subscriberId": "xct7jy"}


class TestMx2Operations(OperationSuite):
    slug = "mx2"
    config = {"api_key": SECRET, "campaign_guid": CAMPAIGN}
    base_path = "/mx2"
    documented = DOCUMENTED
    cases = [
        Case(
            "send",
            lambda api: api.send(cell="2015550123", first_name="Mike", landing_page_url=ADDRESS),
            "POST",
            "/api/send",
            REQUEST,
            SUCCESS,
            Submission("xct7jy"),
        ),
        Case(
            "send",
            lambda api: api.send(
                cell="2015550123", first_name="Mary-Ann", campaign_guid="{" + CAMPAIGN.lower() + "}"
            ),
            "POST",
            "/api/send",
            {
                "apikey": SECRET,
                "cguid": "{" + CAMPAIGN.lower() + "}",
                "cell": "2015550123",
                "fname": "Mary-Ann",
            },
            {"status": "SUCCESS", "subscriberId": 12},
            Submission("12"),
            name="another campaign, no landing page",
        ),
        Case(
            "send",
            lambda api: api.send(cell="2015550123", first_name="Mike", landing_page_url=ADDRESS),
            "POST",
            "/api/send",
            REQUEST,
            {"status": "optout", "statusMessage": "", "subscriberId": "xct7jy"},
            Submission("xct7jy", opted_out=True),
            name="to somebody who opted out",
        ),
    ]
    impossible = [
        ("country code", lambda api: api.send(cell="12015550123", first_name="Mike"), "12015550123"),
        ("hyphens", lambda api: api.send(cell="201-555-0123", first_name="Mike"), "201-555-0123"),
        ("no number", lambda api: api.send(cell="", first_name="Mike"), "10 digits"),
        ("other digits", lambda api: api.send(cell="٢٠١٥٥٥٠١٢٣", first_name="Mike"), "10 digits"),
        ("no name", lambda api: api.send(cell="2015550123", first_name=""), "1 to 50 letters"),
        ("a long name", lambda api: api.send(cell="2015550123", first_name="x" * 51), "1 to 50 letters"),
        ("markup for a name", lambda api: api.send(cell="2015550123", first_name="<b>"), "“<b>”"),
        (
            "landing page without scheme",
            lambda api: api.send(cell="2015550123", first_name="Mike", landing_page_url="example.com"),
            "http://",
        ),
        (
            "landing page with a blank",
            lambda api: api.send(
                cell="2015550123", first_name="Mike", landing_page_url="https://example.com/a b"
            ),
            "a b",
        ),
        (
            "a long landing page",
            lambda api: api.send(
                cell="2015550123",
                first_name="Mike",
                landing_page_url="https://example.com/" + "x" * 493,
            ),
            "513",
        ),
        (
            "a campaign that is none",
            lambda api: api.send(cell="2015550123", first_name="Mike", campaign_guid="Spring"),
            "“Spring”",
        ),
    ]

    def test_a_status_that_is_not_documented_is_a_bad_answer(self, vendor, seen, exchanges) -> None:  # type: ignore[no-untyped-def]  # a test's fixtures
        error = self.failure(vendor, self.cases[0], Reply(200, {"status": "parked"}), seen, exchanges)
        assert str(error) == "Mx2 Group's answer does not hold the status success."

    def test_every_documented_error_is_one(self, vendor, seen, exchanges) -> None:  # type: ignore[no-untyped-def]  # a test's fixtures
        """ "StatusMessage Property Possible Values"."""
        for message, reason in {
            "Invalid or missing payload": "refused",
            "Invalid or missing apikey": "bad_credentials",
            "Invalid or missing cguid": "bad_settings",
            "Invalid or missing cell": "refused",
            "landingPageUrl is not a valid URL": "refused",
        }.items():
            reply = Reply(200, {"status": "error", "statusMessage": message, "subscriberId": ""})
            error = self.failure(vendor, self.cases[0], reply, seen, exchanges)
            assert (error.reason, error.words, error.certainly_not_sent) == (reason, message, True)


def test_works_by_itself() -> None:
    with ScriptedServer() as vendor:
        vendor.expect("POST", "/api/send", Reply(200, SUCCESS))
        with mx2.client(api_key="key", campaign_guid=CAMPAIGN, base_url=vendor.url) as api:
            assert api.send(cell="2015550123", first_name="Mike").subscriber_id == "xct7jy"
        vendor.verify()
