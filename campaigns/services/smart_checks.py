"""What a smart broadcast needs before it is launched, and its plan in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Broadcast, BroadcastKind
from campaigns.services.check import BLOCK, OK, WARN, Check
from messaging.content import compile_content
from messaging.tokens import CLICKED_LINKS


def smart_checks(broadcast: Broadcast, people: int) -> Iterator[Check]:
    """`people`: of the whole audience."""
    if broadcast.first_segment_size is None:
        sentence = _("Nothing says how many people the first segment has. Enter a number.")
        yield Check("no_first_segment", BLOCK, sentence, "segments")
    elif people and broadcast.first_segment_size >= people:
        sentence = _("The first segment is everybody: nobody is left for a next one.")
        yield Check("one_segment", WARN, sentence, "segments")
    if broadcast.exp_date is not None and broadcast.exp_date <= (broadcast.send_at or timezone.now()):
        sentence = _("It expires before it begins. Choose a later time to expire, or none.")
        yield Check("expires_too_early", BLOCK, sentence, "segments")
    if broadcast.kind == BroadcastKind.SMART_CTR:
        yield from _by_clicks(broadcast)
    if broadcast.first_segment_size is not None:
        yield Check("segments", OK, forecast(broadcast, people))


def _by_clicks(broadcast: Broadcast) -> Iterator[Check]:
    if broadcast.conversion_threshold is None:
        sentence = _("Nothing says how many of a hundred have to click for the next segment. Enter a number.")
        yield Check("no_threshold", BLOCK, sentence, "segments")
    if broadcast.next_segment_size is None:
        sentence = _("Nothing says how many people each next segment has. Enter a number.")
        yield Check("no_next_segment", BLOCK, sentence, "segments")
    sizes = [broadcast.first_segment_size, broadcast.next_segment_size]
    least = min((size for size in sizes if size is not None), default=None)
    if least is not None and least < broadcast.minimum_sample:
        sentence = _(
            "It is decided on %(sample)s messages sent at least, but a segment has only %(size)s: it could never be"
            " decided. Make the segments larger, or decide on fewer."
        ) % {"sample": f"{broadcast.minimum_sample:,}", "size": f"{least:,}"}
        yield Check("segments_below_sample", BLOCK, sentence, "segments")
    cap, first = broadcast.recipient_cap, broadcast.first_segment_size
    if cap is not None and first is not None and cap < first:
        sentence = _(
            "At most %(cap)s people, but the first segment has %(size)s. Raise the one or lower the other."
        )
        words = sentence % {"cap": f"{cap:,}", "size": f"{first:,}"}
        yield Check("cap_below_first", BLOCK, words, "segments")
    if not compile_content(broadcast.workspace_id, broadcast.text).compiled.kinds & CLICKED_LINKS:
        sentence = _(
            "The text has no link of Crier’s, so nobody can click and no next segment goes out. Put a link in."
        )
        yield Check("no_link", BLOCK, sentence, "message")
    if broadcast.exp_date is None:
        sentence = _("It has no time to expire: it waits for clicks until somebody stops it.")
        yield Check("never_expires", WARN, sentence, "segments")


def forecast(broadcast: Broadcast, people: int) -> str:
    """The plan in words: what goes out now, and when the rest does."""
    first = min(broadcast.first_segment_size or people, people)
    sentences = [
        ngettext("First %(n)s of %(people)s people.", "First %(n)s of %(people)s people.", first)
        % {"n": f"{first:,}", "people": f"{people:,}"}
    ]
    if first < people:
        sentences.append(
            _next_by_clicks(broadcast)
            if broadcast.kind == BroadcastKind.SMART_CTR
            else _("Each next segment when a person sends it.")
        )
    if broadcast.exp_date is not None:
        moment = timezone.localtime(broadcast.exp_date)
        when = f"{date_format(moment, 'j M Y H:i')} {moment:%Z}"
        sentences.append(_("Who has not got it by %(time)s does not get it.") % {"time": when})
    return " ".join(sentences)


def _next_by_clicks(broadcast: Broadcast) -> str:
    if broadcast.conversion_threshold is None or broadcast.next_segment_size is None:
        return ""
    words = {
        "size": f"{broadcast.next_segment_size:,}",
        "threshold": percent_text(broadcast.conversion_threshold),
        "sample": f"{broadcast.minimum_sample:,}",
        "minutes": f"{broadcast.wait_minutes:,}",
    }
    sentence = _(
        "The next %(size)s each time when %(threshold)s of a segment have clicked, %(minutes)s minutes after it was through"
        " at the earliest and on %(sample)s messages sent at least."
    )
    if broadcast.recipient_cap is None:
        return sentence % words
    cap = _("After %(cap)s people it asks.") % {"cap": f"{broadcast.recipient_cap:,}"}
    return f"{sentence % words} {cap}"


def percent_text(number: Decimal) -> str:
    """`2%`, `2.5%`: without zeros that say nothing."""
    return f"{number.normalize():f}%"
