"""What every page template gets of accounts."""

from typing import Any

from django.http import HttpRequest

from accounts.instance import fence_for_pages


def installation(_request: HttpRequest) -> dict[str, Any]:
    """`fence`: asked only by pages that show it; None where this database may send."""
    return {"fence": fence_for_pages}
