"""Fewest and most parts over all words: as trying every choice finds them."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from messaging.content import compile_content, compile_contents
from messaging.models import WordSpinner
from messaging.texts import effect
from messaging.texts.characters import odd_characters, swapped_characters, unseen_characters
from messaging.texts.effect import draw_texts, parts_range, sample_text
from messaging.texts.spinners import create_spinner, token_of
from sms.parts import part_count


def spinner_of(acme: Workspace, name: str, words: list[str]) -> WordSpinner:
    given = [(word, 1) for word in words]
    return create_spinner(workspace=acme, actor=Actor(), name=name, words=given)[0]


def test_it_works(acme: Workspace) -> None:
    token = token_of(spinner_of(acme, "One", ["a", "b" * 20]))
    found = parts_range(compile_content(acme.pk, token + "x" * 150))
    assert found is not None
    assert (found.fewest, found.most) == (1, 2)
    assert found.shortest == "a" + "x" * 150
    assert found.longest == "b" * 20 + "x" * 150


def test_a_short_word_may_cost_the_most(acme: Workspace) -> None:
    """One character outside the plain alphabet halves what a part holds."""
    token = token_of(spinner_of(acme, "One", ["Dear customer", "ç"]))
    found = parts_range(compile_content(acme.pk, token + "x" * 100))
    assert found is not None
    assert (found.fewest, found.most) == (1, 2)
    assert found.longest.startswith("ç")


def test_without_a_spinner_both_are_the_same(acme: Workspace) -> None:
    found = parts_range(compile_content(acme.pk, "Hi {{first_name}}"))
    assert found is not None
    assert (found.fewest, found.most, found.longest) == (1, 1, "Hi Alice")


def test_unknown_for_a_text_that_cannot_be_read(acme: Workspace) -> None:
    assert parts_range(compile_content(acme.pk, "{{nope}}")) is None


def test_each_token_draws_for_itself(acme: Workspace) -> None:
    token = token_of(spinner_of(acme, "One", ["a", "bb"]))
    found = parts_range(compile_content(acme.pk, f"{token} {token}"))
    assert found is not None
    assert (found.shortest, found.longest) == ("a a", "bb bb")


def test_swapped_characters_are_counted_as_they_go_out(acme: Workspace) -> None:
    token = token_of(spinner_of(acme, "One", ["“a”", "b"]))
    Workspace.objects.filter(pk=acme.pk).update(swaps_characters=True)
    found = parts_range(compile_content(acme.pk, token + "x" * 100))
    assert found is not None
    assert (found.fewest, found.most) == (1, 1)


PIECES = ["a", "bc", "d" * 9, "€", "{", "ç", "🙂", "שלום", "e" * 31, "“f”"]


@pytest.mark.parametrize("seed", range(12))
def test_the_extremes_are_those_of_all_choices(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Also where too many choices are left to try them one by one."""
    random = Random(seed)
    spinners = [spinner_of(acme, f"S{n}", random.sample(PIECES, 4)) for n in range(3)]
    tokens = [token_of(random.choice(spinners)) for _ in range(4)]
    filler = random.choice(["x", "é", "ж"]) * random.randint(20, 170)
    content = compile_content(acme.pk, filler + " ".join(tokens))
    by_token = {token_of(one): [word for word, _weight in one.words] for one in spinners}
    texts = [filler + " ".join(words) for words in product(*(by_token[token] for token in tokens))]
    counts = [part_count(text) for text in texts]
    for looked_at in (effect.LOOKED_AT, 0):
        monkeypatch.setattr(effect, "LOOKED_AT", looked_at)
        found = parts_range(content)
        assert found is not None
        assert (found.fewest, found.most) == (min(counts), max(counts))
        assert found.shortest in texts
        assert found.longest in texts


def test_handles_more_choices_than_can_be_tried(acme: Workspace) -> None:
    token = token_of(spinner_of(acme, "One", [f"word {n}" for n in range(200)]))
    found = parts_range(compile_content(acme.pk, token * 50))
    assert found is not None
    assert (found.fewest, found.most) == (part_count("word 1" * 50), part_count("word 100" * 50))


def test_draws_follow_the_weights(acme: Workspace, greeting: WordSpinner) -> None:
    content = compile_content(acme.pk, token_of(greeting))
    drawn = draw_texts(content, 2_000)
    assert set(drawn) == {"Hello", "Hi"}
    assert 1_350 < drawn.count("Hello") < 1_650


def test_a_sample_shows_fields_and_columns(acme: Workspace) -> None:
    acme.recipient_lists.create(name="Guests", columns=["city"])
    assert sample_text(compile_content(acme.pk, "{{first_name}} of {{city}}")) == "Alice of city"


def test_many_texts_are_compiled_as_each_alone(acme: Workspace, greeting: WordSpinner) -> None:
    other = spinner_of(acme, "Other", ["x"])
    texts = ["plain", token_of(greeting), f"{token_of(other)} {{{{nope}}}}"]
    alone = [compile_content(acme.pk, text) for text in texts]
    together = compile_contents(acme.pk, texts)
    assert [one.fingerprint for one in together] == [one.fingerprint for one in alone]
    assert [one.errors for one in together] == [one.errors for one in alone]
    assert [set(one.words) for one in together] == [set(), {str(greeting.pk)}, {str(other.pk)}]


# --- characters -----------------------------------------------------------------------------------------


def test_odd_characters_are_told_once_with_their_first_place() -> None:
    found = odd_characters("abc\nçaç“\u200b\u202e")
    assert [(one.name, one.swap, one.count, one.line, one.column, one.is_visible) for one in found.kinds] == [
        ("latin small letter c with cedilla (U+00E7)", "c", 2, 2, 1, True),
        ("left double quotation mark (U+201C)", '"', 1, 2, 4, True),
        ("zero width space (U+200B)", "", 1, 2, 5, False),
        ("right-to-left override (U+202E)", None, 1, 2, 6, False),
    ]
    assert found.can_swap
    assert found.more == 0


def test_of_many_kinds_the_first_are_told() -> None:
    found = odd_characters("абвгдежзик")
    assert (len(found.kinds), found.more, found.can_swap) == (8, 2, False)


def test_a_plain_text_has_none() -> None:
    assert odd_characters("Hello [€]").kinds == ()


def test_what_is_swapped_when_sent_is_not_odd() -> None:
    found = odd_characters("ça “va” 🎉 \u200b", swaps=True)
    assert [kind.char for kind in found.kinds] == ["🎉"]
    assert not found.can_swap
    swapped = swapped_characters("ça “va” 🎉 \u200b")
    assert [(kind.char, kind.swap) for kind in swapped] == [
        ("ç", "c"),
        ("“", '"'),
        ("”", '"'),
        ("\u200b", ""),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello\nthere\t€", []),
        ("a\u200bb\n\u200b", [("zero width space (U+200B)", 2, 1, 2)]),
        ("abc\n12\u202e34", [("right-to-left override (U+202E)", 1, 2, 3)]),
        (
            "\u200fשלום\u200e",
            [("right-to-left mark (U+200F)", 1, 1, 1), ("left-to-right mark (U+200E)", 1, 1, 6)],
        ),
        ("a\u00adb", [("soft hyphen (U+00AD)", 1, 1, 2)]),
        ("\ufeffHi", [("zero width no-break space (U+FEFF)", 1, 1, 1)]),
        ("a\u0007", [("U+0007", 1, 1, 2)]),
        ("a\u200db", [("zero width joiner (U+200D)", 1, 1, 2)]),
        ("a\u3164", [("hangul filler (U+3164)", 1, 1, 2)]),
        ("é\u200dé", [("zero width joiner (U+200D)", 1, 1, 2)]),
        ("a\ufe0fb", [("variation selector-16 (U+FE0F)", 1, 1, 2)]),
        ("1\ufe0f", [("variation selector-16 (U+FE0F)", 1, 1, 2)]),
        ("a\U000e0041", [("tag latin capital letter a (U+E0041)", 1, 1, 2)]),
        ("🎉\U000e0067", [("tag latin small letter g (U+E0067)", 1, 1, 2)]),
        ("🎉\u200d", [("zero width joiner (U+200D)", 1, 1, 2)]),
        ("a\U000e0100", [("variation selector-17 (U+E0100)", 1, 1, 2)]),
        # These are spelling: an emoji of three, Persian, the flag of Scotland.
        ("👨\u200d👩\u200d👧 می\u200cخواهم", []),
        (
            "❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 🧔\u200d♂\ufe0f ©\ufe0f",
            [],
        ),
        ("क्\u200dष 葛\U000e0100 ᠠ\u180b ශ්\u200dරී", []),
        ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", []),
        ("שלום, العربية", []),
    ],
)
def test_what_nobody_sees_is_named_with_its_place(text: str, found: list[tuple[str, int, int, int]]) -> None:
    assert [(one.name, one.count, one.line, one.column) for one in unseen_characters(text)] == found


def test_what_is_left_out_when_it_is_sent_is_not_kept() -> None:
    found = unseen_characters("a\u200bb\u00ad \u202ec", swaps=True)
    assert [one.name for one in found] == ["right-to-left override (U+202E)"]
