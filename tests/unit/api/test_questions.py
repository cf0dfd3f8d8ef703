"""What is asked, and every way of asking it wrong."""

import pytest

from api import questions
from api.listings import SPANS, TRACES
from api.problems import Problem, Trouble
from api.questions import CONTENT, LISTED, MAX_LIMIT

NOW = 1_795_000_000_000_000_000


def test_an_empty_parameter_is_one_that_is_not_given() -> None:
    assert questions.values([("filter", ""), ("limit", "5")], LISTED) == {"limit": "5"}
    question = questions.read({}, TRACES, NOW)
    assert (question.filter, question.limit, question.order.column, question.order.descending) == (
        None,
        questions.DEFAULT_LIMIT,
        "opened_at",
        True,
    )


@pytest.mark.parametrize(
    ("given", "trouble", "text"),
    [
        (
            [("fliter", "x")],
            Trouble.UNKNOWN_PARAMETER,
            "did you mean `filter`?; there are: cursor, filter, from, limit",
        ),
        ([("tenant", "other")], Trouble.UNKNOWN_PARAMETER, "tenant: there is no such parameter"),
        ([("content", "true")], Trouble.UNKNOWN_PARAMETER, "there are: cursor"),
        ([("limit", "1"), ("limit", "2")], Trouble.BAD_PARAMETER, "limit: it is given twice"),
        ([("filter", "x" * 10_000)], Trouble.BAD_PARAMETER, "filter: it has 10000 characters"),
    ],
)
def test_parameters_that_are_refused(given: list[tuple[str, str]], trouble: Trouble, text: str) -> None:
    with pytest.raises(Problem) as caught:
        questions.values(given, LISTED)
    assert caught.value.trouble is trouble
    assert text in caught.value.detail
    assert caught.value.more["parameter"] == given[-1][0]


@pytest.mark.parametrize("text", ["1", "17", str(MAX_LIMIT), "0001"])
def test_limits(text: str) -> None:
    assert questions.read({"limit": text}, TRACES, NOW).limit == int(text)


@pytest.mark.parametrize("text", ["0", str(MAX_LIMIT + 1), "-1", "1.5", "ten", "１", "9" * 5000, " 1"])
def test_limits_that_are_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^limit: .*write a number from 1 to 1,000"):
        questions.read({"limit": text}, TRACES, NOW)


def test_a_filter_points_at_its_error() -> None:
    with pytest.raises(Problem) as caught:
        questions.read({"filter": "complete AND eror_count > 0"}, TRACES, NOW)
    document = caught.value.document()
    assert document["parameter"] == "filter"
    assert document["pointer"] == {
        "start": 13,
        "end": 23,
        "text": "eror_count",
        "lines": ["complete AND eror_count > 0", "             ^^^^^^^^^^"],
    }
    assert "did you mean `error_count`?" in document["detail"]


@pytest.mark.parametrize(
    "text", ["error_count", "1", "now()", "count()", "root_name = 1", "any_span(any_span(name = 'a'))"]
)
def test_filters_that_are_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        questions.read({"filter": text}, TRACES, NOW)
    assert caught.value.trouble is Trouble.BAD_EXPRESSION


def test_quantifiers_are_for_traces() -> None:
    assert questions.read({"filter": "any_span(name = 'a')"}, TRACES, NOW).filter
    with pytest.raises(Problem):
        questions.read({"filter": "any_span(name = 'a')"}, SPANS, NOW)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), (None, False)])
def test_flags(text: str | None, value: bool) -> None:
    assert questions.read_flag({"content": text} if text else {}, CONTENT) is value


@pytest.mark.parametrize("text", ["1", "TRUE", "yes"])
def test_flags_that_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="write true or false"):
        questions.read_flag({"content": text}, CONTENT)


def test_ids() -> None:
    assert questions.read_id("span_id", "00F067AA0BA902B7", 16) == "00f067aa0ba902b7"
    for text in ("", "00f067aa0ba902b", "00f067aa0ba902bg", "０0f067aa0ba902b7", "00f067aa0ba902b7 "):
        with pytest.raises(Problem, match="hasn't 16 hex digits"):
            questions.read_id("span_id", text, 16)
