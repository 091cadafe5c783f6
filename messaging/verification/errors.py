"""What is refused for being too much, with when to come back."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from django.utils.functional import Promise

from messaging.errors import MessagingError


class TooMuch(MessagingError):
    """`wait`: seconds after which it may be tried again."""

    def __init__(self, sentence: str | Promise, wait: timedelta, *, code: str) -> None:
        super().__init__(sentence, code=code)
        self.wait = max(ceil(wait.total_seconds()), 1)


class NotNow(MessagingError):
    """The verification's state does not allow it."""

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(sentence, code="not_now")
