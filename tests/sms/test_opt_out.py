"""Keywords of inbound texts, and opt-out wording of outgoing ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.opt_out import PHRASES, WORDS, Keyword, classify, has_opt_out_wording, own_word_problem

EVERY_LANGUAGE = tuple(WORDS)


@pytest.mark.parametrize(
    "word",
    [
        *("STOP", "STOPALL", "STOP ALL", "END", "CANCEL", "UNSUBSCRIBE"),
        *("QUIT", "REVOKE", "OPTOUT", "OPT-OUT", "OPT OUT", "REMOVE"),
    ],
)
def test_every_stop_word_of_the_product(word: str) -> None:
    assert classify(word) is Keyword.STOP
    assert classify(f"  {word.lower()}!! \n") is Keyword.STOP


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("Stop.", Keyword.STOP),
        ("stop all", Keyword.STOP),
        ("Stop   all", Keyword.STOP),
        ("ｓｔｏｐ", Keyword.STOP),
        ("Stop\u200b", Keyword.STOP),
        ("Stop…", Keyword.STOP),
        ("START", Keyword.START),
        ("yes", Keyword.START),
        ("Unstop!", Keyword.START),
        ("help?", Keyword.HELP),
        ("Info", Keyword.HELP),
        ("we must stop this", Keyword.MAYBE_STOP),
        ("Please STOP. Thanks", Keyword.MAYBE_STOP),
        ("“stop”", Keyword.STOP),
        ("„Stop!“", Keyword.STOP),
        ("« stop »", Keyword.STOP),
        ("'STOP'", Keyword.STOP),
        ("(stop)", Keyword.STOP),
        ("“stop” it", Keyword.MAYBE_STOP),
        ("#stop", Keyword.MAYBE_STOP),
        ("¿yes?", Keyword.START),
        ("“", Keyword.NONE),
        ("STOP \N{OCTAGONAL SIGN}", Keyword.MAYBE_STOP),
        ("I opt out of this", Keyword.MAYBE_STOP),
        ("nonstop fun", Keyword.NONE),
        ("non-stop", Keyword.NONE),
        ("stopping by later", Keyword.NONE),
        ("yes please", Keyword.NONE),
        ("can you help me", Keyword.NONE),
        ("", Keyword.NONE),
        ("...", Keyword.NONE),
        ("\N{THUMBS UP SIGN}", Keyword.NONE),
    ],
)
def test_classifies(text: str, keyword: Keyword) -> None:
    assert classify(text) is keyword


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "ARRET"),
        ("fr", "Arrêt."),
        ("es", "baja"),
        ("es", "ALTO"),
        ("de", "Stopp!"),
        ("de", "abmelden"),
        ("pt", "SAIR"),
        ("it", "Cancellami"),
        ("he", "הסר"),
        ("uk", "стоп"),
        ("pl", "rezygnuję"),
        ("pl", "REZYGNUJE"),
        ("nl", "Afmelden"),
    ],
)
def test_another_language_stops_where_it_is_set_and_is_reviewed_elsewhere(language: str, text: str) -> None:
    assert classify(text, languages=(language,)) is Keyword.STOP
    assert classify(text) is Keyword.MAYBE_STOP


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "abmelden bitte"),
        ("de", "Bitte abmelden!"),
        ("fr", "je veux me désabonner svp"),
        ("he", "הסר אותי בבקשה"),
        ("uk", "Будь ласка, СТОП"),
    ],
)
def test_a_word_of_any_language_in_a_longer_text_is_reviewed(language: str, text: str) -> None:
    assert classify(text) is Keyword.MAYBE_STOP
    assert classify(text, languages=(language,)) is Keyword.MAYBE_STOP


def test_a_part_of_a_word_is_none() -> None:
    assert classify("Abmeldungen laufen") is Keyword.NONE


@pytest.mark.parametrize("text", ["¡BAJA!", "¡¡baja!!", "¿Baja?", "“Baja.”", " ¡ baja ! "])
def test_opening_marks_are_what_people_write(text: str) -> None:
    assert classify(text, languages=("es",)) is Keyword.STOP
    assert classify(text) is Keyword.MAYBE_STOP


def test_english_counts_in_every_workspace() -> None:
    assert classify("stop", languages=("he",)) is Keyword.STOP


@pytest.mark.parametrize("language", EVERY_LANGUAGE)
def test_every_word_of_the_table_is_found(language: str) -> None:
    words = WORDS[language]
    assert {classify(word, languages=(language,)) for word in words.stop} == {Keyword.STOP}
    assert {classify(word, languages=(language,)) for word in words.start} <= {Keyword.START}
    assert {classify(word, languages=(language,)) for word in words.help} == {Keyword.HELP}


def test_no_word_asks_for_two_things() -> None:
    stop = {word.casefold() for words in WORDS.values() for word in words.stop}
    other = {word.casefold() for words in WORDS.values() for word in (*words.start, *words.help)}
    assert not stop & other


def test_the_workspace_adds_words() -> None:
    assert classify("Genug!", ["genug"]) is Keyword.STOP
    assert classify("jetzt ist genug damit", ["genug"]) is Keyword.MAYBE_STOP
    assert classify("Genug!") is Keyword.NONE
    assert classify("yes", ["yes"]) is Keyword.STOP  # a stop word wins
    assert classify("", ["", " "]) is Keyword.NONE


@given(
    st.text() | st.sampled_from(["Stop", "opt-out", "yes", "help me", "arrêt"]),
    st.sampled_from([" ", "\n", "\t "]),
)
def test_trimming_and_case_change_nothing(text: str, space: str) -> None:
    keyword = classify(text)
    assert classify(f"{space}{text}{space}") is keyword
    if text.isascii():
        assert classify(text.upper()) is keyword


@given(st.sampled_from(["stop", "Yes", "INFO"]), st.text(alphabet=".,!?…;:)'\" ", max_size=5))
def test_punctuation_after_a_word_changes_nothing(word: str, after: str) -> None:
    assert classify(word + after) is classify(word)


@pytest.mark.parametrize(
    "text",
    [
        "Sale! Reply STOP to opt out",
        "Antworte STOPP",
        "Répondez ARRÊT",
        "Répondez ARRET",
        "להסרה השיבו הסר",
        "Відписатися: СТОП",
        "To unsubscribe: {{unsubscription_link}}",
        "{{ unsubscription_link }}",
        "unsubscribe at example.com",
        "END to quit",
    ],
)
def test_sees_opt_out_wording(text: str) -> None:
    assert has_opt_out_wording(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Stop by our shop today",
        "the end of summer",
        "NONSTOP music",
        "NON-STOP",
        "{{link:3}}",
        "we remove it",
    ],
)
def test_sees_no_opt_out_wording(text: str) -> None:
    assert not has_opt_out_wording(text)


def test_a_companys_own_word_is_opt_out_wording_in_capitals() -> None:
    assert has_opt_out_wording("Reply HALT to leave", ["halt"])
    assert not has_opt_out_wording("Reply HALT to leave")
    assert not has_opt_out_wording("We halt the sale", ["halt"])


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("HALT", None),
        ("no more texts", None),
        ("9", None),
        (" … ", "empty"),
        ("please take me off the list", "too_long"),
        ("x" * 31, "too_long"),
        ("Yes!", "start"),
        ("alta", "start"),
        ("INFO", "help"),
        ("Hilfe", "help"),
    ],
)
def test_own_words_are_short_and_mean_nothing_else(word: str, problem: str | None) -> None:
    assert own_word_problem(word) == problem


# --- to be left alone ---


@pytest.mark.parametrize(
    "text",
    [
        "dont text me again",
        "Don’t text me",
        "don't message us ever again!!",
        "DO NOT CONTACT ME",
        "please do not send me any more of this",
        "No more texts pls",
        "no more spam",
        "Take me off your list",
        "take my number off",
        "leave me alone",
        "Wrong number, sorry",
        "I'm not interested",
        "lose my number",
        "I never signed up for this",
        "who gave you my number?",
        "opt me out",
        "I don't want your texts",
        "Ne m'envoyez plus rien",
        "Laissez-moi tranquille",
        "No me escriban más",
        "número equivocado",
        "Keine Nachrichten mehr bitte",
        "Lassen Sie mich in Ruhe!",
        "falsche Nummer",
        "Não me mande mais mensagens",
        "Non scrivetemi più",
        "Laat me met rust",
        "Nie piszcie do mnie",
        "Не пишіть мені",
        "לא מעוניין, תודה",
    ],
)
def test_whoever_asks_to_be_left_alone_is_reviewed(text: str) -> None:
    assert classify(text) is Keyword.MAYBE_STOP


@pytest.mark.parametrize(
    "text",
    [
        "Don't forget to text me",
        "I don't want to miss it",
        "dont worry, I will come",
        "no more than five please",
        "Take me off-road!",
        "leave me a table for two",
        "what is your number",
        "that is the right number",
        "I am interested",
        "very interesting, not bad",
        "See you on Friday, no message needed",
        "never better",
        "text me when it is ready",
        "we go on holiday",
        "Keine Ahnung",
        "Ich habe die Nummer nicht mehr im Kopf",
        "plus de détails svp",
        "no más tarde de las 5",
        "geen probleem",
        "nie wiem",
    ],
)
def test_what_is_said_of_other_things_is_not(text: str) -> None:
    assert classify(text) is Keyword.NONE


def test_a_phrase_never_opts_out_or_in_by_itself() -> None:
    texts = [phrase for phrases in PHRASES.values() for phrase in phrases]
    assert {classify(text, languages=EVERY_LANGUAGE) for text in texts} == {Keyword.MAYBE_STOP}
    assert set(PHRASES) == set(WORDS)
