"""What an import is called on its pages, by what it is for: the steps are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Import, ImportPurpose, ImportState
from contacts.services.imports import target_name

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Words:
    heading: Text
    # The step File.
    choose_file: Text
    which_sheet: Text
    # The step Columns: title of what is asked besides, and what holds for all rows.
    options: Text
    rule: Text
    # Of counts.
    new: Text
    unchanged: Text
    # Where no row would do anything.
    nothing: Text
    # The step Run; the last step.
    running: Text
    last_step: Text
    cancelled: Text


_PROOF_RULE = gettext_lazy(
    "Every row whose number can be read counts, whatever else it holds. The first opt-out of a number stays as it is: it is "
    "the proof. Without a date that can be read the time of the import counts, without a source the name of the file."
)
_WORDS: Mapping[str, Words] = {
    ImportPurpose.RECIPIENTS: Words(
        heading=gettext_lazy("Import people"),
        choose_file=gettext_lazy("Choose the file that holds the people."),
        which_sheet=gettext_lazy("Which sheet holds the people?"),
        options=gettext_lazy("Numbers and list"),
        rule=gettext_lazy("An empty cell never erases what is known of a person already."),
        new=gettext_lazy("New people"),
        unchanged=gettext_lazy("Unchanged"),
        nothing=gettext_lazy(
            "There is nothing to import: no row is new or changes anything. Correct the columns, or mend the refused rows."
        ),
        running=gettext_lazy("Importing into %(name)s"),
        last_step=gettext_lazy("Import"),
        cancelled=gettext_lazy("Cancelled. What was imported before stays on the list."),
    ),
    ImportPurpose.OPT_OUTS: Words(
        heading=gettext_lazy("Import opt-outs"),
        choose_file=gettext_lazy("Choose the file that holds the numbers."),
        which_sheet=gettext_lazy("Which sheet holds the numbers?"),
        options=gettext_lazy("Numbers and dates"),
        rule=_PROOF_RULE,
        new=gettext_lazy("New opt-outs"),
        unchanged=gettext_lazy("Opted out already"),
        nothing=gettext_lazy(
            "There is nothing to import: no number of the file is new. Correct the columns, or mend the refused rows."
        ),
        running=gettext_lazy("Opting the numbers out"),
        last_step=gettext_lazy("Opt out"),
        cancelled=gettext_lazy("Cancelled. Who was opted out before stays opted out."),
    ),
    ImportPurpose.UNSUBSCRIBE_LIST: Words(
        heading=gettext_lazy("Import numbers for an unsubscribe list"),
        choose_file=gettext_lazy("Choose the file that holds the numbers."),
        which_sheet=gettext_lazy("Which sheet holds the numbers?"),
        options=gettext_lazy("Numbers, dates and list"),
        rule=_PROOF_RULE,
        new=gettext_lazy("New numbers"),
        unchanged=gettext_lazy("On the list already"),
        nothing=gettext_lazy(
            "There is nothing to import: no number of the file is new. Correct the columns, or mend the refused rows."
        ),
        running=gettext_lazy("Adding the numbers to %(name)s"),
        last_step=gettext_lazy("Add"),
        cancelled=gettext_lazy("Cancelled. Numbers that were added before stay on the list."),
    ),
}


def words_of(purpose: str) -> Words:
    return _WORDS[purpose]


def goes_to(purpose: str, name: str, *, is_new: bool = False) -> str:
    """A sentence. `name`: of the list."""
    if purpose == ImportPurpose.OPT_OUTS:
        return _("Whoever is in the file is texted by no broadcast of this workspace any more.")
    if purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        return _("The numbers go to the unsubscribe list %(name)s.") % {"name": name}
    if is_new:
        return _("They go to the new list %(name)s.") % {"name": name}
    return _("They go to the list %(name)s.") % {"name": name}


def run_button(imported: Import, count: int) -> str:
    """ "Opt out 1,240 numbers"."""
    if imported.purpose == ImportPurpose.OPT_OUTS:
        words = ngettext("Opt out %(n)s number", "Opt out %(n)s numbers", count)
    elif imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        words = ngettext("Add %(n)s number", "Add %(n)s numbers", count)
    else:
        words = ngettext("Import %(n)s person", "Import %(n)s people", count)
    return words % {"n": intcomma(count)}


def stopped_at(imported: Import, total: int) -> str:
    """Of a run that was cancelled."""
    shown = {"done": intcomma(imported.done_rows), "total": intcomma(total)}
    if imported.purpose == ImportPurpose.OPT_OUTS:
        return (
            _("Cancelled after %(done)s of %(total)s rows. Who was opted out until then stays opted out.")
            % shown
        )
    return (
        _("Cancelled after %(done)s of %(total)s rows. What was imported until then is on the list.") % shown
    )


def target_of(imported: Import) -> tuple[str, str]:
    """(name, address) of what the file goes to; the address is "" while there is none."""
    if imported.purpose == ImportPurpose.OPT_OUTS:
        return _("Opt-outs"), reverse("opt-out-list")
    name = target_name(imported)
    if imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        pk = imported.unsubscribe_list_id
        return name, reverse("unsubscribe-list-detail", args=[pk]) if pk else ""
    if imported.list_id:
        return name, reverse("recipient-list-detail", args=[imported.list_id])
    # Dropped before it ran: the list was never made.
    return "" if imported.state == ImportState.CANCELLED else name, ""
