"""What is kept at the vendor, looked at and changed live through its client; nothing of it is stored here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from providers.connectors.operations import VendorClient
from providers.errors import ConnectorError
from providers.models import ProviderAccount
from providers.services import bulkvs_sections
from providers.services.accounts import TestResult, connector_of
from providers.services.refusals import ProviderAccountError
from providers.services.traffic import listener_of
from providers.services.vendor_sections import Deed, Row, Section

# By vendor; whoever is not in here has nothing to show.
SECTIONS: dict[str, tuple[Section, ...]] = {
    "bulkvs": bulkvs_sections.SECTIONS,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """`problem`: why there are no rows, in a sentence; `words`: the vendor's own, redacted."""

    rows: Sequence[Row] = ()
    problem: str = ""
    words: str = ""


def sections_of(account: ProviderAccount) -> tuple[Section, ...]:
    return SECTIONS.get(account.vendor, ())


def section_of(account: ProviderAccount, slug: str) -> Section:
    """Raises ProviderAccountError for one that the vendor has not."""
    for section in sections_of(account):
        if section.slug == slug:
            return section
    raise ProviderAccountError(
        _("“%(slug)s” is nothing that can be managed at this provider.") % {"slug": slug[:40]},
        field="section",
    )


def look_at_vendor(account: ProviderAccount, section: Section) -> Found:
    """Asks the vendor, now. Takes as long as one of its operations may; nothing is raised."""
    try:
        return Found(_with_client(account, lambda client: section.read(client, account)))
    except ConnectorError as error:
        return Found(problem=str(error), words=error.words)
    except ImproperlyConfigured as error:
        return Found(problem=str(error))


def change_at_vendor(
    *, account: ProviderAccount, section: Section, deed: str, key: str, actor: Actor
) -> TestResult:
    """`key`: of a row, or "" for a deed of the section. Raises ProviderAccountError for a deed that there is not; what
    the vendor refuses is told by the result."""
    known = _deed(section, deed, has_key=bool(key))
    try:
        sentence = _with_client(account, lambda client: known.run(client, account, key))
    except ConnectorError as error:
        return TestResult(False, str(error), error.words)
    except ImproperlyConfigured as error:
        return TestResult(False, str(error))
    record(
        account.workspace, actor, "changed at the provider", account, what=f"{section.slug}: {deed}", key=key
    )
    return TestResult(True, sentence)


def _deed(section: Section, slug: str, *, has_key: bool) -> Deed:
    for deed in section.row_deeds if has_key else section.deeds:
        if deed.slug == slug:
            return deed
    raise ProviderAccountError(
        _("“%(slug)s” cannot be done here: load the page again.") % {"slug": slug[:40]}, field="deed"
    )


def _with_client(account: ProviderAccount, ask: Callable[[VendorClient], T]) -> T:
    connector = connector_of(account)
    with connector.Client(connector, listener=listener_of(account)) as client:
        return ask(client)
