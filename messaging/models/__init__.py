"""What is sent, and its life."""

from messaging.models.content import Media, Template, WordSpinner
from messaging.models.inbound import InboundText
from messaging.models.ledger import (
    Dispatch,
    DispatchState,
    Message,
    MessageCount,
    MessageMinute,
    ReceiptQuestion,
    Spend,
)
from messaging.models.links import (
    ANY_ENTRY,
    UTM_FIELDS,
    Click,
    ClicksAgain,
    DispatchLink,
    ErasedMessage,
    Hit,
    Link,
    LinkCount,
    LinkKey,
    LinkList,
    LinkListEntry,
    LinkUse,
    OwnUrl,
)
from messaging.models.senders import Sender, SenderChoice, SenderList
from messaging.models.verification import Verification, VerificationState
from messaging.models.webhooks import (
    ReportRound,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookKind,
    WebhookState,
    WebhookStop,
)

__all__ = [
    "ANY_ENTRY",
    "UTM_FIELDS",
    "Click",
    "ClicksAgain",
    "Dispatch",
    "DispatchLink",
    "DispatchState",
    "ErasedMessage",
    "Hit",
    "InboundText",
    "Link",
    "LinkCount",
    "LinkKey",
    "LinkList",
    "LinkListEntry",
    "LinkUse",
    "Media",
    "Message",
    "MessageCount",
    "MessageMinute",
    "OwnUrl",
    "ReceiptQuestion",
    "ReportRound",
    "Sender",
    "SenderChoice",
    "SenderList",
    "Spend",
    "Template",
    "Verification",
    "VerificationState",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookKind",
    "WebhookState",
    "WebhookStop",
    "WordSpinner",
]
