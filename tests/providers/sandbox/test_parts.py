"""PDUs by 3GPP TS 23.038: exact lengths, and pairs that may not be cut."""

import pytest

from providers.sandbox.parts import GSM7, UCS2, split


@pytest.mark.parametrize(
    ("text", "encoding", "lengths"),
    [
        ("", GSM7, [0]),
        ("x" * 160, GSM7, [160]),
        ("x" * 161, GSM7, [153, 8]),
        ("x" * 306, GSM7, [153, 153]),
        ("x" * 307, GSM7, [153, 153, 1]),
        ("€" * 80, GSM7, [80]),
        ("€" * 81, GSM7, [76, 5]),  # 153 septets hold 76 pairs, the last one would be cut
        ("x" * 152 + "€" + "x" * 10, GSM7, [152, 11]),
        ("Ç", GSM7, [1]),
        ("ç", UCS2, [1]),
        ("`", UCS2, [1]),
        ("ж" * 70, UCS2, [70]),
        ("ж" * 71, UCS2, [67, 4]),
        ("😀" * 35, UCS2, [35]),
        ("😀" * 36, UCS2, [33, 3]),  # 67 units hold 33 surrogate pairs
    ],
)
def test_texts_are_split(text: str, encoding: int, lengths: list[int]) -> None:
    coding, parts = split(text)
    assert (coding, [len(part) for part in parts]) == (encoding, lengths)
    assert "".join(parts) == text
