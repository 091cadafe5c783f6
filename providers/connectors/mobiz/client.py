"""All four operations of document 003, the Mobiz API: two that send, two that keep lists.

- A row is what the engagement's template calls its columns: `A` the number, the others in the template's order. One row
  goes out as an object, several as a list, as in the document's two examples.
- Schedule's table gives the trigger key as `{your_api_key}`, a slip: the trigger key is sent. The form of `send_time` is
  not told: ISO 8601 in UTC.
- "SendBulkMessages" answers "Data Appended": it fills a list, and texts nobody by itself.
- The list calls answer `{status, message}`, where 1 is success and all else is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from providers.connectors.answers import Answer, as_flag, as_number, as_rows, as_text
from providers.connectors.operations import Ask, Operation, VendorClient, operation, wrong_shape
from providers.errors import ConnectorError, RequestRefused

if TYPE_CHECKING:
    from providers.connectors.mobiz.connector import Mobiz

TRIGGER_PATH = "/TriggerMessage/manual/paths/invoke"
LIST_ROWS_MOST = 10_000

Row = Mapping[str, str]
ColumnType = Literal["numeric", "text", "email", "msisdn"]


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """Of one row. `status` is the vendor's word, SUBMITTED or another."""

    message_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """`messages`: one for each row, in their order; none where the vendor accepted them without a word."""

    reference: str
    description: str
    messages: tuple[MessageStatus, ...]


@dataclass(frozen=True, slots=True)
class DataList:
    list_id: str
    message: str


class MobizClient(VendorClient):
    """See the module."""

    connector: Mobiz

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        data = answer.data
        if answer.status == 404 and isinstance(data, dict):
            return self.request_refused(operation, answer, answer.status)
        error = super().refusal(operation, answer)
        if error is None and isinstance(data, dict) and not as_flag(data.get("status", 1)):
            return self.request_refused(operation, answer, answer.status)
        return error

    @operation("POST", TRIGGER_PATH, section="TriggerMessage")
    def trigger(self, ask: Ask, *, rows: Sequence[Row]) -> Accepted:
        """Sends the engagement's text to each row."""
        self._check_rows(rows)
        config = self.connector.config
        query = {"trigger_key": config.trigger_key, "api_key": config.api_key}
        return self._accepted(ask(query=query, json=payload(rows)))

    @operation("POST", "/customers/CustomerList-append", section="SendBulkMessages")
    def append_to_list(self, ask: Ask, *, list_id: str, rows: Sequence[Row]) -> str:
        """Adds up to 10,000 rows to a list and returns what the vendor says to it. Nothing is sent by this."""
        self._check_rows(rows)
        if not list_id.strip():
            raise RequestRefused("list_id is empty: give the id that creating the list answered.")
        if len(rows) > LIST_ROWS_MOST:
            raise RequestRefused(
                f"There are {len(rows):,} rows, and Mobiz takes {LIST_ROWS_MOST:,} a call: split them."
            )
        query = {"api_key": self.connector.config.api_key, "list_id": list_id}
        return as_text(self._done(ask(query=query, json=[dict(row) for row in rows])).get("message"))

    @operation("POST", TRIGGER_PATH, section="Schedule Message")
    def schedule(self, ask: Ask, *, rows: Sequence[Row], send_time: datetime) -> Accepted:
        """As `trigger`, kept by the vendor until `send_time`, which has a zone. The document knows no way back."""
        self._check_rows(rows)
        if send_time.tzinfo is None:
            raise RequestRefused(
                f"send_time {send_time.isoformat()} has no time zone: give one, such as UTC."
            )
        if send_time <= datetime.now(UTC):
            raise RequestRefused(f"send_time {send_time.isoformat()} is over: give a time that is to come.")
        config = self.connector.config
        query = {
            "api_key": config.api_key,
            "trigger_key": config.trigger_key,
            "send_time": send_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return self._accepted(ask(query=query, json=payload(rows)))

    @operation("POST", "/customers/CustomerList-create", section="Creating a Data List")
    def create_list(
        self, ask: Ask, *, name: str, columns: Mapping[str, ColumnType], username: str = ""
    ) -> DataList:
        """`columns`: their types by their names; the number is the one of type msisdn. The account's user by default."""
        config = self.connector.config
        username = username or config.username
        if not name.strip():
            raise RequestRefused("The list has no name: give it one.")
        if not columns:
            raise RequestRefused("The list has no columns: give it one of the type msisdn at least.")
        for column, kind in columns.items():
            if kind not in get_args(ColumnType):
                known = ", ".join(get_args(ColumnType))
                raise RequestRefused(f"The column “{column}” has the type “{kind}”: choose one of {known}.")
        if not username:
            raise RequestRefused("username is empty: give it here, or save it with the account.")
        body = {"Customer List Name": name, "Customer List Definition": dict(columns)}
        data = self._done(ask(query={"api_key": config.api_key, "username": username}, json=body))
        if not as_text(data.get("list_id")):
            raise wrong_shape(self.connector, "a list_id")
        return DataList(as_text(data["list_id"]), as_text(data.get("message")))

    def _check_rows(self, rows: Sequence[Row]) -> None:
        if not rows:
            raise RequestRefused("There are no rows: give one for each person.")
        if not all(rows):
            raise RequestRefused("A row is empty: give each the columns of the template or list.")

    def _accepted(self, answer: Answer) -> Accepted:
        data = answer.data
        statuses = statuses_of(data)
        if statuses is None or as_number(data.get("Result_Code")) != 3:
            raise wrong_shape(self.connector, "the Result_Code 3 and a Message_Status")
        return Accepted(
            as_text(data.get("Reference")), as_text(data.get("Result_Description")), tuple(statuses)
        )

    def _done(self, answer: Answer) -> dict[str, Any]:
        """Raises BadAnswer for what has no status: another one than 1 is refused before."""
        if not isinstance(answer.data, dict) or "status" not in answer.data:
            raise wrong_shape(self.connector, "the status 1")
        return answer.data


def payload(rows: Sequence[Row]) -> dict[str, str] | list[dict[str, str]]:
    """ "Single Payload Example" for one row, "Batch Payload Example" for several."""
    return dict(rows[0]) if len(rows) == 1 else [dict(row) for row in rows]


def statuses_of(data: Any) -> list[MessageStatus] | None:
    """What the answer says of each row; [] where it says nothing, None where it is no such answer."""
    if not isinstance(data, dict):
        return None
    told = data.get("Message_Status") or []
    rows = as_rows([told] if isinstance(told, dict) else told)
    if rows is None:
        return None
    return [MessageStatus(as_text(row.get("Message_Id")), as_text(row.get("Status"))) for row in rows]
