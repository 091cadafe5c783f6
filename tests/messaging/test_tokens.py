"""The token engine: what is a token, what is wrong with one, and what it turns into."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.tokens import (
    ALL_TOKENS,
    FIELD,
    FIELD_TOKENS,
    SPECIAL,
    SYMBOLS,
    Lookups,
    Reader,
    choice,
    compile_text,
    referenced,
)
from sms.parts import count_parts

EVERYTHING = frozenset({FIELD, *SPECIAL})
WORDS = Lookups(
    words={3: [("Hi", 1), ("Hello", 2), ("Hey", 3)], 4: [("often", 9), ("seldom", 10)]},
    link=lambda kind, id_, reader: f"<{kind} {id_} {reader.seed}>",
)


def rendered(source: str, values: dict[str, str] | None = None, *, seed: int = 1) -> str:
    compiled = compile_text(source, columns=["city", "Loyalty card", "a:b"], available=EVERYTHING)
    assert compiled.errors == ()
    return compiled.render(Reader(values or {}, seed), WORDS)


def test_it_works() -> None:
    assert rendered("Hi {{first_name|there}}!", {"first_name": "Alice"}) == "Hi Alice!"


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("", {}, ""),
        ("no token", {}, "no token"),
        ("Hi {{first_name|there}}", {}, "Hi there"),
        ("Hi {{first_name|there}}", {"first_name": ""}, "Hi there"),
        ("Hi {{first_name}}!", {}, "Hi !"),
        ("{{ first_name | dear friend }}", {}, "dear friend"),
        ("{{first_name|}}", {}, ""),
        ("{{first_name|a|b}}", {}, "a|b"),
        ("{{city}}{{city}}", {"city": "Rome"}, "RomeRome"),
        ("{{Loyalty card}}", {"Loyalty card": "G1"}, "G1"),
        ("{{a:b}}", {"a:b": "x"}, "x"),
        ("100% {{custom}} %s %(a)s", {"custom": "50%d"}, "100% 50%d %s %(a)s"),
        ("{x} {first_name} }} {", {}, "{x} {first_name} }} {"),
        ("{{{first_name}}}", {"first_name": "Al"}, "{Al}"),
        ("{{link:12}} {{link_list:3}}", {}, "<link 12 1> <link_list 3 1>"),
        ("{{ link : 12 }}", {}, "<link 12 1>"),
        ("{{shorten_url}} {{unsubscription_link}}", {}, "<shorten_url 0 1> <unsubscription_link 0 1>"),
        ("{{verification_code}}{{callback_link}}", {}, "<verification_code 0 1><callback_link 0 1>"),
        ("{{first_name|you}} {{link:1}} %", {"first_name": ""}, "you <link 1 1> %"),
        ("{{word_spinner:5}}", {}, ""),
    ],
)
def test_renders(source: str, values: dict[str, str], text: str) -> None:
    assert rendered(source, values) == text


def test_a_value_is_text_and_is_never_rendered_again() -> None:
    values = {"first_name": "{{custom}}", "custom": "{{random_symbol}}{{"}
    assert rendered("{{first_name}} {{custom|{}}", values) == "{{custom}} {{random_symbol}}{{"


@pytest.mark.parametrize(
    ("source", "sentence", "place", "position"),
    [
        ("Hi {{frist_name}}", "{{frist_name}} is no token: did you mean {{first_name}}?", (3, 17), (1, 4)),
        ("{{First Name}}", "{{First Name}} is no token: did you mean {{first_name}}?", (0, 14), (1, 1)),
        ("{{City}}", "{{City}} is no token: did you mean {{city}}?", (0, 8), (1, 1)),
        (
            "{{word_spiner:3}}",
            "{{word_spiner:…}} is no token: did you mean {{word_spinner:ID}}?",
            (0, 17),
            (1, 1),
        ),
        (
            "{{zzzzz}}",
            "{{zzzzz}} is no token and no column of your lists: choose one from the token menu or remove it.",
            (0, 9),
            (1, 1),
        ),
        ("a\nbc {{x", "“{{x” is not closed: write }} after its name.", (5, 7), (2, 4)),
        ("ab{{", "“{{” is not closed: write }} after its name.", (2, 4), (1, 3)),
        (
            "{{city|{{email}}}}",
            "“{{city|” is not closed before the next {{ opens: write }} after its name; "
            "a token cannot stand inside another.",
            (0, 2),
            (1, 1),
        ),
        (
            "{{}}",
            "A token without a name: write one between the braces, such as {{first_name}}.",
            (0, 4),
            (1, 1),
        ),
        (
            "\n\n{{ |x}}",
            "A token without a name: write one between the braces, such as {{first_name}}.",
            (2, 9),
            (3, 1),
        ),
        (
            "{{link}}",
            "{{link:ID}} needs a number for ID, such as {{link:12}}: none is given.",
            (0, 8),
            (1, 1),
        ),
        (
            "{{link:abc}}",
            "{{link:ID}} needs a number for ID, such as {{link:12}}: “abc” is none.",
            (0, 12),
            (1, 1),
        ),
        (
            "{{link:0}}",
            "{{link:ID}} needs a number for ID, such as {{link:12}}: “0” is none.",
            (0, 10),
            (1, 1),
        ),
        (
            "{{link:٣}}",
            "{{link:ID}} needs a number for ID, such as {{link:12}}: “٣” is none.",
            (0, 10),
            (1, 1),
        ),
        ("{{random_symbol:3}}", "{{random_symbol}} takes no number: remove “:3”.", (0, 19), (1, 1)),
        ("{{link:3|x}}", "{{link:3}} takes no default: remove “|x”.", (0, 12), (1, 1)),
        (
            "{{word_spinner:5}}",
            "{{word_spinner:5}}: there is no word spinner with the number 5.",
            (0, 18),
            (1, 1),
        ),
    ],
)
def test_an_error_is_shown_at_its_place(
    source: str, sentence: str, place: tuple[int, int], position: tuple[int, int]
) -> None:
    compiled = compile_text(source, columns=["city"], available=EVERYTHING, existing={"word_spinner": {3}})
    (error,) = compiled.errors
    assert error.sentence == sentence
    assert (error.start, error.end) == place
    assert (error.line, error.column) == position


def test_several_errors_come_in_order_and_the_good_tokens_still_count() -> None:
    compiled = compile_text("{{}} {{email}} {{nope_nope}} {{", columns=[], available=EVERYTHING)
    assert [error.start for error in compiled.errors] == [0, 15, 29]
    assert compiled.uses == {"email"}
    assert compiled.render(Reader({"email": "a@example.com"}, 1)) == "{{}} a@example.com {{nope_nope}} {{"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{{link:3}}", "{{link:3}} is not available here: write the address itself instead."),
        ("{{link}}", "{{link}} is not available here: write the address itself instead."),
        ("{{word_spinner:1}}", "{{word_spinner:1}} is not available here: write one of its words instead."),
        (
            "{{unsubscription_link}}",
            "{{unsubscription_link}} is not available here: write “Reply STOP to opt out” instead.",
        ),
        ("{{shorten_url}}", "{{shorten_url}} is not available here: write {{url}} instead."),
        (
            "{{verification_code}}",
            "{{verification_code}} is not available here: it stands for the code of a verification, which is sent by"
            " itself. Remove it.",
        ),
        ("{{callback_link}}", "{{callback_link}} is not available here: write the address itself instead."),
    ],
)
def test_what_the_caller_does_not_fill_is_refused_helpfully(source: str, sentence: str) -> None:
    assert [error.sentence for error in compile_text(source, columns=[]).errors] == [sentence]


def test_a_text_without_recipients_takes_no_fields() -> None:
    (error,) = compile_text("{{first_name}}", columns=[], available={"verification_code"}).errors
    assert error.sentence == "{{first_name}} is not available here: write the text itself instead."


def test_a_column_cannot_take_the_name_of_a_token() -> None:
    compiled = compile_text("{{random_symbol}}", columns=["random_symbol"])
    assert compiled.uses == frozenset()
    assert compiled.kinds == {"random_symbol"}


def test_says_what_it_uses_and_refers_to() -> None:
    source = "{{first_name}} {{city|x}} {{link:7}} {{word_spinner:3}} {{link:7}} {{random_symbol}}"
    compiled = compile_text(source, columns=["city", "other"], available=EVERYTHING)
    assert compiled.uses == {"first_name", "city"}
    assert compiled.kinds == {"field", "link", "word_spinner", "random_symbol"}
    assert compiled.references == (("link", 7), ("word_spinner", 3))


def test_finds_what_to_look_up_before_compiling() -> None:
    text = (
        "{{link:7}} {{ word_spinner : 3 }} {{link:12|x}} {{link:0}} {{link:7}} {link:9} {{nope:5}} {{link:1"
    )
    assert referenced(text) == {"link": {7, 12}, "word_spinner": {3}, "nope": {5}}


def test_what_cannot_be_used_is_said_at_its_place() -> None:
    (error,) = compile_text(
        "Go {{link:7}}", columns=[], available=EVERYTHING, problems={("link", 7): "it is disabled."}
    ).errors
    assert (error.sentence, error.start) == ("{{link:7}}: it is disabled.", 3)


def test_a_shortened_url_uses_the_url() -> None:
    assert compile_text("{{shorten_url}}", columns=[], available=EVERYTHING).uses == {"url"}


@pytest.mark.parametrize(
    ("source", "personal"),
    [("Hello", False), ("{a}", False), ("{{zzz}}", False), ("{{email}}", True), ("{{random_symbol}}", True)],
)
def test_is_personal_when_two_people_may_get_different_texts(source: str, personal: bool) -> None:
    assert compile_text(source, columns=[]).personal is personal


def test_the_same_seed_makes_the_same_choices_for_ever() -> None:
    """Written down once: a text shown again years later, by a newer Python, is the text that was sent."""
    source = "{{word_spinner:3}} {{random_symbol}}{{random_symbol}}{{random_symbol}}"
    assert [rendered(source, seed=seed) for seed in (1, 2, 3)] == ["Hi PFd", "Hello Won", "Hello FjZ"]


def test_choices_are_spread_evenly_over_seeds() -> None:
    drawn = [rendered("{{word_spinner:3}}", seed=seed) for seed in range(3000)]
    assert all(abs(drawn.count(word) - 1000) < 120 for word in ("Hi", "Hello", "Hey"))
    symbols = [rendered("{{random_symbol}}", seed=seed) for seed in range(5700)]
    counts = [symbols.count(symbol) for symbol in SYMBOLS]
    assert min(counts) > 50
    assert statistics.mean(counts) == 100


def test_a_word_comes_as_often_as_its_weight_says() -> None:
    drawn = [rendered("{{word_spinner:4}}", seed=seed) for seed in range(3000)]
    assert abs(drawn.count("often") - 2700) < 70


def test_two_random_tokens_of_a_text_are_drawn_apart() -> None:
    pairs = {rendered("{{random_symbol}}{{random_symbol}}", seed=seed) for seed in range(2000)}
    assert len(pairs) > 1000
    assert any(pair[0] == pair[1] for pair in pairs)


@given(st.integers(), st.integers(0, 1000), st.integers(1, 10_000))
def test_a_choice_is_in_range(seed: int, place: int, count: int) -> None:
    assert 0 <= choice(seed, place, count) < count


def test_random_symbols_take_one_septet_each() -> None:
    assert (count_parts(SYMBOLS).encoding, count_parts(SYMBOLS).units) == ("GSM-7", len(SYMBOLS))
    assert len(set(SYMBOLS)) == len(SYMBOLS)


SOURCES = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{",
            "}",
            "|",
            ":",
            "%",
            "\n",
            "first_name",
            "city",
            "link",
            "12",
            "random_symbol",
            " é",
            "{{email}}",
        ]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)


@given(SOURCES, st.dictionaries(st.sampled_from(["first_name", "city", "email"]), st.text()), st.integers())
def test_compiling_and_rendering_raise_nothing(source: str, values: dict[str, str], seed: int) -> None:
    compiled = compile_text(source, columns=["city"], available=EVERYTHING)
    text = compiled.render(Reader(values, seed), WORDS)
    if not compiled.personal:
        assert text == source
    for error in compiled.errors:
        assert source[error.start : error.start + 2] == "{{"
        assert error.start < error.end <= len(source)
        assert source.split("\n")[error.line - 1][error.column - 1 :].startswith("{{")


@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_double_braces_stays_as_it_is(source: str) -> None:
    compiled = compile_text(source, columns=[])
    assert compiled.errors == ()
    assert compiled.render(Reader({}, 1)) == source


@given(st.text(min_size=1), st.text(min_size=1))
def test_values_come_out_as_they_are(first: str, second: str) -> None:
    assert rendered("a{{email}}b{{city}}c", {"email": first, "city": second}) == f"a{first}b{second}c"


@pytest.mark.parametrize("info", ALL_TOKENS, ids=lambda info: info.name)
def test_every_token_of_the_menu_compiles_as_written(info: object) -> None:
    written = info.written.replace("ID", "5")  # type: ignore[attr-defined]  # of the vendor's own client, or error
    assert compile_text(written, columns=[], available=EVERYTHING).errors == ()


def test_the_menu_names_each_token_once_with_its_product_name() -> None:
    assert [info.written for info in ALL_TOKENS] == [
        *["{{first_name}}", "{{last_name}}", "{{email}}", "{{url}}", "{{gender}}", "{{custom}}"],
        *[
            "{{custom1}}",
            "{{custom2}}",
            "{{custom3}}",
            "{{custom4}}",
            "{{random_symbol}}",
            "{{word_spinner:ID}}",
        ],
        *["{{link:ID}}", "{{link_list:ID}}", "{{shorten_url}}", "{{unsubscription_link}}"],
        *["{{verification_code}}", "{{callback_link}}"],
    ]
    assert all(info.label and info.sample for info in ALL_TOKENS)


def test_field_tokens_are_the_recipients_fields() -> None:
    from contacts.models import Recipient  # needs Django, which the engine itself does not

    assert tuple(info.name for info in FIELD_TOKENS) == Recipient.TOKEN_FIELDS
