"""What numbers without plus are in the number columns of an import: chosen for all of them, or guessed for each."""

from __future__ import annotations

from contacts.files.columns import NUMBERS
from contacts.models import Import, NumberForm

# In place of a form: none is chosen.
GUESSED = "guessed"


def forms_of(imported: Import) -> dict[int, str]:
    """Of NumberForm, by number column, the preferred one first."""
    if imported.is_form_chosen:
        return dict.fromkeys(_number_columns(imported), imported.number_form)
    return guessed_forms(imported)


def guessed_forms(imported: Import) -> dict[int, str]:
    """The same as the values of each column show it; national where they show nothing."""
    columns = imported.columns
    return {at: columns[at].get("number_form") or NumberForm.NATIONAL for at in _number_columns(imported)}


def unclear_columns(imported: Import) -> frozenset[int]:
    """Number columns whose values do not show of which form they are."""
    return frozenset(at for at in _number_columns(imported) if not imported.columns[at].get("number_form"))


def shown_form(imported: Import) -> str:
    """What the values of the number columns show; "" where they show nothing, or not the same."""
    shown = {str(imported.columns[at].get("number_form", "")) for at in _number_columns(imported)} - {""}
    return shown.pop() if len(shown) == 1 else ""


def names_by_form(imported: Import, forms: dict[int, str]) -> dict[str, str]:
    """Of the number columns, for each form that one of them has, in words of a sentence."""
    names: dict[str, list[str]] = {}
    for at, form in forms.items():
        names.setdefault(form, []).append(str(imported.columns[at]["name"]))
    return {form: ", ".join(some) for form, some in names.items()}


def take_guess(imported: Import) -> None:
    """Anew, as other columns may hold the numbers now. What is chosen stays. Does not save it."""
    if not imported.is_form_chosen:
        imported.number_form = next(iter(guessed_forms(imported).values()), NumberForm.NATIONAL)


def choose_form(imported: Import, form: str) -> None:
    """For all number columns; GUESSED takes the choice back. Does not save it."""
    if form == GUESSED:
        imported.is_form_chosen = False
        take_guess(imported)
        return
    imported.number_form, imported.is_form_chosen = form, True


def _number_columns(imported: Import) -> list[int]:
    return [imported.mapping.index(target) for target in NUMBERS if target in imported.mapping]
