"""How what messaging and contacts have becomes a neutral payload, and back: for providers that have the like.

Registered when the apps are ready; see providers/sync. People's lists are here and not in contacts, which does not know
providers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.models import Workspace
from contacts.errors import ContactsError
from contacts.models import OptOutHow, RecipientList, UnsubscribeList
from contacts.services.lists import Person, add_recipients, create_list, rename_list, set_list_enabled
from contacts.services.opt_outs import add_members, create_unsubscribe_list, update_unsubscribe_list
from messaging.errors import MessagingError
from messaging.links.links import (
    change_link,
    change_link_list,
    create_link,
    create_link_list,
    set_link_enabled,
    set_link_list_enabled,
)
from messaging.models import Link, LinkList, Sender, SenderList, Template, WordSpinner
from messaging.sender_lists import create_sender_list, set_sender_list_enabled, update_sender_list
from messaging.senders import allow_accounts, create_sender, set_sender_enabled
from messaging.texts.spinners import change_spinner, create_spinner, set_spinner_enabled
from messaging.texts.templates import change_template, create_template, set_template_enabled
from providers.models import ProviderAccount
from providers.sync.payloads import (
    UNTOLD,
    LinkListPayload,
    LinkPayload,
    Payload,
    PeoplePayload,
    PersonRow,
    SenderListPayload,
    SenderPayload,
    SpinnerPayload,
    TemplatePayload,
)
from providers.sync.registry import Entity, LocalRow, SyncRefusedError, register

# Numbers of a pulled list are written so many at a time.
NUMBERS_AT_ONCE = 2000
# A larger list is imported from a file.
MOST_PULLED = 100_000

Row = TypeVar("Row", bound=Model)
P = TypeVar("P", bound=Payload)


class _Rows(Entity, Generic[Row, P]):
    """Of one model whose rows belong to a workspace."""

    model: ClassVar[type[Model]]

    def payload(self, row: Any) -> P:
        raise NotImplementedError

    def queryset(self, workspace: Workspace) -> QuerySet[Any]:
        return self.model._default_manager.filter(workspace=workspace).order_by("pk")

    def rows(self, workspace: Workspace) -> list[LocalRow]:
        return [LocalRow(row.pk, self.payload(row)) for row in self.queryset(workspace)]

    def row(self, workspace: Workspace, local_id: int) -> LocalRow | None:
        row = self.queryset(workspace).filter(pk=local_id).first()
        return LocalRow(row.pk, self.payload(row)) if row is not None else None

    def get(self, workspace: Workspace, local_id: int) -> Any:
        row = self.queryset(workspace).filter(pk=local_id).first()
        if row is None:
            raise SyncRefusedError(_("It is not here any more."))
        return row


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (MessagingError, ContactsError) as error:
        raise SyncRefusedError(str(error.sentence)) from None


class _Senders(_Rows[Sender, SenderPayload]):
    name, label, model = "sender", gettext_lazy("Senders"), Sender
    subject = "sender"

    def payload(self, row: Sender) -> SenderPayload:
        return SenderPayload(name=row.value, enabled=row.enabled)

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        with _in_words():
            made = create_sender(workspace=workspace, actor=actor, value=payload.name)
            if not payload.enabled:
                set_sender_enabled(sender=made, enabled=False, actor=actor)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        sender = self.get(workspace, local_id)
        if sender.value != payload.name:
            raise SyncRefusedError(
                _("A sender is not renamed: unlink %(ours)s, and pull %(theirs)s as a sender of its own.")
                % {"ours": sender.value, "theirs": payload.name}
            )
        with _in_words():
            set_sender_enabled(sender=sender, enabled=payload.enabled, actor=actor)

    def bind(self, workspace: Workspace, local_id: int, account: ProviderAccount, actor: Actor) -> None:
        """As those that are found by asking: the account that it came from alone may use it at first."""
        with _in_words():
            allow_accounts(sender=self.get(workspace, local_id), actor=actor, accounts=[account])


class _SenderLists(_Rows[SenderList, SenderListPayload]):
    name, label, model = "sender_list", gettext_lazy("Sender lists"), SenderList
    subject = "senderlist"
    after = ("sender",)

    def payload(self, row: SenderList) -> SenderListPayload:
        values = row.senders.values_list("value", flat=True)
        return SenderListPayload(name=row.name, enabled=row.enabled, senders=frozenset(values))

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, SenderListPayload)
        with _in_words():
            made = create_sender_list(
                workspace=workspace, actor=actor, name=payload.name, senders=_senders(workspace, payload)
            )
            if not payload.enabled:
                set_sender_list_enabled(sender_list=made, enabled=False, actor=actor)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        assert isinstance(payload, SenderListPayload)
        with _in_words():
            update_sender_list(
                sender_list=self.get(workspace, local_id),
                actor=actor,
                name=payload.name,
                senders=_senders(workspace, payload),
                enabled=payload.enabled,
            )


def _senders(workspace: Workspace, payload: SenderListPayload) -> list[Sender]:
    known = {sender.value: sender for sender in Sender.objects.filter(workspace=workspace)}
    missing = sorted(payload.senders - known.keys())
    if missing:
        raise SyncRefusedError(
            _("The sender %(sender)s is not here yet: pull it first.") % {"sender": missing[0]}
        )
    return [known[value] for value in sorted(payload.senders)]


class _Links(_Rows[Link, LinkPayload]):
    name, label, model = "link", gettext_lazy("Links"), Link
    subject = "link"

    def payload(self, row: Link) -> LinkPayload:
        return LinkPayload(
            name=row.name,
            enabled=row.enabled,
            url=row.url,
            bot_redirect=row.bot_redirect,
            preview_url=row.preview_url,
        )

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        with _in_words():
            made = create_link(workspace=workspace, actor=actor, **_link_fields(payload))
            if not payload.enabled:
                set_link_enabled(link=made, enabled=False, actor=actor)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        link = self.get(workspace, local_id)
        with _in_words():
            change_link(link=link, actor=actor, **_link_fields(payload))
            set_link_enabled(link=link, enabled=payload.enabled, actor=actor)


def _link_fields(payload: Payload) -> dict[str, Any]:
    assert isinstance(payload, LinkPayload)
    fields = {
        "name": payload.name,
        "url": payload.url,
        "bot_redirect": payload.bot_redirect,
        "preview_url": payload.preview_url,
    }
    return {name: value for name, value in fields.items() if value is not UNTOLD}


class _LinkLists(_Rows[LinkList, LinkListPayload]):
    name, label, model = "link_list", gettext_lazy("Link lists"), LinkList
    subject = "linklist"
    after = ("link",)

    def payload(self, row: LinkList) -> LinkListPayload:
        urls = row.links.values_list("url", flat=True)
        return LinkListPayload(name=row.name, enabled=row.enabled, urls=frozenset(urls))

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, LinkListPayload)
        with _in_words():
            links = _links(workspace, payload)
            made = create_link_list(workspace=workspace, actor=actor, name=payload.name, links=links)
            if not payload.enabled:
                set_link_list_enabled(link_list=made, enabled=False, actor=actor)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        assert isinstance(payload, LinkListPayload)
        link_list = self.get(workspace, local_id)
        with _in_words():
            links = _links(workspace, payload)
            change_link_list(link_list=link_list, actor=actor, name=payload.name, links=links)
            set_link_list_enabled(link_list=link_list, enabled=payload.enabled, actor=actor)


def _links(workspace: Workspace, payload: LinkListPayload) -> list[Link]:
    """Of several links to one address the oldest."""
    known: dict[str, Link] = {}
    for link in Link.objects.filter(workspace=workspace, url__in=payload.urls).order_by("pk"):
        known.setdefault(link.url, link)
    missing = sorted(payload.urls - known.keys())
    if missing:
        raise SyncRefusedError(_("No link leads to %(url)s yet: pull it first.") % {"url": missing[0]})
    return [known[url] for url in sorted(payload.urls)]


class _Spinners(_Rows[WordSpinner, SpinnerPayload]):
    name, label, model = "word_spinner", gettext_lazy("Word spinners"), WordSpinner
    subject = "wordspinner"

    def payload(self, row: WordSpinner) -> SpinnerPayload:
        return SpinnerPayload(
            name=row.name, enabled=row.enabled, words=frozenset(word for word, _weight in row.words)
        )

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, SpinnerPayload)
        words = [(word, 1) for word in sorted(payload.words)]
        with _in_words():
            made, _merged = create_spinner(workspace=workspace, actor=actor, name=payload.name, words=words)
            if not payload.enabled:
                set_spinner_enabled(spinner=made, actor=actor, enabled=False)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        """Words that were here keep their weights."""
        assert isinstance(payload, SpinnerPayload)
        spinner = self.get(workspace, local_id)
        weights = dict(spinner.words)
        words = [(word, weights.get(word, 1)) for word in sorted(payload.words)]
        with _in_words():
            change_spinner(spinner=spinner, actor=actor, name=payload.name, words=words)
            set_spinner_enabled(spinner=spinner, actor=actor, enabled=payload.enabled)


class _Templates(_Rows[Template, TemplatePayload]):
    name, label, model = "template", gettext_lazy("Templates"), Template
    subject = "template"
    after = ("link", "link_list", "word_spinner")

    def payload(self, row: Template) -> TemplatePayload:
        return TemplatePayload(name=row.name, enabled=row.enabled, body=row.text)

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, TemplatePayload)
        with _in_words():
            made = create_template(workspace=workspace, actor=actor, name=payload.name, text=payload.body)
            if not payload.enabled:
                set_template_enabled(template=made, actor=actor, enabled=False)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        assert isinstance(payload, TemplatePayload)
        template = self.get(workspace, local_id)
        with _in_words():
            change_template(template=template, actor=actor, name=payload.name, text=payload.body)
            set_template_enabled(template=template, actor=actor, enabled=payload.enabled)


class _RecipientLists(_Rows[RecipientList, PeoplePayload]):
    """Lists of people themselves; a live list is what its filter finds, and stays here. People come and go by thousands:
    they are pushed by hand."""

    name, label, model = "recipient_list", gettext_lazy("Recipient lists"), RecipientList

    def queryset(self, workspace: Workspace) -> QuerySet[Any]:
        return super().queryset(workspace).filter(source=None)

    def payload(self, row: RecipientList) -> PeoplePayload:
        numbers = row.recipients.order_by("pk").values_list("msisdn", flat=True)
        return PeoplePayload(
            name=row.name,
            enabled=row.enabled,
            count=row.recipient_count,
            version=row.updated_at.isoformat(),
            numbers=partial(_numbers, numbers),
            people=partial(_people_behind, row),
        )

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, PeoplePayload)
        with _in_words():
            made = create_list(workspace=workspace, actor=actor, name=payload.name)
            self._add(made, payload, actor)
            if not payload.enabled:
                set_list_enabled(recipient_list=made, actor=actor, enabled=False)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        """Who is there and not here is added; nobody is removed."""
        assert isinstance(payload, PeoplePayload)
        mine = self.get(workspace, local_id)
        with _in_words():
            if mine.name != payload.name:
                rename_list(recipient_list=mine, actor=actor, name=payload.name)
            self._add(mine, payload, actor)
            set_list_enabled(recipient_list=mine, actor=actor, enabled=payload.enabled)

    @staticmethod
    def _add(mine: RecipientList, payload: PeoplePayload, actor: Actor) -> None:
        for numbers in _pulled(payload):
            people = [Person(f"+{number}") for number in numbers]
            add_recipients(recipient_list=mine, people=people, actor=actor)


class _UnsubscribeLists(_Rows[UnsubscribeList, PeoplePayload]):
    """Only ever added to, here as there; pushed by hand."""

    name, label, model = "unsubscribe_list", gettext_lazy("Unsubscribe lists"), UnsubscribeList

    def payload(self, row: UnsubscribeList) -> PeoplePayload:
        numbers = row.members.order_by("pk").values_list("msisdn", flat=True)
        return PeoplePayload(
            name=row.name,
            enabled=row.enabled,
            count=row.member_count,
            version=row.updated_at.isoformat(),
            numbers=partial(_numbers, numbers),
        )

    def create(self, workspace: Workspace, payload: Payload, actor: Actor) -> int:
        assert isinstance(payload, PeoplePayload)
        with _in_words():
            made = create_unsubscribe_list(workspace=workspace, actor=actor, name=payload.name)
            self._add(made, payload, actor)
            if not payload.enabled:
                update_unsubscribe_list(unsubscribe_list=made, actor=actor, enabled=False)
        return made.pk

    def change(self, workspace: Workspace, local_id: int, payload: Payload, actor: Actor) -> None:
        assert isinstance(payload, PeoplePayload)
        mine = self.get(workspace, local_id)
        with _in_words():
            update_unsubscribe_list(
                unsubscribe_list=mine, actor=actor, name=payload.name, enabled=payload.enabled
            )
            self._add(mine, payload, actor)

    @staticmethod
    def _add(mine: UnsubscribeList, payload: PeoplePayload, actor: Actor) -> None:
        for numbers in _pulled(payload):
            add_members(unsubscribe_list=mine, actor=actor, msisdns=numbers, how=OptOutHow.VENDOR)


def _numbers(rows: QuerySet[Any]) -> Iterator[str]:
    return rows.iterator(chunk_size=NUMBERS_AT_ONCE)


def _people_behind(recipient_list: RecipientList, mark: int, most: int) -> list[PersonRow]:
    rows = recipient_list.recipients.filter(pk__gt=mark).order_by("pk")
    fields = rows.values_list("pk", "msisdn", "first_name", "last_name", "email")
    return [PersonRow(*row) for row in fields[:most]]


def _pulled(payload: PeoplePayload) -> Iterator[list[str]]:
    if payload.count > MOST_PULLED:
        raise SyncRefusedError(
            _("It has %(count)s numbers, more than %(most)s: download it there, and import the file here.")
            % {"count": f"{payload.count:,}", "most": f"{MOST_PULLED:,}"}
        )
    numbers = payload.numbers() if payload.numbers else iter(())
    while some := list(islice(numbers, NUMBERS_AT_ONCE)):
        yield some


ENTITIES: tuple[_Rows[Any, Any], ...] = (
    _Senders(),
    _SenderLists(),
    _Links(),
    _LinkLists(),
    _Spinners(),
    _Templates(),
    _RecipientLists(),
    _UnsubscribeLists(),
)


def register_entities() -> None:
    for entity in ENTITIES:
        register(entity)
