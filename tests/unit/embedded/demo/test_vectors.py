"""Texts that share words are near each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.demo.shop import PAGES
from embedded.demo.vectors import SIZE, embed, nearest


@given(st.text())
def test_a_vector_has_length_one_or_nothing_to_say(text):
    vector = embed(text)
    assert vector.shape == (SIZE,)
    assert float(np.linalg.norm(vector)) in (0.0, pytest.approx(1.0, abs=1e-5))
    assert vector.tolist() == embed(text).tolist()


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("Is water damage covered by the warranty?", "warranty"),
        ("When does express shipping arrive?", "shipping"),
        ("Do gift cards expire?", "gift-cards"),
    ],
)
def test_a_question_finds_its_page(question, page):
    pages = [embed(one.text) for one in PAGES]
    found = nearest(embed(question), pages, 3)
    assert PAGES[found[0][0]].id == page
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
