"""Every reason to stop, before anything goes out: each check says what is wrong and where to mend it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.choices import country_label
from accounts.instance import REFUSED, fence
from campaigns.models import Broadcast, BroadcastKind, BroadcastState
from campaigns.pictures import pictures_of
from campaigns.services.audience import enabled_lists
from campaigns.services.check import BLOCK, OK, WARN, Check
from campaigns.services.estimate import Estimate
from campaigns.services.local_time import in_workspace, local_forecast, local_times_of
from campaigns.services.senders import SendingFrom, sending_from
from campaigns.services.smart_checks import smart_checks
from campaigns.services.text_warnings import listed_kinds, spelling_warnings, unseen_warnings
from campaigns.services.through import lines_of, through_name, usable_lines
from contacts.models import RecipientList
from contacts.services.import_undo import first_being_undone
from messaging.bodies import body_problem, passes_sender, writes_text
from messaging.budget import budget_of
from messaging.content import Content, compile_content
from messaging.daily import Forecast, forecast
from messaging.media.addresses import address_problem
from messaging.media.sending import disabled_problem, is_one_unit, missing_problem, picture_problem
from messaging.models import SenderList
from messaging.quiet import NightForecast, Zones, hours_words, night_forecast, pinned_hours, quiet_from
from messaging.senders import sender_problem
from messaging.singles import FEW_PARTS, length_problem
from messaging.texts.characters import OddKind, swapped_characters
from messaging.tokens import NEEDS_OWN_URL, UNSUBSCRIPTION_LINK
from providers.daily import bulk_limit
from providers.errors import ConnectorError
from providers.models import Health, ProviderAccount, Route
from providers.services import vendor_label
from sms.opt_out import has_opt_out_wording

# Senders and countries named in a sentence.
NAMED_MOST = 8


def launch_checks(broadcast: Broadcast, estimate: Estimate) -> list[Check]:
    """Blocking ones first, then warnings, then what is right."""
    order = {BLOCK: 0, WARN: 1, OK: 2}
    found = [check for rule in RULES for check in rule(broadcast, estimate)]
    return sorted(found, key=lambda check: order[check.level])


def blocking(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.level == BLOCK]


def _audience(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    reach = estimate.reach
    if broadcast.kind == BroadcastKind.SINGLE and not broadcast.msisdn:
        yield Check("no_number", BLOCK, _("No number to send to. Enter one."), "audience")
    elif broadcast.kind != BroadcastKind.SINGLE and not reach.on_lists:
        yield Check("no_list", BLOCK, _("No people yet. Choose a list that has some."), "audience")
    elif not reach.people:
        sentence = (
            _("This number has opted out. Enter another one.")
            if broadcast.kind == BroadcastKind.SINGLE
            else _("Everybody on the lists has opted out. Choose another list.")
        )
        yield Check("nobody_left", BLOCK, sentence, "audience")
    else:
        if people := estimate.reached:
            yield Check(
                "people", OK, ngettext("%(n)s person gets it", "%(n)s people get it", people) % {"n": people}
            )
    disabled = broadcast.lists.filter(enabled=False).count()
    if disabled:
        yield Check(
            "disabled_list",
            WARN,
            ngettext(
                "%(n)s chosen list is disabled: its people are left out.",
                "%(n)s chosen lists are disabled: their people are left out.",
                disabled,
            )
            % {"n": disabled},
            "audience",
        )


def _barred(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    """Left out when their turn comes; where that is everybody, there is nothing to send."""
    level = WARN if estimate.reached else BLOCK
    if estimate.has_it:
        sentence = ngettext(
            "%(n)s person does not get it again: they have it, or are getting it, from another broadcast to those who"
            " missed it.",
            "%(n)s people do not get it again: they have it, or are getting it, from another broadcast to those who"
            " missed it.",
            estimate.has_it,
        ) % {"n": f"{estimate.has_it:,}"}
        yield Check("has_it", level, sentence, "audience")
    if estimate.capped:
        sentence = ngettext(
            "%(n)s person does not get it: at most %(cap)s broadcasts within %(days)s days are allowed, and they have had"
            " these. Send to them later, or have an admin raise the limit in the settings.",
            "%(n)s people do not get it: at most %(cap)s broadcasts within %(days)s days are allowed, and they have had"
            " these. Send to them later, or have an admin raise the limit in the settings.",
            estimate.capped,
        ) % {
            "n": f"{estimate.capped:,}",
            "cap": broadcast.workspace.frequency_cap,
            "days": broadcast.workspace.frequency_days,
        }
        yield Check("frequency_cap", level, sentence, "audience")


def _copy(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if fence() is not None:
        yield Check("copy", BLOCK, REFUSED)


def _undoing(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    yield from undoing_checks(enabled_lists(broadcast))


def undoing_checks(lists: list[RecipientList]) -> Iterator[Check]:
    """People are being taken off one of the lists."""
    imported = first_being_undone({one.source_id or one.pk for one in lists})
    if imported is not None:
        sentence = _(
            "The import %(name)s into %(list)s is being undone. Wait until it has ended, and look at the people anew."
        ) % {"name": imported.file_name, "list": imported.list}
        yield Check("being_undone", BLOCK, sentence, "audience")


def _text(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    # Of a route's accounts, those that cannot carry the text are left out.
    is_ours = writes_text(broadcast.account)
    if not broadcast.text.strip() and not is_ours:
        yield Check("text_at_vendor", OK, _theirs(broadcast))
        return
    if not (broadcast.text.strip() or estimate.pictures):
        yield Check("no_text", BLOCK, _("The text is empty. Write one."), "message")
        return
    if problem := body_problem(broadcast.account, broadcast.text):
        yield Check("text_at_vendor", BLOCK, problem, "message")
    content = compile_content(broadcast.workspace_id, broadcast.text)
    for error in content.told_errors:
        sentence = _("Line %(line)s, column %(column)s: %(sentence)s") % {
            "line": error.line,
            "column": error.column,
            "sentence": error.sentence,
        }
        yield Check("token", BLOCK, sentence, "message")
    if content.more_errors:
        sentence = ngettext(
            "%(n)s more token is wrong.", "%(n)s more tokens are wrong.", content.more_errors
        ) % {"n": f"{content.more_errors:,}"}
        yield Check("more_tokens", BLOCK, sentence, "message")
    if estimate.empty:
        sentence = ngettext(
            "%(n)s person would get an empty text. Give the tokens a default.",
            "%(n)s people would get an empty text. Give the tokens a default.",
            estimate.empty,
        ) % {"n": f"{estimate.empty:,}"}
        yield Check("empty_text", BLOCK, sentence, "message")
    if estimate.no_url:
        sentence = ngettext(
            "%(n)s person has no address of their own that a link can lead to: %(token)s is left empty for them.",
            "%(n)s people have no address of their own that a link can lead to: %(token)s is left empty for them.",
            estimate.no_url,
        ) % {"n": f"{estimate.no_url:,}", "token": _own_url_tokens(content)}
        yield Check("no_url", WARN, sentence, "message")
    yield from spelling_warnings(broadcast.workspace, broadcast.text)
    if not is_ours:
        if not problem:
            yield Check("text_at_vendor", OK, _theirs(broadcast))
        return
    has_link = UNSUBSCRIPTION_LINK in content.compiled.kinds
    if has_link or has_opt_out_wording(broadcast.text, broadcast.workspace.opt_out_words):
        yield Check("opt_out_wording", OK, _("Opt-out wording is in the text"))
    else:
        sentence = _("The text does not say how to opt out, for example “Reply STOP to opt out”.")
        yield Check("opt_out_wording", WARN, sentence, "message")


def _theirs(broadcast: Broadcast) -> str:
    return _(
        "The text is the one that is kept at %(vendor)s; its parts are not known here, one is counted"
    ) % {"vendor": vendor_label(broadcast.account.vendor) if broadcast.account else ""}


def _own_url_tokens(content: Content) -> str:
    """Those of the text that lead to the recipient's own address."""
    return ", ".join(f"{{{{{kind}}}}}" for kind in sorted(content.compiled.kinds & NEEDS_OWN_URL))


def _pictures(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    pictures = pictures_of(broadcast) if estimate.pictures else []
    if not pictures:
        return
    if problem := disabled_problem(pictures):
        yield Check("picture_disabled", BLOCK, problem, "pictures")
    if problem := missing_problem(pictures):
        yield Check("picture_missing", BLOCK, problem, "pictures")
    account = broadcast.account
    if account is None:
        return
    if problem := picture_problem(account, pictures, broadcast.text):
        yield Check("pictures_not_sent", BLOCK, problem, "pictures")
        return
    if problem := address_problem(account):
        yield Check("pictures_not_reached", WARN, problem)
    sentence = (
        ngettext(
            "%(n)s picture goes with it: a message is one unit, however long its text",
            "%(n)s pictures go with it: a message is one unit, however long its text",
            len(pictures),
        )
        if is_one_unit(account)
        else ngettext("%(n)s picture goes with it", "%(n)s pictures go with it", len(pictures))
    )
    yield Check("pictures", OK, sentence % {"n": len(pictures)})


def _characters(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    """Of the text itself: what nobody sees in it, and what is sent in place of what was written."""
    yield from unseen_warnings(broadcast.workspace, broadcast.text)
    swapped = swapped_characters(broadcast.text) if broadcast.workspace.swaps_characters else []
    if swapped:
        sentence = _("Sent as plain characters, as the workspace wants it: %(kinds)s") % {
            "kinds": listed_kinds(swapped, _swapped)
        }
        yield Check("swapped_characters", OK, sentence)


def _swapped(kind: OddKind) -> str:
    if not kind.swap:
        return _("%(name)s left out") % {"name": kind.name}
    return _("“%(char)s” as “%(swap)s”") % {"char": kind.char, "swap": kind.swap}


def _length(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    account = broadcast.account
    if account is None or not broadcast.text.strip():
        return
    try:
        problem = length_problem(account, broadcast.text)
    except (ConnectorError, ImproperlyConfigured) as error:
        yield Check("account_settings", BLOCK, f"{account.name}: {error}", "account")
        return
    if problem:
        yield Check("text_too_long", BLOCK, problem, "message")
    elif estimate.most_parts > FEW_PARTS:
        people = sum(n for parts, n in estimate.by_parts.items() if parts > FEW_PARTS)
        sentence = _(
            "%(people)s people get more than 3 parts, up to %(parts)s, and each part is paid for. Shorten the text, or"
            " a token's longest values."
        ) % {
            "people": f"{people:,}",
            "parts": estimate.most_parts,
        }
        yield Check("many_parts", WARN, sentence, "message")


def _through(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if broadcast.route is not None:
        yield from _through_route(broadcast, broadcast.route, estimate)
        return
    account = broadcast.account
    if account is None:
        yield Check("no_account", BLOCK, _("No provider account is chosen. Choose one."), "account")
        return
    if not account.enabled:
        sentence = _("%(account)s is disabled. Enable it or choose another account.") % {
            "account": account.name
        }
        yield Check("account_disabled", BLOCK, sentence, "account")
    yield from _failing(account)
    if estimate.out_of_reach:
        yield _out_of_reach(broadcast, estimate)
    if estimate.unpriced and estimate.pictures:
        sentence = _(
            "%(account)s has no price for messages with pictures, so the cost is not known. Set it on the account's page."
        ) % {"account": account.name}
        yield Check("unpriced", WARN, sentence, "account")
    elif estimate.unpriced:
        yield _unpriced(estimate)


def _failing(account: ProviderAccount) -> Iterator[Check]:
    if account.health == Health.FAILING:
        sentence = _("%(account)s failed lately: %(words)s Test the connection.") % {
            "account": account.name,
            "words": account.health_words,
        }
        yield Check("account_failing", WARN, sentence, "account")


def _unpriced(estimate: Estimate) -> Check:
    sentence = ngettext(
        "No price is known for %(n)s person: the cost leaves them out.",
        "No price is known for %(n)s people: the cost leaves them out.",
        estimate.unpriced,
    ) % {"n": f"{estimate.unpriced:,}"}
    return Check("unpriced", WARN, sentence, "account")


def _through_route(broadcast: Broadcast, route: Route, estimate: Estimate) -> Iterator[Check]:
    """Accounts that cannot carry it are left out and named; without any other it cannot go out."""
    if not route.enabled:
        sentence = _("The route %(route)s is disabled. Enable it or choose another.") % {"route": route}
        yield Check("route_disabled", BLOCK, sentence, "account")
    lines = lines_of(broadcast)
    usable = [line for line in lines if not line.problem]
    if not lines:
        sentence = _("The route %(route)s has no accounts. Add some to it or choose another.")
        yield Check("route_empty", BLOCK, sentence % {"route": route}, "account")
        return
    if not usable:
        sentence = _("None of the accounts of %(route)s can carry it. %(problem)s")
        yield Check(
            "route_useless", BLOCK, sentence % {"route": route, "problem": lines[0].problem}, "account"
        )
        return
    currencies = sorted({line.account.currency for line in usable})
    if len(currencies) > 1:
        sentence = _(
            "The accounts of %(route)s charge in different currencies (%(currencies)s), so nobody can say what it costs."
            " Give them one, or take some off the route."
        ) % {"route": route, "currencies": ", ".join(currencies)}
        yield Check("route_currencies", BLOCK, sentence, "account")
    for line in lines:
        if line.problem:
            sentence = _("%(route)s goes without %(account)s: %(problem)s") % {
                "route": route,
                "account": line.account,
                "problem": line.problem,
            }
            yield Check("account_left_out", WARN, sentence, "account")
        else:
            yield from _failing(line.account)
    if estimate.out_of_reach:
        yield _out_of_reach(broadcast, estimate)
    if estimate.unpriced:
        yield _unpriced(estimate)
    if estimate.through:
        yield Check("through", OK, _shares_words(route, estimate))


def _shares_words(route: Route, estimate: Estimate) -> str:
    shown = [f"{share.account}: {share.people:,}" for share in estimate.through[:NAMED_MOST]]
    more = "…" if len(estimate.through) > NAMED_MOST else ""
    return _("Through %(route)s, people by account: %(shares)s") % {
        "route": route,
        "shares": ", ".join(shown) + more,
    }


def _out_of_reach(broadcast: Broadcast, estimate: Estimate) -> Check:
    """They fail, certainly not sent; where that is everybody, there is nothing to send."""
    facts = {"account": through_name(broadcast), "countries": _countries(estimate.out_of_reach)}
    if not estimate.reached:
        sentence = _(
            "%(account)s reaches none of these people (%(countries)s). Choose an account for their countries."
        )
        return Check("out_of_reach", BLOCK, sentence % facts, "account")
    people = estimate.beyond_reach
    sentence = ngettext(
        "%(n)s person does not get it, since %(account)s does not send to that number (%(countries)s). Send to them through"
        " another account.",
        "%(n)s people do not get it, since %(account)s does not send to their numbers (%(countries)s). Send to them through"
        " another account.",
        people,
    )
    return Check("out_of_reach", WARN, sentence % (facts | {"n": f"{people:,}"}), "account")


def _countries(people: Mapping[str, int]) -> str:
    """With how many people each, most first; named as far as they fit into a sentence."""
    most = sorted(people.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{country_label(code) if code else _('no country')}: {count:,}" for code, count in most]
    return ", ".join(shown[:NAMED_MOST]) + ("…" if len(shown) > NAMED_MOST else "")


def _budget(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    workspace = broadcast.workspace
    name = through_name(broadcast)
    if workspace.monthly_budget is None or not name or not estimate.is_counted:
        return
    if estimate.currency != workspace.currency:
        sentence = _(
            "%(account)s charges in %(theirs)s, the workspace's budget is in %(ours)s: this broadcast does not count"
            " towards the budget."
        ) % {"account": name, "theirs": estimate.currency, "ours": workspace.currency}
        yield Check("budget_currency", WARN, sentence)
    elif estimate.first_cost is not None:
        yield from budget_checks(broadcast, estimate.first_cost)


def budget_checks(broadcast: Broadcast, cost: Decimal) -> Iterator[Check]:
    """`cost`: in the workspace's currency. Of the month in which it goes out."""
    budget = budget_of(broadcast.workspace, at=in_workspace(broadcast), but_broadcast_id=broadcast.pk)
    if problem := budget.problem(cost):
        yield Check("over_budget", BLOCK, problem, "audience")
    elif warning := budget.warning_with(cost):
        yield Check("near_budget", WARN, warning)


def _daily_limit(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if broadcast.route is not None:
        for line in usable_lines(broadcast):
            if problem := _never_goes(line.account, estimate):
                yield problem
        for one, held in held_in_route(broadcast, estimate):
            yield Check("daily_limit", WARN, _held_words(broadcast, one, estimate, held), "account")
        return
    account = broadcast.account
    if account is None or account.parts_per_day is None or not (estimate.is_counted and estimate.parts):
        return
    if problem := _never_goes(account, estimate):
        yield problem
        return
    if found := held_by_limit(broadcast, estimate):
        yield Check("daily_limit", WARN, _held_words(broadcast, account, estimate, found), "account")


def _never_goes(account: ProviderAccount, estimate: Estimate) -> Check | None:
    if account.parts_per_day is None or estimate.most_parts <= (limit := bulk_limit(account.parts_per_day)):
        return None
    sentence = _(
        "Texts have up to %(parts)s parts, more than %(account)s may send on a whole day (%(limit)s): they would never"
        " go. Raise the limit on the account's page, or shorten the text."
    ) % {"parts": estimate.most_parts, "account": account, "limit": f"{limit:,}"}
    return Check("over_daily_limit", BLOCK, sentence, "account")


def held_in_route(broadcast: Broadcast, estimate: Estimate) -> Iterator[tuple[ProviderAccount, Forecast]]:
    """What the limits of a route's accounts do to it; with segments, were all of them sent at once."""
    shares = {share.account_id: share for share in estimate.through}
    at = broadcast.send_at or timezone.now()
    for line in usable_lines(broadcast):
        share = shares.get(line.account.pk)
        if share and share.parts:
            found = forecast(line.account, people=share.people, parts=share.parts, at=at)
            if found:
                yield line.account, found


def held_by_limit(broadcast: Broadcast, estimate: Estimate) -> Forecast | None:
    """What the account's limit of parts a day does to it, to its first segment where it has several; None where all go at
    once."""
    if broadcast.account is None or not (estimate.is_counted and estimate.parts):
        return None
    people, parts = sum(estimate.by_parts.values()), estimate.parts
    if estimate.first is not None:
        people, parts = estimate.first.reached, estimate.first.parts
    at = in_workspace(broadcast) or timezone.now()
    return forecast(broadcast.account, people=people, parts=parts, at=at)


def last_day(broadcast: Broadcast, estimate: Estimate) -> date | None:
    """On which the last ones get it, where an account's daily limit holds some; None where all go at once."""
    held = held_by_limit(broadcast, estimate)
    found = [held] if held else [one for _account, one in held_in_route(broadcast, estimate)]
    return max((one.last_day for one in found), default=None)


def _held_words(broadcast: Broadcast, account: ProviderAccount, estimate: Estimate, found: Forecast) -> str:
    """With texts of several lengths nobody knows before which of them find room."""
    sentence = (
        ngettext(
            "%(account)s sends %(limit)s parts of broadcasts a day, and %(left)s are left on %(day)s: %(n)s person is held"
            " and gets it later, from %(next)s on, the last on %(last)s (%(zone)s).",
            "%(account)s sends %(limit)s parts of broadcasts a day, and %(left)s are left on %(day)s: %(n)s people are held"
            " and get it later, from %(next)s on, the last on %(last)s (%(zone)s).",
            found.held,
        )
        if len(estimate.by_parts) == 1
        else _(
            "%(account)s sends %(limit)s parts of broadcasts a day, and %(left)s are left on %(day)s: about %(n)s people are"
            " held and get it later, from %(next)s on, the last on %(last)s (%(zone)s)."
        )
    )
    return sentence % {
        "account": account,
        "limit": f"{found.limit:,}",
        "left": f"{found.left:,}",
        "day": date_format(found.day, "j F Y"),
        "n": f"{found.held:,}",
        "next": date_format(found.next_day, "j F Y"),
        "last": date_format(found.last_day, "j F Y"),
        "zone": broadcast.workspace.time_zone,
    }


def _quiet_hours(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    """By what the engine asks, for the moment at which it begins."""
    pinned = pinned_hours(broadcast.workspace)
    quiet = quiet_from(pinned)
    if quiet is None or not (estimate.is_counted and estimate.parts):
        return
    found = night_forecast(quiet, estimate.zones, _turns_of(broadcast, estimate))
    facts = {"n": f"{found.held:,}", "hours": hours_words(pinned), "all": f"{sum(estimate.zones.values()):,}"}
    if estimate.quiet_hours is None:
        sentence = ngettext(
            "It goes out in quiet hours (%(hours)s), too: it begins in them for %(n)s person of %(all)s.",
            "It goes out in quiet hours (%(hours)s), too: it begins in them for %(n)s people of %(all)s.",
            found.held,
        )
        yield Check("quiet_hours_ignored", WARN, sentence % facts, "schedule")
    elif found.held:
        yield Check("quiet_hours", WARN, _night_words(broadcast, found, facts), "schedule")
    else:
        sentence = _("Nobody is in quiet hours (%(hours)s where they are) when it begins")
        yield Check("quiet_hours", OK, sentence % facts)
    is_kept = estimate.quiet_hours is not None and local_times_of(broadcast) is None
    if is_kept and found.begins and _lasts_until(broadcast, estimate, found.begins):
        sentence = _(
            "Sending is not over by %(time)s, when quiet hours begin for the first people: whoever has not had their turn"
            " when they begin there is held, too."
        )
        yield Check(
            "quiet_hours_later", WARN, sentence % {"time": _moment(broadcast, found.begins)}, "schedule"
        )


def night_of(broadcast: Broadcast, estimate: Estimate) -> NightForecast | None:
    """Who is held for quiet hours when it begins; None where nobody is."""
    quiet = quiet_from(estimate.quiet_hours)
    found = night_forecast(quiet, estimate.zones, _turns_of(broadcast, estimate)) if quiet else None
    return found if found and found.held else None


def begins_at(broadcast: Broadcast, estimate: Estimate) -> datetime:
    """Not before now."""
    now = timezone.now()
    local = local_forecast(broadcast, estimate.zones)
    if local is None:
        return max(broadcast.send_at or now, now)
    return now if local.passed or local.first is None else max(local.first, now)


def _turns_of(broadcast: Broadcast, estimate: Estimate) -> Callable[[Zones], datetime]:
    """When people in these zones have their turn, the pace of the account aside."""
    begins, times = begins_at(broadcast, estimate), local_times_of(broadcast)
    return lambda zones: begins if times is None else max(times.moment_in(zones), begins)


def _night_words(broadcast: Broadcast, found: NightForecast, facts: Mapping[str, str]) -> str:
    assert found.first is not None
    assert found.last is not None
    sentence = (
        ngettext(
            "%(n)s person of %(all)s is in quiet hours (%(hours)s where they are) when it begins: held until they end, at"
            " %(last)s.",
            "%(n)s people of %(all)s are in quiet hours (%(hours)s where they are) when it begins: held until they end, at"
            " %(last)s.",
            found.held,
        )
        if found.first == found.last
        else _(
            "%(n)s people of %(all)s are in quiet hours (%(hours)s where they are) when it begins: held until they end"
            " there, from %(first)s on, the last at %(last)s."
        )
    )
    moments = {"first": _moment(broadcast, found.first), "last": _moment(broadcast, found.last)}
    return sentence % {**facts, **moments}


def _moment(broadcast: Broadcast, at: datetime) -> str:
    local = timezone.localtime(at, _zone(broadcast))
    return f"{date_format(local, 'j F Y, H:i')} {local:%Z}"


def _lasts_until(broadcast: Broadcast, estimate: Estimate, moment: datetime) -> bool:
    """At the pace of the account, were it alone on it."""
    account = broadcast.account
    if account is None or not account.parts_per_second:
        return False
    parts = estimate.first.parts if estimate.first else estimate.parts
    return (
        begins_at(broadcast, estimate) + timedelta(seconds=float(parts / account.parts_per_second)) > moment
    )


def _sender(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if not passes_sender(broadcast.account) and broadcast.account:
        sentence = _(
            "%(account)s sends from a sender of its own: the one that is chosen here is not what people see."
        ) % {"account": broadcast.account}
        yield Check("sender_of_vendor", WARN, sentence, "sender")
    if broadcast.sender_list is not None:
        yield from _sender_list(broadcast, broadcast.sender_list)
    else:
        yield from _one_sender(broadcast)
    if estimate.no_sender:
        yield _no_sender_for_country(estimate)


def _one_sender(broadcast: Broadcast) -> Iterator[Check]:
    sender = broadcast.sender
    if sender is None:
        yield Check("no_sender", BLOCK, _("No sender is chosen. Choose one."), "sender")
        return
    if not sender.enabled:
        sentence = _("The sender %(sender)s is disabled. Enable it or choose another.") % {"sender": sender}
        yield Check("sender_disabled", BLOCK, sentence, "sender")
    problem = sender_problem(sender, broadcast.account) if broadcast.account else None
    if problem:
        yield Check("sender_not_allowed", BLOCK, problem, "sender")
    elif broadcast.account and passes_sender(broadcast.account):
        sentence = _("%(account)s may use the sender %(sender)s") % {
            "account": broadcast.account,
            "sender": sender,
        }
        yield Check("sender", OK, sentence)


def _sender_list(broadcast: Broadcast, sender_list: SenderList) -> Iterator[Check]:
    """Members that cannot be used are left out and named; without any other it cannot go out."""
    if not sender_list.enabled:
        sentence = _("The sender list %(list)s is disabled. Enable it or choose another.") % {
            "list": sender_list
        }
        yield Check("sender_list_disabled", BLOCK, sentence, "sender")
    senders = sending_from(broadcast)
    count = len(senders.senders)
    if not count and not senders.left_out:
        sentence = _("The sender list %(list)s is empty. Add senders to it or choose another.") % {
            "list": sender_list
        }
        yield Check("sender_list_empty", BLOCK, sentence, "sender")
        return
    if not count:
        sentence = _("None of the senders of %(list)s can be used. %(problem)s") % {
            "list": sender_list,
            "problem": senders.left_out[0][1],
        }
        yield Check("sender_not_allowed", BLOCK, sentence, "sender")
        return
    if senders.left_out:
        yield Check("senders_left_out", WARN, _left_out_words(sender_list, senders), "sender")
    if broadcast.account and passes_sender(broadcast.account):
        words = (
            ngettext(
                "%(n)s sender of %(list)s, the same for each person",
                "%(n)s senders of %(list)s, each person always gets the same one",
                count,
            )
            if senders.is_sticky
            else ngettext(
                "%(n)s sender of %(list)s",
                "%(n)s senders of %(list)s, one at random for each message",
                count,
            )
        )
        yield Check("sender", OK, words % {"n": count, "list": sender_list})


def _left_out_words(sender_list: SenderList, senders: SendingFrom) -> str:
    names = [str(sender) for sender, _problem in senders.left_out]
    named = ", ".join(names[:NAMED_MOST]) + ("…" if len(names) > NAMED_MOST else "")
    return ngettext(
        "%(n)s sender of %(list)s is left out, since it cannot be used: %(named)s. %(problem)s",
        "%(n)s senders of %(list)s are left out, since they cannot be used: %(named)s. The first: %(problem)s",
        len(names),
    ) % {"n": len(names), "list": sender_list, "named": named, "problem": senders.left_out[0][1]}


def _no_sender_for_country(estimate: Estimate) -> Check:
    """They fail, certainly not sent; where that is everybody, there is nothing to send."""
    people = estimate.without_sender
    named = _countries(estimate.no_sender)
    if not estimate.reached:
        sentence = _(
            "The senders may not send to any of these people (%(countries)s). Choose a sender for their countries."
        ) % {"countries": named}
        return Check("no_sender_for_country", BLOCK, sentence, "sender")
    sentence = ngettext(
        "%(n)s person does not get it, since no sender may send to that country (%(countries)s). Choose a sender for it,"
        " or add the country to one.",
        "%(n)s people do not get it, since no sender may send to their countries (%(countries)s). Choose senders for these,"
        " or add the countries to one.",
        people,
    ) % {"n": f"{people:,}", "countries": named}
    return Check("no_sender_for_country", WARN, sentence, "sender")


def _campaign(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    campaign = broadcast.campaign
    if not campaign.enabled:
        sentence = _("The campaign %(campaign)s is disabled. Enable it or choose another.") % {
            "campaign": campaign
        }
        yield Check("campaign_disabled", BLOCK, sentence, "campaign")
    day = timezone.localtime(in_workspace(broadcast) or timezone.now(), _zone(broadcast)).date()
    outside = (campaign.starts_on and day < campaign.starts_on) or (
        campaign.ends_on and day > campaign.ends_on
    )
    if outside:
        sentence = _(
            "The campaign %(campaign)s does not run on %(day)s. Change its dates or choose another."
        ) % {
            "campaign": campaign,
            "day": day.isoformat(),
        }
        yield Check("campaign_dates", BLOCK, sentence, "campaign")


def _schedule(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    if local_times_of(broadcast) is not None:
        yield from _local_time(broadcast, estimate)
    elif broadcast.send_at and broadcast.send_at < timezone.now():
        yield Check(
            "in_the_past", BLOCK, _("The time to send has passed. Choose a later one, or now."), "schedule"
        )


def _local_time(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    found = local_forecast(broadcast, estimate.zones)
    assert found is not None
    assert broadcast.local_date is not None
    assert broadcast.local_time is not None
    facts = {"time": f"{broadcast.local_time:%H:%M}", "day": date_format(broadcast.local_date, "j F Y")}
    if found.first is None or found.last is None:
        if estimate.people:
            sentence = _(
                "%(time)s on %(day)s has passed everywhere where recipients are. Choose a later time, or now."
            )
            yield Check("in_the_past", BLOCK, sentence % facts, "schedule")
        return
    if estimate.passed:
        sentence = ngettext(
            "%(n)s person does not get it: %(time)s on %(day)s has passed where they are.",
            "%(n)s people do not get it: %(time)s on %(day)s has passed where they are.",
            estimate.passed,
        )
        yield Check("local_time_passed", WARN, sentence % (facts | {"n": f"{estimate.passed:,}"}), "schedule")
    if found.passed:
        sentence = ngettext(
            "%(n)s person gets it at once: %(time)s on %(day)s has passed where they are.",
            "%(n)s people get it at once: %(time)s on %(day)s has passed where they are.",
            found.passed,
        )
        yield Check("local_time_passed", WARN, sentence % (facts | {"n": f"{found.passed:,}"}), "schedule")
    moments = {"first": _moment(broadcast, found.first), "last": _moment(broadcast, found.last)}
    sentence = (
        _("Sent at %(time)s on %(day)s where each recipient is, which is %(first)s for all of them")
        if found.first == found.last
        else _("Sent at %(time)s on %(day)s where each recipient is: from %(first)s to %(last)s")
    )
    yield Check("local_time", OK, sentence % (facts | moments))


def _smart(broadcast: Broadcast, estimate: Estimate) -> Iterator[Check]:
    # Of a further segment it has been agreed to already.
    if broadcast.is_smart and broadcast.state in (BroadcastState.DRAFT, BroadcastState.SCHEDULED):
        yield from smart_checks(broadcast, estimate.people)


def _zone(broadcast: Broadcast) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(broadcast.workspace.time_zone)


RULES: tuple[Callable[[Broadcast, Estimate], Iterator[Check]], ...] = (
    _copy,
    _audience,
    _barred,
    _undoing,
    _text,
    _pictures,
    _characters,
    _length,
    _through,
    _budget,
    _daily_limit,
    _quiet_hours,
    _sender,
    _campaign,
    _schedule,
    _smart,
)
