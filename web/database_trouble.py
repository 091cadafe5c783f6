"""What to tell a person when the database fails: in words that help, without its own, which may hold an address."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

AWAY = _("The database does not answer just now. Nothing was changed; try again in a moment.")
FULL = _("The disk of the database is full. Nothing was changed; make room on it, then try again.")
# SQLite's words, and PostgreSQL's for its own disk (53100).
_IS_FULL = re.compile(r"disk is full|no space left on device|could not extend file", re.IGNORECASE)


def sentence_of(error: BaseException) -> str:
    return str(FULL if is_full(error) else AWAY)


def code_of(error: BaseException) -> str:
    return "disk_full" if is_full(error) else "database_away"


def is_full(error: BaseException) -> bool:
    return bool(_IS_FULL.search(str(error)))
