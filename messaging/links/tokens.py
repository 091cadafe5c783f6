"""How links and link lists are written in a text."""

from __future__ import annotations

from messaging.models import Link, LinkList
from messaging.tokens import LINK, LINK_LIST


def link_token(link: Link) -> str:
    return f"{{{{{LINK}:{link.pk}}}}}"


def link_list_token(link_list: LinkList) -> str:
    return f"{{{{{LINK_LIST}:{link_list.pk}}}}}"
