"""What happens to the demo's agents? What happens to real ones: answers, tools, sessions, and all that goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import openai
from opentelemetry import context

from embedded.demo import provider, vectors
from embedded.demo.conversation import EMBEDDING, LARGE, REASONING, Messages, World
from embedded.demo.shop import CUSTOMERS, ORDERS, PAGES
from embedded.demo.tracing import Document

Scenario = Callable[[World], None]

LATE_S: Final = 6.0
"""How long the late span goes on after its root: longer than a trace has to be quiet to be complete."""
SUPPORT: Final = "support-agent"
GUIDE: Final = "help-guide"
ANALYST: Final = "analyst"

_SYSTEM: Final = {"role": "system", "content": "You are the support agent of a shop. Be short, use the tools."}
_HELP: Final = (
    "How long does a refund take?",
    "Is water damage covered by the warranty?",
    "When does express shipping arrive?",
    "Can I add a VAT number to an invoice afterwards?",
    "Do gift cards expire?",
    "Qui paie les droits de douane hors de l’Union européenne (customs)?",
    "Was passiert mit der battery, wenn es kalt ist? 🔋",
)


def support(world: World) -> None:
    """A question about an order: the model calls a tool and answers."""
    question = f"Where is my order {world.dice.choice(ORDERS)}?"
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        turn.result(world.work(_conversation(question)))


def session(world: World) -> None:
    """A conversation of several turns: a trace each, and the same session."""
    messages: Messages = [_SYSTEM]
    questions = [f"What is the state of {world.dice.choice(ORDERS)}?", *world.dice.sample(_HELP, k=2)]
    for question in questions[: world.dice.randint(2, 3)]:
        messages.append({"role": "user", "content": question})
        with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
            turn.result(world.work(messages))
        world.pause(world.dice.uniform(0.2, 0.8))


def retrieval(world: World) -> None:
    """A question answered from the help pages: embedding, retrieval, reranking, an answer that is streamed."""
    question = world.dice.choice(_HELP)
    with world.tracing.turn(GUIDE, world.session, world.user, question) as turn:
        with world.tracing.retrieval(question) as search:
            found = _find(world, question)
            search.found(found)
        with world.tracing.rerank(question, found) as search:
            best = sorted(found, key=lambda page: (-_overlap(question, page.text), -page.score))[:2]
            search.found(best)
        context_text = "Context:\n" + "\n".join(page.text for page in best)
        asked = [{"role": "system", "content": context_text}, {"role": "user", "content": question}]
        turn.result(world.ask(asked, stream=True).text)


def rate_limited(world: World) -> None:
    """The provider refuses for now, says when to come back, and answers then."""
    question = world.dice.choice(_HELP)
    messages = _conversation(question)
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        try:
            reply = world.ask(messages, fault=provider.RATE_LIMITED)
        except openai.RateLimitError as refused:
            world.pause(float(refused.response.headers["retry-after"]))
            with world.carry.retrying():
                reply = world.ask(messages)
        turn.result(reply.text)


def tool_failure(world: World) -> None:
    """The model asks for a column that isn't there, is told so, and asks again."""
    question = f"How many loyalty points has customer {world.dice.choice(CUSTOMERS)}?"
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        turn.result(world.work(_conversation(question)))


def provider_failure(world: World) -> None:
    """The provider fails, and with it the whole turn."""
    question = world.dice.choice(_HELP)
    with world.tracing.turn(SUPPORT, world.session, world.user, question):
        world.ask(_conversation(question), fault=provider.FAILING)


def fallback(world: World) -> None:
    """The large model fails, the small one answers."""
    question = f"Please write to me about {world.dice.choice(ORDERS)}."
    messages = _conversation(question)
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        try:
            reply = world.ask(messages, LARGE, fault=provider.FAILING)
        except openai.InternalServerError:
            reply = world.ask(messages)
        turn.result(reply.text)


def late(world: World) -> None:
    """The answer is out, and the agent goes on in the background: a span that ends long after its root."""
    question = world.dice.choice(_HELP)
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        answered = world.ask(_conversation(question)).text
        turn.result(answered)
        inside = context.get_current()
    token = context.attach(inside)
    try:
        with world.tracing.tool("remember", {"about": world.user, "note": question}) as step:
            world.pause(LATE_S)
            step.result("remembered")
    finally:
        context.detach(token)


def rootless(world: World) -> None:
    """The caller has gone away: the turn's span never ends, the spans inside it did."""
    question = f"Never mind {world.dice.choice(ORDERS)}."
    with world.tracing.turn(SUPPORT, world.session, world.user, question, ends=False):
        world.work(_conversation(question))


def slow(world: World) -> None:
    """The model takes seconds to begin."""
    question = world.dice.choice(_HELP)
    with world.tracing.turn(SUPPORT, world.session, world.user, question) as turn:
        turn.result(world.ask(_conversation(question), LARGE, stream=True, fault=provider.SLOW).text)


def expensive(world: World) -> None:
    """A long report from many notes by a model that thinks first."""
    notes = "\n".join(f"Note {number}: {world.dice.choice(PAGES).text}" for number in range(120))
    question = f"Write a report for {world.user} from these notes.\n{notes}"
    with world.tracing.turn(ANALYST, world.session, world.user, question[:80]) as turn:
        asked = [{"role": "user", "content": question}]
        turn.result(world.ask(asked, REASONING, max_completion_tokens=3_000).text[:200])


def broken_stream(world: World) -> None:
    """The connection breaks in the middle of an answer."""
    question = world.dice.choice(_HELP)
    with world.tracing.turn(GUIDE, world.session, world.user, question):
        world.ask(_conversation(question), stream=True, fault=provider.BROKEN)


SCENARIOS: Final[Mapping[Scenario, int]] = MappingProxyType(
    {
        support: 30,
        retrieval: 25,
        rate_limited: 6,
        tool_failure: 6,
        late: 3,
        slow: 4,
        session: 12,
        fallback: 4,
        provider_failure: 3,
        expensive: 3,
        rootless: 2,
        broken_stream: 2,
    }
)
"""Each with how often it happens; the first burst is one of each, in this order."""


def _conversation(question: str) -> Messages:
    return [_SYSTEM, {"role": "user", "content": question}]


def _find(world: World, question: str) -> list[Document]:
    """The five pages nearest to the question, by embeddings of the provider."""
    texts = [question, *(page.text for page in PAGES)]
    answered = world.client.embeddings.create(model=EMBEDDING, input=texts)
    query, *pages = (one.embedding for one in answered.data)
    return [Document(*PAGES[place], score) for place, score in vectors.nearest(query, pages, 5)]


def _overlap(question: str, text: str) -> int:
    return len(set(question.lower().split()) & set(text.lower().split()))
