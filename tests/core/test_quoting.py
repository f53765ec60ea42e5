"""Text from outside is repeated as text: nothing in it acts on a terminal or turns what stands beside it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kinscope.core.errors import BadInputError
from kinscope.core.quoting import plain_name, printable, quoted

ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters()))
def test_no_character_that_acts_is_left(text: str) -> None:
    for char in printable(text).replace("\n", "").replace("\t", ""):
        assert unicodedata.category(char) not in ACTING
    assert all(" " <= char <= "~" for char in quoted(text) + plain_name(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_of_every_script_stay(text: str) -> None:
    assert printable(text) == text


@given(st.text(st.characters(), min_size=1))
def test_no_error_carries_what_acts(text: str) -> None:
    error = BadInputError(text, where=text, remedy=text)
    assert all(unicodedata.category(char) not in ACTING for char in str(error) if char not in "\n\t")


def test_long_text_is_cut_and_a_name_keeps_what_names_hold() -> None:
    assert quoted("x" * 100, 10) == "xxxxxxx..."
    assert plain_name("chain A;rm -rf") == "chain_A_rm_-rf"
