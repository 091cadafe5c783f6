"""What a link or a link list stands in: lists, templates, drafts and broadcasts."""

from __future__ import annotations

from dataclasses import dataclass, field

from messaging.models import Link, LinkList
from messaging.texts.users import SHOWN, TextUser, users_of_token
from messaging.tokens import LINK, LINK_LIST


@dataclass(frozen=True, slots=True)
class Users:
    """`open`: texts that can still go out; `sent`: those launched with it. The newest of each."""

    lists: list[TextUser] = field(default_factory=list)
    open: list[TextUser] = field(default_factory=list)
    sent: list[TextUser] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        return bool(self.lists or self.open or self.sent)

    @property
    def all(self) -> list[TextUser]:
        return [*self.lists, *self.open, *self.sent]


def link_users(link: Link) -> Users:
    lists = LinkList.objects.filter(entries__link=link).order_by("-pk")[:SHOWN]
    return Users(
        [_list_user(link_list) for link_list in lists],
        users_of_token(link.workspace_id, LINK, link.pk, is_open=True),
        users_of_token(link.workspace_id, LINK, link.pk, is_open=False),
    )


def link_list_users(link_list: LinkList) -> Users:
    return Users(
        open=users_of_token(link_list.workspace_id, LINK_LIST, link_list.pk, is_open=True),
        sent=users_of_token(link_list.workspace_id, LINK_LIST, link_list.pk, is_open=False),
    )


def _list_user(link_list: LinkList) -> TextUser:
    state = "enabled" if link_list.enabled else "disabled"
    return TextUser("link_list", link_list.pk, link_list.name, state, "link-list-detail", "", True)
