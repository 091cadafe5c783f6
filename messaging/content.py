"""A text with its tokens, compiled once and rendered for each recipient: one engine for preview, estimate and sending.

    draft      compile_content(workspace id, text)   tokens stand for what there is now
    launch     pin(dispatch, content)                what they stand for is kept with the dispatch
    sending    content_of(dispatch)                  exactly that again, whatever was edited meanwhile

Before a text is planned it has no message id, so its links show a sample of the same length. All else is drawn by
`seed_of`, which is known by then: the estimate draws what sending draws.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from contacts.models import RecipientList
from messaging.errors import MessagingError
from messaging.links.codes import ENTRIES, Coder
from messaging.links.keys import link_coder
from messaging.links.targets import clean_target, is_target, own_hosts, target_or_empty
from messaging.models import Dispatch, DispatchLink, Link, LinkList, LinkUse, WordSpinner
from messaging.tokens import (
    CALLBACK_LINK,
    FIELD,
    LINK,
    LINK_LIST,
    LINKS,
    NEEDS_OWN_URL,
    OWN_URL,
    RANDOM_SYMBOL,
    SHORTEN_URL,
    UNSUBSCRIPTION_LINK,
    VERIFICATION_CODE,
    WORD_SPINNER,
    CompiledText,
    Lookups,
    Reader,
    TokenError,
    compile_text,
    named,
    referenced,
)
from messaging.webhooks.endpoints import wants
from messaging.webhooks.events import LINK_CLICKED
from sms.parts import swap_smart

# Token kinds that a text to recipients may hold; the others are refused with a sentence, at their place.
AVAILABLE = frozenset(
    {FIELD, RANDOM_SYMBOL, WORD_SPINNER, LINK, LINK_LIST, SHORTEN_URL, UNSUBSCRIPTION_LINK, CALLBACK_LINK}
)
SENT = AVAILABLE | {VERIFICATION_CODE}
# Wrong tokens that are told one by one; a text of nothing but braces has tens of thousands.
ERRORS_SHOWN = 20
# As long as every code. No message has it: nobody who types it off a preview comes to anybody's link.
SAMPLE_CODE = "zzzzzzzz"
# Stands before the code of the page that takes an opt-out.
UNSUBSCRIBE_PATH = "o/"
Words = Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code of the text stands for: its number among them, the token it came from, and the link."""

    entry: int
    use: str
    link_id: int | None = None
    link_list_id: int | None = None

    @property
    def token(self) -> tuple[str, int]:
        return self.use, (self.link_list_id or self.link_id or 0)


@dataclass(frozen=True, slots=True)
class Content:
    """`words`: of each spinner by its id as text, [[word, weight], ...], as a dispatch keeps them."""

    source: str
    compiled: CompiledText
    lookups: Lookups = field(default_factory=Lookups)
    entries: tuple[Entry, ...] = ()
    words: Words = field(default_factory=dict)
    link_base: str = ""
    swaps: bool = False
    # Where no recipient's own address may lead; looked up once, and only where the text shortens it.
    own_hosts: frozenset[str] = frozenset()

    @property
    def errors(self) -> tuple[TokenError, ...]:
        return self.compiled.errors

    @property
    def told_errors(self) -> tuple[TokenError, ...]:
        """The first ones."""
        return self.compiled.errors[:ERRORS_SHOWN]

    @property
    def more_errors(self) -> int:
        return max(len(self.compiled.errors) - ERRORS_SHOWN, 0)

    @property
    def personal(self) -> bool:
        """Whether two people may get different texts."""
        return self.compiled.personal

    @property
    def uses(self) -> frozenset[str]:
        """Names of the recipient's fields and further columns in the text."""
        return self.compiled.uses

    @property
    def has_links(self) -> bool:
        return bool(self.entries)

    @property
    def spreads(self) -> bool:
        """Whether it matters which one a message is among those planned."""
        return any(entry.use == LINK_LIST for entry in self.entries)

    @property
    def link_list_ids(self) -> frozenset[int]:
        return frozenset(entry.link_list_id for entry in self.entries if entry.link_list_id)

    @property
    def shortens_own_url(self) -> bool:
        return any(entry.use in NEEDS_OWN_URL for entry in self.entries)

    @property
    def fingerprint(self) -> str:
        """Changes when anything does that the text's tokens stand for."""
        facts = [self.source, [entry.token for entry in self.entries], self.words, self.link_base, self.swaps]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]

    def own_url(self, values: Mapping[str, Any]) -> str:
        """The recipient's own address as the text leads to it; "" where there is none that can be led to."""
        return target_or_empty(str(values.get(OWN_URL) or ""), own_hosts=self.own_hosts)

    def render(self, values: Mapping[str, Any], *, seed: int, message_id: int = 0, place: int = 0) -> str:
        """`seed`: see `seed_of`. `message_id` and `place`: of the ledger's row, where there is one."""
        text = self.compiled.render(Reader(values, seed, message_id, place), self.lookups)
        if "\r" in text:
            # A line end is one character, whatever wrote the text or a person's values.
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return swap_smart(text) if self.swaps else text


def seed_of(broadcast_id: int | None, msisdn: str, message_id: int = 0) -> int:
    """What decides the random choices of a text: the same before planning as afterwards, from the message's own row.

    A text of no broadcast is not estimated before: there it is the message's id.
    """
    return (broadcast_id << 50) ^ int(msisdn) if broadcast_id else message_id


def compile_content(workspace_id: int, source: str, available: Collection[str] = AVAILABLE) -> Content:
    """Of a draft: knows the further columns of all lists of the workspace. Errors are in `.errors`, not raised.

    `available`: kinds of tokens that it may hold.
    """
    return compile_contents(workspace_id, [source], available)[0]


def compile_contents(
    workspace_id: int, sources: Sequence[str], available: Collection[str] = AVAILABLE
) -> list[Content]:
    """Each as `compile_content` has it; all that their tokens name is looked up at once."""
    workspace = Workspace.objects.only("short_domain", "swaps_characters").get(pk=workspace_id)
    columns: set[str] = set()
    for names in RecipientList.objects.filter(workspace_id=workspace_id).values_list("columns", flat=True):
        columns.update(names)
    named: dict[str, set[int]] = {}
    for source in sources:
        for kind, ids in referenced(source).items():
            named.setdefault(kind, set()).update(ids)
    found = _found(workspace_id, named)
    if any(CALLBACK_LINK in source for source in sources):
        _find_webhooks(workspace_id, found)
    return [_compiled(workspace, columns, found, source, available) for source in sources]


def _compiled(
    workspace: Workspace, columns: Collection[str], found: _Found, source: str, available: Collection[str]
) -> Content:
    compiled = compile_text(
        source, columns=columns, available=available, existing=found.existing, problems=found.problems
    )
    entries = tuple(_entries(compiled, found.list_links))
    if len(entries) > ENTRIES:
        compiled = _with_error(compiled, _too_many_links(len(entries)))
        entries = ()
    own = {str(id_) for id_ in referenced(source).get(WORD_SPINNER, ())}
    words = {id_: found.words[id_] for id_ in found.words if id_ in own}
    base = link_base(workspace) if entries else ""
    hosts = _own_hosts(entries, base)
    lookups = _lookups(words, entries, base, hosts)
    return Content(source, compiled, lookups, entries, words, base, workspace.swaps_characters, hosts)


def content_of(dispatch: Dispatch) -> Content:
    """Of what was launched. Whatever its tokens name was there then, and is kept."""
    rows = DispatchLink.objects.filter(dispatch=dispatch).values_list(
        "entry", "use", "link_id", "link_list_id"
    )
    entries = tuple(Entry(*row) for row in rows)
    # Every name counts as a column: one that was taken off its list since is empty now, and never goes out as written.
    compiled = compile_text(dispatch.text, columns=named(dispatch.text), available=SENT)
    hosts = _own_hosts(entries, dispatch.link_base)
    lookups = _lookups(dispatch.spinners, entries, dispatch.link_base, hosts)
    return Content(
        dispatch.text,
        compiled,
        lookups,
        entries,
        dispatch.spinners,
        dispatch.link_base,
        dispatch.swaps_characters,
        hosts,
    )


def _own_hosts(entries: Sequence[Entry], base: str) -> frozenset[str]:
    return own_hosts(base) if any(entry.use in NEEDS_OWN_URL for entry in entries) else frozenset()


def pin(dispatch: Dispatch, content: Content) -> None:
    """Keeps with the dispatch what its text's tokens stand for. In the transaction that makes it."""
    DispatchLink.objects.bulk_create(
        DispatchLink(
            dispatch=dispatch,
            entry=entry.entry,
            use=entry.use,
            link_id=entry.link_id,
            link_list_id=entry.link_list_id,
        )
        for entry in content.entries
    )
    dispatch.spinners = dict(content.words)
    dispatch.link_base = content.link_base
    dispatch.swaps_characters = content.swaps
    dispatch.save(update_fields=["spinners", "link_base", "swaps_characters"])


def link_base(workspace: Workspace) -> str:
    """What stands before a code."""
    return (workspace.short_domain or settings.LINK_URL) + "/"


def sample_links(base: str) -> dict[str, str]:
    """By kind of token: what stands for it before a text is planned. `base`: see `link_base`."""
    return {
        kind: base + (UNSUBSCRIBE_PATH if kind == UNSUBSCRIPTION_LINK else "") + SAMPLE_CODE for kind in LINKS
    }


@dataclass(slots=True)
class _Found:
    """What a text's tokens name, and what is wrong with any of it."""

    existing: dict[str, set[int]] = field(default_factory=dict)
    problems: dict[tuple[str, int], str] = field(default_factory=dict)
    words: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    list_links: dict[int, list[int]] = field(default_factory=dict)


def _found(workspace_id: int, named: Mapping[str, set[int]]) -> _Found:
    found = _Found()
    _find_spinners(workspace_id, named.get(WORD_SPINNER, set()), found)
    _find_links(workspace_id, named.get(LINK, set()), found)
    _find_link_lists(workspace_id, named.get(LINK_LIST, set()), found)
    return found


def _find_spinners(workspace_id: int, ids: set[int], found: _Found) -> None:
    rows = WordSpinner.objects.filter(workspace_id=workspace_id, pk__in=ids) if ids else []
    found.existing[WORD_SPINNER] = set()
    for spinner in rows:
        found.existing[WORD_SPINNER].add(spinner.pk)
        found.words[str(spinner.pk)] = [(word, weight) for word, weight in spinner.words]
        if not spinner.enabled:
            found.problems[WORD_SPINNER, spinner.pk] = _(
                "the word spinner “%(name)s” is disabled. Enable it or choose another."
            ) % {"name": spinner}
        elif not spinner.words:
            found.problems[WORD_SPINNER, spinner.pk] = _(
                "the word spinner “%(name)s” has no words. Add some."
            ) % {"name": spinner}


def _find_links(workspace_id: int, ids: set[int], found: _Found) -> None:
    rows = Link.objects.filter(workspace_id=workspace_id, pk__in=ids) if ids else []
    found.existing[LINK] = set()
    hosts = own_hosts() if rows else frozenset()
    for link in rows:
        found.existing[LINK].add(link.pk)
        if problem := link_problem(link, hosts):
            found.problems[LINK, link.pk] = problem


def _find_link_lists(workspace_id: int, ids: set[int], found: _Found) -> None:
    rows = LinkList.objects.filter(workspace_id=workspace_id, pk__in=ids) if ids else []
    found.existing[LINK_LIST] = set()
    hosts = own_hosts() if rows else frozenset()
    for link_list in rows:
        links = [each.link for each in link_list.entries.select_related("link")]
        found.existing[LINK_LIST].add(link_list.pk)
        found.list_links[link_list.pk] = [link.pk for link in links]
        if problem := link_list_problem(link_list, links, hosts):
            found.problems[LINK_LIST, link_list.pk] = problem


def _find_webhooks(workspace_id: int, found: _Found) -> None:
    if not wants(workspace_id, LINK_CLICKED):
        found.problems[CALLBACK_LINK, 0] = _(
            "no enabled webhook is told of clicks. An admin sets one up under Settings, Webhooks."
        )


def link_list_problem(link_list: LinkList, links: Sequence[Link], hosts: frozenset[str] | None = None) -> str:
    """Why nobody can be sent a link of this list now; "" where there is nothing the matter. `hosts`: see link_problem."""
    hosts = own_hosts() if hosts is None else hosts
    if not link_list.enabled:
        return _("the link list “%(name)s” is disabled. Enable it or choose another.") % {"name": link_list}
    if not links:
        return _("the link list “%(name)s” has no links. Add some.") % {"name": link_list}
    return next((problem for link in links if (problem := link_problem(link, hosts))), "")


def link_problem(link: Link, hosts: frozenset[str] | None = None) -> str:
    """Why nobody can be sent this link now; "" for one that leads somewhere. `hosts`: Crier's own, where the caller knows
    them: a domain that became a workspace's own after the link was saved would lead people round in circles.
    """
    if not link.enabled:
        return _("the link “%(name)s” is disabled. Enable it or choose another.") % {"name": link}
    if link.expires_at is not None and link.expires_at <= timezone.now():
        return _("the link “%(name)s” has expired. Move its end or choose another.") % {"name": link}
    hosts = own_hosts() if hosts is None else hosts
    for address in filter(None, (link.url, link.bot_redirect, link.preview_url, link.expired_url)):
        try:
            clean_target(address, own_hosts=hosts)
        except MessagingError as error:
            words = {"name": link, "why": error.sentence}
            return _("the link “%(name)s” cannot be sent. %(why)s") % words
    return ""


def _entries(compiled: CompiledText, list_links: Mapping[int, Sequence[int]]) -> Iterable[Entry]:
    """A code for each link: for each one of a list, so that the code says which it was."""
    number = 0
    for kind, id_ in compiled.references:
        if kind == LINK:
            yield Entry(number, LinkUse.LINK, id_)
            number += 1
        elif kind == LINK_LIST:
            for link_id in list_links.get(id_, ()):
                yield Entry(number, LinkUse.LINK_LIST, link_id, id_)
                number += 1
    for kind in sorted(compiled.kinds & (LINKS - {LINK, LINK_LIST})):
        yield Entry(number, LinkUse(kind))
        number += 1


def _too_many_links(count: int) -> str:
    return _(
        "The text has %(count)d links, those of its lists counted; at most %(most)d fit. Take some out."
    ) % {
        "count": count,
        "most": ENTRIES,
    }


def _with_error(compiled: CompiledText, sentence: str) -> CompiledText:
    error = TokenError(sentence, 0, len(compiled.source), 1, 1)
    return replace(compiled, errors=(*compiled.errors, error))


def _lookups(words: Words, entries: Sequence[Entry], base: str, hosts: frozenset[str]) -> Lookups:
    sums = {int(id_): _with_sums(own) for id_, own in words.items()}
    return Lookups(sums, LinkWriter(base, entries, hosts) if entries else _write_code)


def _write_code(kind: str, id_: int, reader: Reader) -> str:
    """A text with a code has no links: messaging.verification allows none."""
    return reader.values.get(VERIFICATION_CODE, "") if kind == VERIFICATION_CODE else ""


def _with_sums(words: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    sums = accumulate(weight for _word, weight in words)
    return [(word, up_to) for (word, _weight), up_to in zip(words, sums, strict=True)]


class LinkWriter:
    """What stands for a token of a link in one recipient's text."""

    def __init__(self, base: str, entries: Sequence[Entry], hosts: frozenset[str]) -> None:
        self._coder: Coder = link_coder()
        self._own_hosts = hosts
        self._prepared: dict[tuple[str, int], tuple[str, list[int], bool]] = {}
        for entry in entries:
            before = base + (UNSUBSCRIBE_PATH if entry.use == UNSUBSCRIPTION_LINK else "")
            needs_url = entry.use in NEEDS_OWN_URL
            self._prepared.setdefault(entry.token, (before, [], needs_url))[1].append(entry.entry)

    def __call__(self, kind: str, id_: int, reader: Reader) -> str:
        prepared = self._prepared.get((kind, id_))
        if prepared is None:
            return ""
        before, entries, needs_url = prepared
        if needs_url and not self._is_target(reader.values.get(OWN_URL) or ""):
            # It stands as nothing, like a missing value.
            return ""
        if not reader.message_id:
            return before + SAMPLE_CODE
        return before + self._coder.encode(reader.message_id, entries[reader.place % len(entries)])

    def _is_target(self, url: str) -> bool:
        return bool(url) and is_target(url, own_hosts=self._own_hosts)


def words_of_errors(content: Content) -> str:
    """Each wrong token at its place, for where all has to be said in one answer; of very many the first ones."""
    sentence = _("Line %(line)d, column %(column)d: %(sentence)s")
    told = [
        sentence % {"line": error.line, "column": error.column, "sentence": error.sentence}
        for error in content.told_errors
    ]
    if more := content.more_errors:
        told.append(
            ngettext("%(n)s more token is wrong.", "%(n)s more tokens are wrong.", more) % {"n": f"{more:,}"}
        )
    return " ".join(told)
