"""All five operations of document 001, "Messaging" of the BulkVS portal API v1.0.

- PUT creates a webhook or replaces the one of that name; its answer does not repeat `Dlr` and `Method`.
- A name that is not there is a 404, not an empty list; an account without any campaign is answered so, too.
- `Count` of a campaign is a number written as text. Times are `YYYY-MM-DD HH:MM:SS` without a zone: kept as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from providers.connectors.answers import Answer, as_flag, as_number, as_rows, as_text
from providers.connectors.operations import Ask, Operation, VendorClient, operation, wrong_shape
from providers.errors import ConnectorError, NotFound, RequestRefused


@dataclass(frozen=True, slots=True)
class SentTo:
    """What became of one recipient: `status` is the vendor's word, SUCCESS or another."""

    msisdn: str
    status: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """`message_type` is SMS or MMS; `fragments` None where the answer has none."""

    ref_id: str
    sender: str
    message_type: str
    fragments: int | None
    results: tuple[SentTo, ...]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where inbound messages go, and with `dlr` the delivery receipts. `dlr` and `method` None: not told."""

    name: str
    description: str
    url: str
    dlr: bool | None
    method: str | None
    last_modification: str


@dataclass(frozen=True, slots=True)
class TenDlcCampaign:
    """A registered 10DLC campaign. `numbers`: how many telephone numbers it covers, as far as told."""

    tcr: str
    brand: str
    numbers: int | None
    approved: bool
    activation_date: str


class BulkVsClient(VendorClient):
    """See the module. Numbers are 11 digits, 1NPANXXXXXX."""

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        error = super().refusal(operation, answer)
        # An answer inside a 200 names its own status.
        if isinstance(error, RequestRefused) and answer.status < 400 and isinstance(answer.data, dict):
            return self.request_refused(
                operation, answer, as_number(answer.data.get("Code")) or answer.status
            )
        return error

    @operation("POST", "/messageSend", section="Send an Outbound SMS or MMS Message")
    def send_message(
        self, ask: Ask, *, sender: str, to: Sequence[str], text: str, media_urls: Sequence[str] = ()
    ) -> SentMessage:
        """One number without media is an SMS; media or several numbers make an MMS, several a group in which all
        see each other. `Message` is sent even when it is empty: without it media are lost."""
        if not to:
            raise RequestRefused("To has no number: give one, or several for a group MMS.")
        body: dict[str, Any] = {"From": sender, "To": list(to), "Message": text}
        if media_urls:
            body["MediaURLs"] = list(media_urls)
        data = ask(json=body).data
        results = as_rows(data.get("Results"))
        if not as_text(data.get("RefId")) or results is None:
            raise wrong_shape(self.connector, "a RefId and Results")
        return SentMessage(
            as_text(data.get("RefId")),
            as_text(data.get("From")),
            as_text(data.get("MessageType")),
            as_number(data.get("Fragments")),
            tuple(SentTo(as_text(row.get("To")), as_text(row.get("Status"))) for row in results),
        )

    @operation("GET", "/webHooks", section="Get List of your Webhook(s) used for Messaging")
    def list_webhooks(self, ask: Ask, *, webhook: str = "") -> tuple[Webhook, ...]:
        """All, or the one of this name. Raises NotFound for a name that is not there."""
        rows = as_rows(ask(query={"Webhook": webhook or None}).data)
        if rows is None:
            raise wrong_shape(self.connector, "a list of webhooks")
        return tuple(_webhook(row) for row in rows)

    @operation("PUT", "/webHooks", section="Create or update a Webhook to use for Messaging")
    def put_webhook(
        self,
        ask: Ask,
        *,
        webhook: str,
        description: str,
        url: str,
        dlr: bool,
        method: Literal["POST", "3CX"] = "POST",
    ) -> Webhook:
        """Creates it, or replaces the one of this name."""
        if not webhook.strip():
            raise RequestRefused("The webhook has no name: give it one.")
        body = {"Webhook": webhook, "Description": description, "Url": url, "Dlr": dlr, "Method": method}
        data = ask(json=body).data
        if not isinstance(data, dict) or not as_text(data.get("Webhook")):
            raise wrong_shape(self.connector, "the webhook's name")
        return _webhook(data)

    @operation("DELETE", "/webHooks", section="Delete Webhook")
    def delete_webhook(self, ask: Ask, *, webhook: str) -> str:
        """Its name, as the answer repeats it. Raises NotFound."""
        if not webhook.strip():
            raise RequestRefused("The webhook has no name: name the one to delete.")
        data = ask(query={"Webhook": webhook}).data
        if not isinstance(data, dict) or as_text(data.get("Status")).lower() != "success":
            raise wrong_shape(self.connector, "the status Success")
        return as_text(data.get("Webhook"))

    @operation("GET", "/campaigns", section="Get List of your registered Messaging Campaigns")
    def list_campaigns(self, ask: Ask, *, tcr: str = "") -> tuple[TenDlcCampaign, ...]:
        """All, or the one with this id of The Campaign Registry, for which NotFound is raised where it is not there.
        An account without campaigns has none."""
        try:
            rows = as_rows(ask(query={"Tcr": tcr or None}).data)
        except NotFound:
            if tcr:
                raise
            return ()
        if rows is None:
            raise wrong_shape(self.connector, "a list of campaigns")
        return tuple(_campaign(row) for row in rows)


def _webhook(row: dict[str, Any]) -> Webhook:
    return Webhook(
        as_text(row.get("Webhook")),
        as_text(row.get("Description")),
        as_text(row.get("Url"), 2000),
        as_flag(row.get("Dlr")),
        as_text(row.get("Method")) or None,
        as_text(row.get("Last Modification")),
    )


def _campaign(row: dict[str, Any]) -> TenDlcCampaign:
    return TenDlcCampaign(
        as_text(row.get("Tcr")),
        as_text(row.get("Brand")),
        as_number(row.get("Count")),
        as_text(row.get("Approval")).upper() == "Y",
        as_text(row.get("Activation Date")),
    )
