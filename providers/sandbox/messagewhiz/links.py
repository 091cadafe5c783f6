"""Links, their conversion, and link lists: document 004, sections Links and Link Lists."""

from collections.abc import Iterable
from typing import Any

from providers.sandbox.forms import Form
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.files import mapping_of, rows_of
from providers.sandbox.messagewhiz.records import COMPANY_ID, USER_ID, Account, Link, LinkList, Table
from providers.sandbox.messagewhiz.request import (
    MOST_IDS,
    Fields,
    Handler,
    Request,
    apply_name_and_switch,
    by_name,
    disabling,
    listing,
)
from providers.sandbox.messagewhiz.senders import query_id
from providers.sandbox.wire import is_url

URL_CAP = 2048  # characters
PLATFORMS = "platform_based_links"


def create(request: Request) -> dict[str, Any]:
    fields = request.fields()
    new = Link(id=request.account.ids.next("link"), name=fields.text("name"), url=url_of(fields, "url"))
    new.bot_redirect, new.preview_url = platforms_of(fields, new)
    shown_new = shown(request.account.links.add(new)) | {"type": 0}
    if PLATFORMS in fields:
        shown_new[PLATFORMS] = {"bot_redirect": new.bot_redirect, "preview_url": new.preview_url}
    return shown_new


def change(request: Request) -> dict[str, Any]:
    fields, row = request.fields(), request.account.links.get(request.row_id)
    url = url_of(fields, "url") if "url" in fields else row.url
    platforms = platforms_of(fields, row)
    apply_name_and_switch(fields, request.account.links, row)
    row.url = url
    row.bot_redirect, row.preview_url = platforms
    return shown(row)


def monitor_conversion(request: Request) -> dict[str, Any]:
    """`conversion` in percent. The url is compared without its scheme: the document asks for `mmdsmart.com`."""
    url = request.fields().text("url", URL_CAP)
    found = request.runner.short_links.conversion_of(request.account, url)
    if found is None:
        raise Failure(404, "no text with this url was sent")
    percent = round(found.clicks * 100 / found.recipients, 2) if found.recipients else 0
    conversion = int(percent) if percent == int(percent) else percent
    return {"conversion": conversion, "totalRecipients": found.recipients, "clicks": found.clicks}


def create_list(request: Request) -> dict[str, Any]:
    """By a file, of links that are there (`linkIds`), of new ones (`links`), or empty."""
    account = request.account
    if request.is_form:
        form = request.form()
        name = Fields(form.texts).text("name")
        account.link_lists.refuse_new(name)
        row = keep_list(account, name, new_links(account, links_of_file(form)))
        return shown_list(row)
    fields = request.fields()
    name = fields.text("name")
    account.link_lists.refuse_new(name)
    ids = fields.id_array("linkIds") if "linkIds" in fields else []
    links = found(account, ids)
    if "links" in fields:
        links |= new_links(account, links_of(fields))
    row = keep_list(account, name, links)
    warning = "Some links were not found" if len(set(ids)) > len(found(account, ids)) else ""
    return shown_list(row) | {"linkListLength": len(row.links), "warning": warning}


def replace_by_file(request: Request) -> dict[str, Any]:
    form, row = request.form(), request.account.link_lists.get(request.row_id)
    name = Fields(form.texts).text_or("name", row.name)
    request.account.link_lists.refuse_taken(name, but=row)
    row.links = new_links(request.account, links_of_file(form))
    row.name = name
    return shown_list(row)


def add_to_list(request: Request) -> list[int]:
    """`ids`, or one `id`; answered with those that were found."""
    fields, row = request.fields(), request.account.link_lists.get(request.row_id)
    ids = [fields.whole("id")] if "id" in fields else fields.id_array("ids")
    links = found(request.account, ids)
    row.links.update(links)
    return list(links)


def add_new_to_list(request: Request) -> dict[str, Any]:
    fields, row = request.fields(), request.account.link_lists.get(request.row_id)
    row.links.update(new_links(request.account, links_of(fields)))
    return {
        "enabled": row.enabled,
        "id": row.id,
        "name": row.name,
        "user_id": USER_ID,
        "company_id": COMPANY_ID,
    }


def list_members(request: Request) -> list[dict[str, Any]]:
    """Wrapped in an array of one, unlike the senders of a list."""
    row = request.account.link_lists.get(request.row_id)
    return [{"id": row.id, "links": [{"linkId": link.id, "url": link.url} for link in row.links.values()]}]


def patch_list(request: Request) -> dict[str, Any]:
    row = request.account.link_lists.get(request.row_id)
    apply_name_and_switch(request.fields(), request.account.link_lists, row)
    return {"id": row.id, "enabled": int(row.enabled)}


def remove_from_list(request: Request) -> bool:
    """`?[id]=`; raises Failure 404 for one that is not in the list."""
    row = request.account.link_lists.get(request.row_id)
    if row.links.pop(query_id(request), None) is None:
        raise Failure(404, "the link is not in the list")
    return True


def platforms_of(fields: Fields, row: Link) -> tuple[str, str]:
    """`bot_redirect` and `preview_url`, the row's own where not given."""
    platforms = fields.data[PLATFORMS] if PLATFORMS in fields else {}
    if not isinstance(platforms, dict):
        raise Failure(400, f"{PLATFORMS} must be an object")
    given = Fields(platforms)
    return (
        url_of(given, "bot_redirect") if "bot_redirect" in given else row.bot_redirect,
        url_of(given, "preview_url") if "preview_url" in given else row.preview_url,
    )


def url_of(fields: Fields, name: str) -> str:
    url = fields.text(name, URL_CAP)
    if not is_url(url):
        raise Failure(400, f"{name} must be a URI such as https://example.com")
    return url


def links_of(fields: Fields) -> list[tuple[str, str]]:
    """(name, url) of `links`."""
    rows = [Fields(row) if isinstance(row, dict) else Fields({}) for row in fields.array("links", MOST_IDS)]
    return [(row.text("name"), url_of(row, "url")) for row in rows]


def links_of_file(form: Form) -> list[tuple[str, str]]:
    """(name, url) of `doc`; a first row whose url is none is a heading."""
    columns = {marker: index for index, marker in mapping_of(form, ("name", "url")).items()}
    if len(columns) < 2:
        raise Failure(400, "mapping must name the columns of name and url")
    rows = [row + [""] * (max(columns.values()) + 1 - len(row)) for row in rows_of(form)]
    if rows and not is_url(rows[0][columns["url"]]):
        rows = rows[1:]
    if len(rows) > MOST_IDS:
        raise Failure(400, f"doc must not have more than {MOST_IDS} links")
    found = [Fields({name: row[index] for name, index in columns.items()}) for row in rows]
    return [(row.text("name"), url_of(row, "url")) for row in found]


def new_links(account: Account, pairs: Iterable[tuple[str, str]]) -> dict[int, Link]:
    """Links of these names and urls; one that is there already is used again. Raises Failure 409."""
    there = {(link.name, link.url): link for link in account.links if link.enabled}
    taken = {link.name for link in account.links if link.enabled}
    links: list[Link] = []
    new: list[Link] = []
    for name, url in dict.fromkeys(pairs):
        link = there.get((name, url))
        if link is None:
            if name in taken:
                raise Failure(409, f"name {name!r} is taken")
            taken.add(name)
            link = Link(id=account.ids.next("link"), name=name, url=url)
            new.append(link)
        links.append(link)
    account.links.add_all(new)
    return {link.id: link for link in links}


def keep_list(account: Account, name: str, links: dict[int, Link]) -> LinkList:
    return account.link_lists.add(LinkList(id=account.ids.next("link_list"), name=name, links=links))


def found(account: Account, ids: Iterable[int]) -> dict[int, Link]:
    return {link_id: account.links.rows[link_id] for link_id in ids if link_id in account.links.rows}


def shown(row: Link) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "url": row.url, "enabled": row.enabled}


def listed(_account: Account, row: Link) -> dict[str, Any]:
    return {"enabled": row.enabled, "id": row.id, "name": row.name, "url": row.url}


def shown_list(row: LinkList) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "enabled": row.enabled}


def listed_list(_account: Account, row: LinkList) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "enabled": int(row.enabled),
        "conversionCount": row.unique_clicks,
    }


def by_url(row: Link) -> str:
    return row.url


def table(account: Account) -> Table[Link]:
    return account.links


def list_table(account: Account) -> Table[LinkList]:
    return account.link_lists


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "link"): create,
    ("GET", "link"): listing(table, listed, {"name": by_name, "url": by_url}),
    ("PUT", "link/{}"): change,
    ("DELETE", "link/{}"): disabling(table),
    ("POST", "details/linkconversion"): monitor_conversion,
    ("POST", "linklist"): create_list,
    ("POST", "linklist/{}/links"): add_to_list,
    ("POST", "linklist/{}/links/bulk"): add_new_to_list,
    ("GET", "linklist"): listing(list_table, listed_list),
    ("GET", "linklist/{}/links"): list_members,
    ("PUT", "linklist/{}"): replace_by_file,
    ("PATCH", "linklist/{}"): patch_list,
    ("DELETE", "linklist/{}"): disabling(list_table),
    ("DELETE", "linklist/{}/links"): remove_from_list,
}
