"""What contacts asks before it undoes an import."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from messaging.models import Message


def was_anybody_texted(workspace_id: int, rows: QuerySet[Any], since: datetime) -> bool:
    """A row of the ledger is enough: what is queued will be sent. By number, for which there is an index: whoever was
    moved, copied or removed since has it still. Ends at the first one."""
    messages = Message.objects.filter(
        workspace_id=workspace_id, msisdn=OuterRef("msisdn"), created_at__gte=since
    )
    return rows.filter(Exists(messages)).exists()
