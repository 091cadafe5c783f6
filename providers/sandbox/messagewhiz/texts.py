"""Word spinners and templates: document 004, sections Word Spinners and Templates."""

from typing import Any

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import USER_ID, Account, Spinner, Table, Template
from providers.sandbox.messagewhiz.request import (
    NAME_CAP,
    TEXT_CAP,
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    disabling,
    listing,
)

MOST_WORDS = 1000


def create_spinner(request: Request) -> dict[str, Any]:
    fields, account = request.fields(), request.account
    new = Spinner(id=account.ids.next("spinner"), name=fields.text("name"), words=words_of(fields))
    return shown_spinner(account.spinners.add(new))


def change_spinner(request: Request) -> dict[str, Any]:
    """ "If the `name` array is specified" in the document means `words`."""
    fields, row = request.fields(), request.account.spinners.get(request.row_id)
    words = words_of(fields) if "words" in fields else row.words
    apply_name_and_switch(fields, request.account.spinners, row)
    row.words = words
    return shown_spinner(row)


def patch_spinner(request: Request) -> dict[str, Any]:
    """Only what was named comes back, `enabled` as a number."""
    fields = request.fields()
    after = change_spinner(request)
    named = {name: after[name] for name in ("name", "words", "enabled") if name in fields}
    return named | ({"enabled": int(after["enabled"])} if "enabled" in named else {})


def create_template(request: Request) -> dict[str, Any]:
    fields, account = request.fields(), request.account
    new = Template(
        id=account.ids.next("template"), name=fields.text("name"), body=fields.text("body", TEXT_CAP)
    )
    return shown_template(account.templates.add(new))


def change_template(request: Request) -> dict[str, Any]:
    fields, row = request.fields(), request.account.templates.get(request.row_id)
    body = fields.text_or("body", row.body, TEXT_CAP)
    apply_name_and_switch(fields, request.account.templates, row)
    row.body = body
    return shown_template(row)


def words_of(fields: Fields) -> list[str]:
    words = fields.array("words", MOST_WORDS)
    if words and all(isinstance(word, str) and 0 < len(word) <= NAME_CAP for word in words):
        return words
    raise Failure(400, f"words must be an array of strings of 1 to {NAME_CAP} characters, at least one")


def shown_spinner(row: Spinner) -> dict[str, Any]:
    return {"name": row.name, "words": row.words, "enabled": row.enabled, "id": row.id}


def listed_spinner(_account: Account, row: Spinner) -> dict[str, Any]:
    return {"words": row.words, "enabled": row.enabled, "id": row.id, "name": row.name}


def shown_template(row: Template) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "body": row.body, "enabled": row.enabled}


def listed_template(_account: Account, row: Template) -> dict[str, Any]:
    return {"enabled": row.enabled, "id": row.id, "user_id": USER_ID, "name": row.name, "body": row.body}


def spinner_table(account: Account) -> Table[Spinner]:
    return account.spinners


def template_table(account: Account) -> Table[Template]:
    return account.templates


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "spinner"): create_spinner,
    ("GET", "spinner"): listing(spinner_table, listed_spinner),
    ("PUT", "spinner/{}"): change_spinner,
    ("PATCH", "spinner/{}"): patch_spinner,
    ("DELETE", "spinner/{}"): disabling(spinner_table),
    ("POST", "template"): create_template,
    ("GET", "template"): listing(template_table, listed_template),
    ("PUT", "template/{}"): change_template,
    ("DELETE", "template/{}"): disabling(template_table),
}
