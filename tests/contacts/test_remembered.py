"""contacts.services.remembered: the mapping of a file is offered for the next one like it."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import ContactsError
from contacts.models import Import, ImportPurpose, Recipient, RememberedMapping
from contacts.services import imports
from contacts.services.opt_outs import create_unsubscribe_list
from contacts.services.remembered import is_recalled, is_recalled_in_part
from tests.access import assert_access
from tests.contacts.support import NOBODY, checked, checked_opt_outs, number, ran, upload

LONG = "The town or village or hamlet where the person lives for most of the year"
CHOSEN = ["msisdn", "extra:place"]


def file(n: int, header: str = "Phone,Town") -> str:
    return f"{header}\n+{number(n)},Leeds\n"


def first(acme: Workspace) -> Import:
    return ran(checked(upload(acme, file(0)), mapping=CHOSEN))


@pytest.mark.parametrize("header", ["Phone,Town", "phone, TOWN "])
def test_the_next_file_with_these_names_goes_the_same_way(acme: Workspace, header: str) -> None:
    first(acme)
    assert upload(acme, file(1, header)).mapping == CHOSEN


def test_other_files_are_guessed(acme: Workspace, other: Workspace) -> None:
    first(acme)
    assert upload(acme, file(1, "Phone,City")).mapping == ["msisdn", "extra:city"]
    assert upload(other, file(1)).mapping == ["msisdn", "extra:town"]
    assert upload(acme, f"+{number(1)},17\n").mapping[0] == "msisdn"


def test_the_order_of_the_columns_does_not_count(acme: Workspace) -> None:
    first(acme)
    turned = upload(acme, f"Town,Phone\nLeeds,+{number(1)}\n")
    assert turned.mapping == CHOSEN[::-1]
    assert is_recalled(turned)
    ran(checked(turned, mapping=["custom", "msisdn"]))
    assert upload(acme, file(2)).mapping == ["msisdn", "custom"]
    assert RememberedMapping.objects.count() == 1


def test_columns_of_one_name_keep_their_order(acme: Workspace) -> None:
    text = f"Phone,Note,Note\n+{number(0)},a,b\n"
    ran(checked(upload(acme, text), mapping=["msisdn", "custom1", "custom2"]))
    assert upload(acme, f"Note,Note,Phone\na,b,+{number(1)}\n").mapping == ["custom1", "custom2", "msisdn"]


def test_a_column_more_or_less_is_guessed(acme: Workspace) -> None:
    text = f"Phone,Town,Note\n+{number(0)},Leeds,x\n"
    ran(checked(upload(acme, text), mapping=["msisdn", "extra:place", "custom"]))
    more = upload(acme, f"Phone,Email,Town,Note\n+{number(1)},ann@example.com,Leeds,x\n")
    assert more.mapping == ["msisdn", "email", "extra:place", "custom"]
    assert is_recalled_in_part(more)
    assert upload(acme, f"Phone,Town\n+{number(1)},Leeds\n").mapping == ["msisdn", "extra:place"]
    moved = upload(acme, f"Mobile,Phone,Town,Note\n+{number(1)},+{number(2)},Leeds,x\n")
    assert moved.mapping == ["msisdn:2", "msisdn", "extra:place", "custom"]


def two_numbers(n: int, header: str = "Mobile,Telefon,Vorname,Nachname,Ort,PLZ") -> str:
    numbers = [f"+{number(n + at)}" for at in range(header.count(",") - 3)]
    return f"{header}\n{','.join(numbers)},Ann,Lee,Leeds,1\n"


def test_where_the_preferred_number_is_gone_the_next_one_is_it(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, two_numbers(0))))
    assert imported.mapping[:2] == ["msisdn", "msisdn:2"]
    rest = ["first_name", "last_name", "extra:ort", "extra:plz"]
    without = upload(acme, two_numbers(2, "Telefon,Vorname,Nachname,Ort,PLZ"))
    assert without.mapping == ["msisdn", *rest]
    assert is_recalled_in_part(without)
    assert checked(without).check_counts["new"] == 1
    renamed = upload(acme, two_numbers(4, "Telefon neu,Telefon,Vorname,Nachname,Ort,PLZ"))
    assert renamed.mapping == ["msisdn:2", "msisdn", *rest]


def test_where_no_number_is_left_the_guessed_one_is_it(acme: Workspace) -> None:
    first = upload(acme, two_numbers(0))
    ran(checked(first, mapping=["msisdn", "", *first.mapping[2:]]))
    without = upload(acme, two_numbers(2, "Telefon,Vorname,Nachname,Ort,PLZ"))
    assert without.mapping[:2] == ["msisdn", "first_name"]


def test_what_is_remembered_of_before_is_found(acme: Workspace) -> None:
    """Then its names were cut, and the digest was of their order."""
    first(acme)
    RememberedMapping.objects.update(digest="0" * 64)
    assert upload(acme, file(1)).mapping == CHOSEN
    ran(checked(upload(acme, file(1)), mapping=["msisdn", "custom"]))
    assert [one.mapping for one in RememberedMapping.objects.all()] == [["msisdn", "custom"]]


def test_the_form_of_the_numbers_is_remembered_where_it_was_corrected(acme: Workspace) -> None:
    text = "Phone\n447400123456\n447400123457\n"
    as_guessed = upload(acme, text)
    assert as_guessed.number_form == "international"
    ran(checked(as_guessed))
    assert RememberedMapping.objects.get().number_form == ""
    corrected = upload(acme, f"Phone\n1{number(0)[1:]}\n")
    assert corrected.number_form == "national"
    imports.choose(
        imported=corrected,
        choices=imports.Choices(
            mapping=["msisdn"], default_country="US", number_form="international", new_list_name="Abroad"
        ),
    )
    ran(imports.start_check(imported=corrected))
    assert upload(acme, f"Phone\n{number(1)}\n").number_form == "international"


def test_the_last_choice_counts(acme: Workspace) -> None:
    first(acme)
    ran(checked(upload(acme, file(1)), mapping=["msisdn", "custom"]))
    assert upload(acme, file(2)).mapping == ["msisdn", "custom"]
    assert RememberedMapping.objects.count() == 1


def test_what_was_only_tried_is_not_remembered(acme: Workspace) -> None:
    checked(upload(acme, file(0)), mapping=CHOSEN)
    assert upload(acme, file(1)).mapping == ["msisdn", "extra:town"]


def test_it_can_be_forgotten(acme: Workspace) -> None:
    first(acme)
    again = imports.forget_mapping(imported=upload(acme, file(1)))
    assert again.mapping == ["msisdn", "extra:town"]
    assert upload(acme, file(2)).mapping == ["msisdn", "extra:town"]
    with pytest.raises(ContactsError, match="nothing to forget"):
        imports.forget_mapping(imported=again)


def mended(imported: Import, n: int) -> str:
    """The reject file of an import with its one bad number made good."""
    text = Path(imported.reject_file.path).read_text(encoding="utf-8-sig")
    return text.replace("bad", f"+{number(n)}")


@pytest.mark.parametrize(
    "header",
    [
        "Phone,Name,Note",
        "Phone,Name,Name",
        "Phone,,=Note",
        f"Phone,{LONG} first,{LONG} last",
        f"Phone,Name,{'x' * 3000}",
    ],
)
def test_a_reject_file_goes_where_its_file_went(acme: Workspace, header: str) -> None:
    chosen = ["msisdn", "custom2", "extra:remark"]
    text = f"{header}\n+{number(0)},Ann,ok\nbad,Bob,later\n"
    imported = ran(checked(upload(acme, text), mapping=chosen))
    again = upload(acme, mended(imported, 1), "rejected.csv")
    assert again.mapping == ["", "", *chosen]
    assert is_recalled(again)
    again = ran(checked(again, to=imported.list))
    bob = Recipient.objects.get(msisdn=number(1))
    assert (again.counts["new"], bob.custom2, bob.extra) == (1, "Bob", {"remark": "later"})
    assert upload(acme, text).mapping == chosen
    assert RememberedMapping.objects.count() == 1


def test_what_is_chosen_for_a_reject_file_counts_for_its_file_too(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, f"{file(0)}bad,York\n"), mapping=CHOSEN))
    ran(checked(upload(acme, mended(imported, 1)), mapping=["", "extra:why", "msisdn", "custom"]))
    assert upload(acme, file(2)).mapping == ["msisdn", "custom"]
    forgotten = imports.forget_mapping(imported=upload(acme, mended(imported, 2)))
    assert forgotten.mapping == ["", "", "msisdn", "extra:town"]
    assert upload(acme, file(2)).mapping == ["msisdn", "extra:town"]


@pytest.mark.parametrize(
    ("purpose", "to_list"), [(ImportPurpose.OPT_OUTS, False), (ImportPurpose.UNSUBSCRIBE_LIST, True)]
)
def test_so_does_one_of_opt_outs(acme: Workspace, purpose: str, to_list: bool) -> None:
    rivals = create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Rivals") if to_list else None
    chosen = ["source", "msisdn", ""]
    text = f"Number,Other,When\nletter,+{number(0)},x\ncall,bad,y\n"
    first = upload(acme, text, purpose=purpose, unsubscribe_list=rivals)
    imported = ran(checked_opt_outs(first, mapping=chosen))
    again = upload(acme, mended(imported, 1), purpose=purpose, unsubscribe_list=rivals)
    assert again.mapping == ["", "", *chosen]
    assert ran(checked_opt_outs(again)).counts["new"] == 1


def test_names_that_differ_far_behind_are_different_names(acme: Workspace) -> None:
    first(acme)
    ran(checked(upload(acme, file(0, f"Phone,{LONG} of birth")), mapping=["msisdn", "custom"]))
    assert upload(acme, file(1, f"Phone,{LONG} of birth")).mapping == ["msisdn", "custom"]
    assert upload(acme, file(1, f"Phone,{LONG} of work")).mapping[1] != "custom"
    far = "y" * 2000
    ran(checked(upload(acme, file(0, f"Phone,{far}1")), mapping=["msisdn", "custom1"]))
    assert upload(acme, file(1, f"Phone,{far}2")).mapping[1] != "custom1"


def test_the_page_says_so_and_forgets(bob_client: Client, acme: Workspace) -> None:
    first(acme)
    imported = upload(acme, file(1))
    page, forget = (reverse(name, args=[imported.pk]) for name in ("import-columns", "import-forget"))
    assert_access(forget, "post", viewer=403, wrong_method="get")
    assert "where they went the last time" in bob_client.get(page).content.decode()
    assert bob_client.post(forget).url == page
    assert "where they went the last time" not in bob_client.get(page).content.decode()
