"""Form fields as pages draw them."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django import forms

from web.forms import CheckList, ChoiceList, SegmentedRadio


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="Recipients <b>never</b> see it.", max_length=5)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"class": "tall"}))
    sender = forms.ChoiceField(label="Sender", choices=[("1000", "Northwind")])
    when = forms.ChoiceField(label="When", widget=SegmentedRadio, choices=[("now", "Now"), ("at", "Later")])
    how = forms.ChoiceField(label="How", widget=ChoiceList, choices=[("a", "All"), ("b", "None")])
    which = forms.MultipleChoiceField(label="Which", widget=CheckList, choices=[("x", "X"), ("y", "Y")])
    agree = forms.BooleanField(label="Agree")
    file = forms.FileField(label="File")
    secret = forms.CharField(widget=forms.HiddenInput, initial="7")


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.all if attrs.get("name") == name]

    def ids(self) -> set[str | None]:
        return {attrs.get("id") for _, attrs in self.all}


def drawn(field: str, data: dict[str, str] | None = None) -> Elements:
    return Elements(SampleForm(data)[field].as_field_group())


def test_it_works() -> None:
    html = SampleForm()["name"].as_field_group()
    elements = Elements(html)
    (control,) = elements.named("name")
    assert control["class"] == "input"
    assert control["aria-describedby"] == "id_name_helptext"
    assert "id_name_helptext" in elements.ids()
    assert html.index("<label") < html.index("helptext") < html.index("<input")


def test_it_ties_the_error_to_the_control() -> None:
    elements = drawn("name", {"name": "too long"})
    (control,) = elements.named("name")
    assert control["aria-invalid"] == "true"
    assert control["aria-describedby"] == "id_name_helptext id_name_error"
    assert {"id_name_helptext", "id_name_error"} <= elements.ids()
    assert control["value"] == "too long"


@pytest.mark.parametrize(
    ("field", "css_class"),
    [("sender", "select"), ("note", "textarea tall"), ("agree", "checkbox"), ("file", "input file-input")],
)
def test_it_dresses_each_control(field: str, css_class: str) -> None:
    assert drawn(field).named(field)[0]["class"] == css_class


@pytest.mark.parametrize(("field", "kind"), [("when", "radio"), ("how", "radio"), ("which", "checkbox")])
def test_it_draws_sets_in_a_fieldset_with_a_legend(field: str, kind: str) -> None:
    elements = drawn(field)
    assert [tag for tag, _ in elements.all].count("fieldset") == 1
    assert [tag for tag, _ in elements.all].count("legend") == 1
    assert [control["type"] for control in elements.named(field)] == [kind, kind]


def test_it_keeps_the_choice() -> None:
    checked = [
        control["value"] for control in drawn("when", {"when": "at"}).named("when") if "checked" in control
    ]
    assert checked == ["at"]


def test_it_says_what_is_optional() -> None:
    assert "optional" in SampleForm()["note"].as_field_group()
    assert "optional" not in SampleForm()["name"].as_field_group()


def test_a_whole_form_lists_its_errors_and_keeps_hidden_fields() -> None:
    html = str(SampleForm({"name": "<script>", "secret": ""}))
    elements = Elements(html)
    links = [attrs["href"] for tag, attrs in elements.all if tag == "a"]
    assert links == [
        "#id_name",
        "#id_sender",
        "#id_when_0",
        "#id_how_0",
        "#id_which_0",
        "#id_agree",
        "#id_file",
    ]
    targets = {link and link.removeprefix("#") for link in links}
    assert targets <= elements.ids()
    assert elements.named("secret")[0]["type"] == "hidden"
    assert "<script>" not in html


def test_a_sound_form_has_no_error_summary() -> None:
    assert "error-summary" not in str(SampleForm())


def test_the_admin_keeps_its_own_controls() -> None:
    plain = forms.CharField().get_bound_field(SampleForm(), "name")
    assert 'class="input"' not in str(plain)
