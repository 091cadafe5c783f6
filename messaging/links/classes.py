"""Who followed a link: a person, a machine, or nobody can say. Computed from raw hits, so it can be computed again.

    class    rule            what was seen
    bot      head            a request for the headers alone (HEAD)
    bot      method          a request that is neither GET nor HEAD
    bot      prefetch        the browser said that it only looks ahead (Purpose, Sec-Purpose, X-Moz)
    bot      no_agent        no program names itself
    bot      preview         a program that draws previews of links
    bot      crawler         a search engine or a scanner that says so
    bot      program         a library, a tool or a browser without a screen
    bot      burst           one visitor opened the links of many people at once (BURSTS)
    bot      all_links       one visitor opened several links of a message within ALL_LINKS_SECONDS
    unsure   over            the link was over, and the visitor was led nowhere
    unsure   too_fast        opened within TOO_FAST_SECONDS of being sent
    unsure   after_burst     a visitor of a burst came again, within AFTER_BURST
    human                    none of these

The first that applies decides. A visitor is an address with the program that it names: behind one address of a mobile
network thousands of people go out, so neither many people behind an address nor many of one program are a machine, but
so many within seconds are. How long after sending a burst begins is not asked: scanners of mobile networks begin about
43 seconds after it (median), when a window of some seconds would have closed.

A link's own address is nobody's in particular: however often one visitor opens it, no link of another person was opened.
What comes of a set of hits depends on their times alone, not on the order in which they are given.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple


class HitClass(StrEnum):
    HUMAN = "human"
    BOT = "bot"
    UNSURE = "unsure"


class Verdict(NamedTuple):
    """`rule`: the name of the one that decided; "" of a person."""

    hit_class: HitClass
    rule: str


@dataclass(frozen=True, slots=True)
class Hit:
    """`message_id`: None of a link's own address. `visitor`: an address and a program, as one word; `since_sent`: None
    where nobody knows; `is_over`: the link was over and said so.
    """

    at: datetime
    message_id: int | None
    link_id: int
    visitor: str
    method: str
    agent: str
    is_prefetch: bool = False
    since_sent: timedelta | None = None
    is_over: bool = False


HUMAN = Verdict(HitClass.HUMAN, "")
BURST = "burst"
DOUBTED = Verdict(HitClass.UNSURE, "after_burst")
TOO_FAST_SECONDS = 2
ALL_LINKS_SECONDS = 3
# (people, seconds): so many different people's links, opened by one visitor within so many seconds.
BURSTS = ((5, 10), (20, 120))
AFTER_BURST = timedelta(hours=24)

# Parts of what programs call themselves, in small letters.
_PREVIEWS = (
    "facebookexternalhit", "facebot", "twitterbot", "slackbot", "slack-imgproxy", "linkedinbot", "telegrambot",
    "discordbot", "skypeuripreview", "whatsapp/", "viber/", "signal-android", "yahoo link preview", "yahoomailproxy",
    "googleimageproxy", "google-pagerenderer", "google-read-aloud", "kakaotalk-scrap", "line-poker", "embedly",
    "iframely", "bitlybot", "redditbot", "pinterestbot", "mastodon/", "microsoft office", "ms-office", "skypespaces",
    "teams-bot", "snap url preview", "vkshare", "rcs-preview",
)  # fmt: skip
_CRAWLERS = (
    "googlebot", "adsbot", "mediapartners-google", "apis-google", "bingbot", "bingpreview", "applebot", "yandexbot",
    "yandex.com/bots", "petalbot", "ahrefsbot", "semrushbot", "mj12bot", "dotbot", "baiduspider", "duckduckbot", "seznambot",
    "bytespider", "gptbot", "claudebot", "ccbot", "amazonbot", "censys", "zgrab", "nmap", "masscan", "expanse",
    "urlscan", "virustotal", "barracuda", "proofpoint", "mimecast", "safebrowsing", "phishtank", "netcraft",
    "crawler", "spider", "bot/", "bot;", "+http",
)  # fmt: skip
# Of the web or of mail; but apps that read QR codes are called so too, and show the page to whoever holds the phone.
_SCANNER = r"(?<!qr)(?<!code)(?<!qr[ _-])(?<!code[ _-])scanner"
_PROGRAMS = (
    "curl/", "wget/", "python", "aiohttp", "httpx", "go-http-client", "java/", "okhttp", "apache-httpclient",
    "libwww-perl", "lwp", "ruby", "php/", "guzzlehttp", "node-fetch", "axios", "undici", "postmanruntime",
    "insomnia", "dart/", "reqwest", "headlesschrome", "phantomjs", "selenium", "puppeteer", "playwright", "electron",
    "cfnetwork", "dalvik/",
)  # fmt: skip
# Old desktop browsers whose exact names messengers of phones use for their previews.
_PREVIEWS_IN_DISGUISE = frozenset(
    {"mozilla/5.0 (x11; ubuntu; linux i686; rv:24.0) gecko/20100101 firefox/24.0"}
)
_NAMES = tuple(
    (rule, re.compile("|".join((*map(re.escape, parts), *patterns))))
    for rule, parts, patterns in (
        ("preview", _PREVIEWS, ()),
        ("crawler", _CRAWLERS, (_SCANNER,)),
        ("program", _PROGRAMS, ()),
    )
)


def classify_alone(hit: Hit) -> Verdict:
    """By what the request itself says: at once, for where to lead it."""
    if hit.method != "GET":
        return Verdict(HitClass.BOT, "head" if hit.method == "HEAD" else "method")
    if hit.is_prefetch:
        return Verdict(HitClass.BOT, "prefetch")
    if rule := agent_rule(hit.agent):
        return Verdict(HitClass.BOT, rule)
    if hit.is_over:
        return Verdict(HitClass.UNSURE, "over")
    if hit.since_sent is not None and hit.since_sent < timedelta(seconds=TOO_FAST_SECONDS):
        return Verdict(HitClass.UNSURE, "too_fast")
    return HUMAN


@lru_cache(maxsize=1_024)
def agent_rule(agent: str) -> str:
    """Which machine a program's name gives away; "" for a browser in somebody's hand."""
    name = agent.strip().lower()
    if not name:
        return "no_agent"
    if name in _PREVIEWS_IN_DISGUISE:
        return "preview"
    return next((rule for rule, parts in _NAMES if parts.search(name)), "")


def classify(hits: Sequence[Hit], burst_before: Mapping[str, datetime] | None = None) -> list[Verdict]:
    """All hits of a time together: also by what they have in common. The verdicts stand in the order of the hits.

    Sound as far as the hits reach. `burst_before`: when visitors last made a burst of which no hit is among them.
    """
    bursts = burst_before or {}
    verdicts = [classify_alone(hit) for hit in hits]
    by_visitor: dict[str, list[int]] = defaultdict(list)
    for index, hit in enumerate(hits):
        if verdicts[index].hit_class != HitClass.BOT:
            by_visitor[hit.visitor].append(index)
    for visitor, indexes in by_visitor.items():
        indexes.sort(key=lambda index: hits[index].at)
        for index in _openers_of_all_links(hits, indexes):
            verdicts[index] = Verdict(HitClass.BOT, "all_links")
        _mark_bursts(hits, indexes, verdicts, bursts.get(visitor))
    return verdicts


def _openers_of_all_links(hits: Sequence[Hit], indexes: Sequence[int]) -> Iterator[int]:
    by_message: dict[int, list[int]] = defaultdict(list)
    for index in indexes:
        message_id = hits[index].message_id
        if message_id is not None:
            by_message[message_id].append(index)
    for own in by_message.values():
        yield from _near_another_link(hits, own)
        yield from _near_another_link(hits, own[::-1])


def _near_another_link(hits: Sequence[Hit], own: Sequence[int]) -> Iterator[int]:
    """Of hits of one message in the order of their time, or against it: those that came soon after another link of it."""
    other: int | None = None
    for before, index in pairwise(own):
        if hits[before].link_id != hits[index].link_id:
            other = before
        if other is not None and abs(hits[index].at - hits[other].at) <= timedelta(seconds=ALL_LINKS_SECONDS):
            yield index


def _mark_bursts(
    hits: Sequence[Hit], indexes: Sequence[int], verdicts: list[Verdict], last: datetime | None
) -> None:
    in_burst = {index for people, seconds in BURSTS for index in _burst(hits, indexes, people, seconds)}
    for index in indexes:
        at = hits[index].at
        if index in in_burst:
            last = at
            verdicts[index] = Verdict(HitClass.BOT, BURST)
        elif last is not None and last < at <= last + AFTER_BURST and verdicts[index] == HUMAN:
            verdicts[index] = DOUBTED


def _burst(hits: Sequence[Hit], indexes: Sequence[int], people: int, seconds: int) -> Iterator[int]:
    """Of hits in the order of their time, those in any stretch of `seconds` that holds the links of `people`."""
    within = timedelta(seconds=seconds)
    # None: of a link's own address, which is nobody's.
    counts: Counter[int | None] = Counter()
    first = marked = 0
    for last, index in enumerate(indexes):
        counts[hits[index].message_id] += 1
        while hits[index].at - hits[indexes[first]].at > within:
            leaving = hits[indexes[first]].message_id
            counts[leaving] -= 1
            if not counts[leaving]:
                del counts[leaving]
            first += 1
        if len(counts) - (None in counts) >= people:
            yield from indexes[max(first, marked) : last + 1]
            marked = last + 1


_DESKTOP = re.compile(r"windows nt|macintosh|x11; (?!.*android)|cros ", re.IGNORECASE)
_TABLET = re.compile(r"ipad|tablet|android(?!.*mobile)", re.IGNORECASE)


class Device(StrEnum):
    PHONE = "phone"
    TABLET = "tablet"
    DESKTOP = "desktop"


def device_of(agent: str) -> Device:
    if _TABLET.search(agent):
        return Device.TABLET
    return Device.DESKTOP if _DESKTOP.search(agent) else Device.PHONE
