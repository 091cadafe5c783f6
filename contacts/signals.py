"""News that contacts sends up."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class OptedOut:
    """These numbers (digits) of the workspace must not be texted any more, from now on."""

    workspace_id: int
    msisdns: tuple[str, ...]


# kwargs: news: OptedOut. Sent inside the transaction that writes the opt-outs, once for each number; of a file some
# thousand numbers at a time.
opted_out = Signal()
