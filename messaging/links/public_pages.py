"""Pages for strangers who followed a short link that leads nowhere, is over, or cannot be looked up now.

Made without Django's templates: they stand before Django, and the database may be away. Not gettext, as the unsubscribe
page: strangers read their own language, whatever languages the installation has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.translation.trans_real import parse_accept_lang_header


@dataclass(frozen=True, slots=True)
class Words:
    nowhere: str
    over: str
    moment: str
    open_only: str
    right_to_left: bool = False


WORDS = {
    "en": Words(
        nowhere="This link leads nowhere.",
        over="This link is over.",
        moment="One moment: this link is looked up.",
        open_only="This link can only be opened.",
    ),
    "de": Words(
        nowhere="Dieser Link führt nirgendwohin.",
        over="Dieser Link ist abgelaufen.",
        moment="Einen Moment: Dieser Link wird nachgeschlagen.",
        open_only="Dieser Link kann nur geöffnet werden.",
    ),
    "fr": Words(
        nowhere="Ce lien ne mène nulle part.",
        over="Ce lien a expiré.",
        moment="Un instant : ce lien est en cours de recherche.",
        open_only="Ce lien peut seulement être ouvert.",
    ),
    "es": Words(
        nowhere="Este enlace no lleva a ninguna parte.",
        over="Este enlace ha caducado.",
        moment="Un momento: se está buscando este enlace.",
        open_only="Este enlace solo se puede abrir.",
    ),
    "pt": Words(
        nowhere="Este link não leva a lado nenhum.",
        over="Este link expirou.",
        moment="Um momento: este link está a ser procurado.",
        open_only="Este link só pode ser aberto.",
    ),
    "it": Words(
        nowhere="Questo link non porta da nessuna parte.",
        over="Questo link è scaduto.",
        moment="Un momento: stiamo cercando questo link.",
        open_only="Questo link si può solo aprire.",
    ),
    "nl": Words(
        nowhere="Deze link leidt nergens heen.",
        over="Deze link is verlopen.",
        moment="Een ogenblik: deze link wordt opgezocht.",
        open_only="Deze link kan alleen worden geopend.",
    ),
    "pl": Words(
        nowhere="Ten link donikąd nie prowadzi.",
        over="Ten link wygasł.",
        moment="Chwileczkę: szukamy tego linku.",
        open_only="Ten link można tylko otworzyć.",
    ),
    "uk": Words(
        nowhere="Це посилання нікуди не веде.",
        over="Термін дії цього посилання минув.",
        moment="Хвилинку: шукаємо це посилання.",
        open_only="Це посилання можна лише відкрити.",
    ),
    "he": Words(
        nowhere="הקישור הזה לא מוביל לשום מקום.",
        over="תוקף הקישור הזה פג.",
        moment="רגע אחד: הקישור הזה בבדיקה.",
        open_only="את הקישור הזה אפשר רק לפתוח.",
        right_to_left=True,
    ),
}
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Vary", "Accept-Language"),
    ("Cache-Control", "private, no-store"),
    ("X-Robots-Tag", "noindex, nofollow"),
]


def public_page(
    environ: dict[str, Any],
    start_response: Any,
    status: str,
    name: str,
    headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    """`name`: of the sentence in Words."""
    language = language_of(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    words = WORDS[language]
    body = _PAGE.format(
        language=language,
        direction=' dir="rtl"' if words.right_to_left else "",
        sentence=escape(getattr(words, name)),
    ).encode()
    start_response(status, [("Content-Length", str(len(body))), *headers, *HEADERS])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def language_of(accepted: str) -> str:
    """The first of the browser's languages that there are words in; else English."""
    for wanted, quality in parse_accept_lang_header(accepted):
        code = wanted.partition("-")[0]
        if quality and code in WORDS:
            return code
    return "en"


_PAGE = (
    '<!DOCTYPE html><html lang="{language}"{direction}><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="robots" content="noindex, nofollow"><meta name="color-scheme" content="light dark">'
    "<title>{sentence}</title>"
    '<link rel="stylesheet" href="/static/public.css"></head>'
    '<body class="public"><main><h1>{sentence}</h1></main></body></html>'
)
