"""The subset of regular expressions: what is taken means what Python's re means by it, the rest is refused by name."""

import re

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracemill.expressions.polars_rendering import regex_for_rust
from tracemill.expressions.regexes import MAX_SIZE, RegexError, read_regex

REFUSED = [
    ("(a", "character 3: a group isn't closed"),
    ("a)", "character 2: this `)` closes nothing"),
    ("[a", "character 3: the pattern ends too early"),
    ("[]", "an empty class"),
    ("[b-a]", "the range `b-a` is the wrong way round"),
    ("[[:alpha:]]", "a class inside a class differs between engines"),
    ("[[a]]", "a class inside a class differs between engines"),
    (r"[\D]", "`\\D` differs between engines or is unknown"),
    ("a**", "a repetition can't be repeated"),
    ("a+*", "a repetition can't be repeated"),
    ("a++", "a repetition can't be repeated"),
    ("*a", "there is nothing for `*` to repeat"),
    ("a|*", "there is nothing for `*` to repeat"),
    ("^*", "an anchor can't be repeated"),
    (r"\b+", "an anchor can't be repeated"),
    ("a{", "expected a count such as `{2}` or `{2,5}`"),
    ("a{,3}", "expected a count"),
    ("a{3,2}", "the counts are the wrong way round"),
    ("a{1001}", "expected a count"),
    ("(a{100}){11}", "the pattern is too large: 1100"),
    ("a\\", "the pattern ends too early"),
    (r"\pL", "`\\p` differs between engines or is unknown"),
    (r"\1", "`\\1` differs between engines or is unknown"),
    (r"\B", "`\\B` differs between engines or is unknown"),
    (r"\x41", "`\\x` differs between engines or is unknown"),
    (r"\é", "`\\é` differs between engines or is unknown"),
    ("(?=a)", "look-around and flags inside a pattern differ"),
    ("(?<!a)", "look-around and flags inside a pattern differ"),
    ("(?m)^a", "look-around and flags inside a pattern differ"),
    ("a(?i)b", "look-around and flags inside a pattern differ"),
    ("(" * 30 + ")" * 30, "groups are nested deeper than 20"),
]


@pytest.mark.parametrize(("pattern", "message"), REFUSED, ids=[pattern for pattern, _ in REFUSED])
def test_refused(pattern: str, message: str) -> None:
    with pytest.raises(RegexError) as caught:
        read_regex(pattern)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\\b", r"a\b", True),
        (r"\\b", "a b", False),
        (r"\b", r"a\b", True),
        (r"a\\\b", "a\\b", True),
        (r"[\\b]", "b", True),
    ],
)
def test_a_backslash_before_a_b_is_no_word_boundary(pattern: str, text: str, found: bool) -> None:
    plain = regex_for_rust(read_regex(pattern))
    assert pl.Series([text]).str.contains(plain, strict=True).to_list() == [found]


PART = st.sampled_from(
    [
        *"abAB9_é. -",
        r"\d",
        r"\w",
        r"\s",
        r"\.",
        r"\\",
        "[ab]",
        "[^a-c]",
        r"[\d\]é-]",
        "[A-z]",
        "(a|b)",
        "(?:ab)",
        "|",
        "^",
        "$",
    ]
)
COUNT = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?"])
PATTERN = st.lists(st.tuples(PART, COUNT), max_size=5).map(
    lambda parts: "".join(part + ("" if part in ("|", "^", "$") else count) for part, count in parts)
)
TEXT = st.text(st.sampled_from("aAbBcz9_é.\n\t -\\]"), max_size=6)


@settings(deadline=None)
@given(PATTERN, st.lists(TEXT, min_size=1, max_size=5), st.sampled_from(["", "(?i)", "(?s)", "(?is)"]))
def test_found_where_pythons_re_finds_it(pattern: str, texts: list[str], flags: str) -> None:
    plain = read_regex(flags + pattern)
    oracle = re.compile(
        pattern.replace("$", r"\Z"), re.ASCII | sum({"i": re.I, "s": re.S}[f] for f in flags.strip("(?)"))
    )
    expected = [oracle.search(text) is not None for text in texts]
    assert pl.Series(texts).str.contains(plain, strict=True).to_list() == expected


@settings(deadline=None)
@given(st.text(st.sampled_from("ab[](){}|^$*+?\\.,-09:<P>isé"), max_size=12))
def test_what_is_taken_compiles_and_is_plain(pattern: str) -> None:
    try:
        plain = read_regex(pattern)
    except RegexError:
        return
    assert pl.Series(["ab"]).str.contains(regex_for_rust(plain), strict=True).len() == 1
    assume(r"\z" not in plain)
    assert re.compile(plain) is not None


def test_the_largest_pattern_compiles() -> None:
    plain = read_regex(f"(?s)(.{{{MAX_SIZE // 2}}}[^a]{{{MAX_SIZE // 2}}})")
    assert pl.Series(["é" * MAX_SIZE]).str.contains(plain, strict=True).to_list() == [True]
