"""A dispatch whose text has two links and a way out, and hits of its codes."""

from __future__ import annotations

import itertools
from datetime import datetime

from accounts.access import Actor
from accounts.models import Workspace
from messaging.links.keys import link_coder
from messaging.links.links import create_link
from messaging.links.spool import RawHit
from messaging.models import Dispatch, Link, Message
from tests.engine.makers import make_account, make_dispatch

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36"
WHATSAPP = "WhatsApp/2.23.20.0 A"
SALE, SHOP, WAY_OUT = 0, 1, 2
_numbers = itertools.count(1)


def make_link(workspace: Workspace, name: str = "Sale", path: str = "sale", **further: object) -> Link:
    return create_link(
        workspace=workspace, actor=Actor(), name=name, url=f"https://example.com/{path}", **further
    )


def make_linked_dispatch(workspace: Workspace, people: int = 3) -> Dispatch:
    """Entries: SALE, SHOP and WAY_OUT."""
    sale, shop = make_link(workspace), make_link(workspace, "Shop", "shop")
    text = f"{{{{link:{sale.pk}}}}} {{{{link:{shop.pk}}}}} {{{{unsubscription_link}}}}"
    return make_dispatch(workspace, make_account(workspace), people=people, text=text)


def messages_of(dispatch: Dispatch) -> list[Message]:
    return list(Message.objects.filter(dispatch=dispatch).order_by("id"))


def code_of(message: Message, entry: int = SALE) -> str:
    return link_coder().encode(message.pk, entry)


def raw_hit(
    code: str,
    at: datetime,
    *,
    agent: str = IPHONE,
    address: str = "203.0.113.7",
    method: str = "GET",
    is_prefetch: bool = False,
    is_over: bool = False,
) -> RawHit:
    uid = f"{next(_numbers):032x}"
    return RawHit(uid, code, at.timestamp(), method, agent, address, is_prefetch, is_over)
