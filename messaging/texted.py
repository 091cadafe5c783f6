"""What contacts asks before it undoes an import."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, QuerySet

from contacts.models import Recipient
from messaging.models import Message


def was_anybody_texted(people: QuerySet[Recipient], since: datetime) -> bool:
    """A row of the ledger is enough: what is queued will be sent. Asked by number, for which there is an index."""
    messages = Message.objects.filter(
        workspace_id=OuterRef("workspace_of_list"),
        msisdn=OuterRef("msisdn"),
        recipient_id=OuterRef("pk"),
        created_at__gte=since,
    )
    return people.annotate(workspace_of_list=F("list__workspace_id")).filter(Exists(messages)).exists()
