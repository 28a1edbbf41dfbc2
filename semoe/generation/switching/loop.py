"""The switching loop, for a batch of questions: generate, notice doubt, retrieve, switch experts, go on.

Rows stop at different places. Those that stop ask together (one search for all that wait, in a thread, while the others
decode), and go on together. A row goes on as a fresh request: prompt, accepted text, new experts. So what it writes
after a switch is what a fresh start from there would write. Knows the engine and the retriever; what passages do to a
request is the caller's (`requests`).
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from semoe.generation.engine import Engine
from semoe.generation.request import Answer
from semoe.generation.running import Running
from semoe.generation.switching.attention_shares import attention_shares
from semoe.generation.switching.draft import Draft, SentenceEnds, make_draft
from semoe.generation.switching.methods import Doubt, Method, make_method
from semoe.generation.switching.queries import QueryInputs, QueryTokenizer, make_query
from semoe.generation.switching.requests import Prepared, Requests
from semoe.generation.switching.row import Row, Search
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.trace import Answered
from semoe.generation.switching.tracing import trace_of
from semoe.language import Language
from semoe.models.decoder import Decoder
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.retriever import Retriever
from semoe.telemetry.counting import metrics

CLOSING = "the answer is"
"""Once these words are accepted nothing more is asked for: the answer is written to its end.

A choice. The published code looks for them as they are written here, so not at the beginning of a sentence, and only
after a retrieval: "The answer is no." and a doubted sentence after it made it retrieve.
"""
LOOKAHEAD = 2
"""A sentence has ended when so many tokens behind it leave its end where it was; measured, see docs/switching.md."""
OnFinish = Callable[[int, Answered], None]
Hits = tuple[Retrieved, ...]


@dataclass(kw_only=True, slots=True)
class Switching:
    """Answers questions with one method.

    Raises:
        UsageError: a query formulation that makes no sense with the method.
    """

    engine: Engine
    decoder: Decoder
    tokenizer: QueryTokenizer
    language: Language
    retriever: Retriever
    requests: Requests
    settings: SwitchSettings
    lookahead: int | None = LOOKAHEAD
    """Tokens behind a sentence that let it be judged; None: drafts are judged when they are whole."""
    _method: Method = field(init=False)
    _rows: dict[int, Row] = field(default_factory=dict)
    """Being written, by the engine's number."""
    _asking: list[Search] = field(default_factory=list)
    _asked: list[Search] = field(default_factory=list)
    """Whose passages are being searched."""
    _search: "Future[tuple[list[Hits], float]] | None" = None
    _done: dict[int, Answered] = field(default_factory=dict)
    _ends: SentenceEnds = field(init=False)

    def __post_init__(self) -> None:
        self._method = make_method(self.settings, self.language)
        self._ends = SentenceEnds(self.tokenizer.decode)

    def answer(self, questions: Sequence[str], on_finish: OnFinish = lambda index, answered: None) -> list[Answered]:
        """Answers all questions; `on_finish` hears of each as it ends. Returns them in order.

        Raises:
            TransientError: the retriever does not answer.
        """
        self._forget()
        told = 0
        with ThreadPoolExecutor(max_workers=1) as thread:
            for index, question in enumerate(questions):
                self._begin(Row(index, question))
            while self._rows or self._asking or self._asked:
                self._retrieve(thread)
                for ticket, answer in self.engine.step() if self.engine.has_work else ():
                    self._judge(self._rows.pop(ticket), answer)
                if self.lookahead is not None and getattr(self._method, "reviews_sentences", False):
                    self._judge_what_is_settled(self.lookahead)
                # A dict keeps the order in which rows ended, so those not told of yet are its last.
                for index in list(self._done)[told:]:
                    on_finish(index, self._done[index])
                told = len(self._done)
        return [self._done[index] for index in range(len(questions))]

    def _forget(self) -> None:
        """Drops what an earlier call left: one that ended with an error did not come to its end."""
        self._rows = {}
        self._asking = []
        self._asked = []
        self._search = None
        self._done = {}

    def _begin(self, row: Row) -> None:
        if self._method.asks_first:
            self._asking.append(Search(row=row, query=row.question))
        else:
            self._write(row, self._prepare(row))

    def _retrieve(self, thread: ThreadPoolExecutor) -> None:
        """Takes passages that were found, and asks for those of all rows that wait."""
        # Where the engine has nothing to decode meanwhile, there is nothing to do but wait for the search.
        if self._search and (self._search.done() or not self.engine.has_work):
            found, seconds = self._search.result()
            asked = self._asked
            self._asked = []
            self._search = None
            for search, hits in zip(asked, found, strict=True):
                self._switch(search, hits, 1000 * seconds)
        if self._asking and not self._search:
            self._asked = self._asking
            self._asking = []
            self._search = thread.submit(self._find, [search.query for search in self._asked])

    def _find(self, queries: list[str]) -> tuple[list[Hits], float]:
        """Runs in the thread."""
        started = time.monotonic()
        found = [tuple(hits) for hits in self.retriever.search(queries, self.settings.retrieve_topk)]
        seconds = time.monotonic() - started
        metrics.retrievals.inc(len(queries))
        metrics.passages_retrieved.inc(sum(map(len, found)))
        self.requests.prefetch([hit for hits in found for hit in hits])
        return found, seconds

    def _switch(self, search: Search, hits: Hits, milliseconds: float) -> None:
        """Puts new passages in place of the former ones, or says why nothing changes; goes on writing."""
        row = search.row
        row.counters.retrieve += 1
        row.counters.hallucinated += bool(search.doubt and search.doubt.mentions)
        changes = row.is_new(hits)
        if changes:
            row.passages = hits
            metrics.switches.inc()
        note = "" if changes else "the same passages again" if hits else "nothing found"
        prepared = self._prepare(row) if changes else row.prepared
        row.switches.append(trace_of(search, hits, prepared, self.requests, milliseconds=milliseconds, note=note))
        if changes:
            self._write(row, prepared, trusts_first=self._method.trusts_next_sentence)
        else:
            # Written again with what it had, the draft would be the same: it is kept, what was doubted is accepted.
            self._go_on(row)

    def _prepare(self, row: Row) -> Prepared:
        """Makes the request that a row goes on with."""
        left = self.settings.generate_max_length - len(row.accepted)
        if left <= 0:
            row.stopped = "length"
            return Prepared(request=None)
        length = left if self._is_exhausted(row) else min(left, self._method.draft_length())
        prepared = self.requests.request(row.question, row.passages, row.accepted, length)
        row.prepared = prepared
        row.is_cut = prepared.cut_tokens > 0
        if prepared.request is None:
            row.stopped = "context"
            row.too_long = 0 if row.accepted else prepared.num_tokens
        return prepared

    def _write(self, row: Row, prepared: Prepared, *, trusts_first: bool = False) -> None:
        """Lets the engine write a new draft, or ends the row."""
        if prepared.request is None:
            self._finish(row)
            return
        looks = self._method.looks_at_attention
        row.begin_draft(trusts_first=trusts_first)
        request = replace(prepared.request, wants_entropy=looks, wants_attention=looks)
        self._rows[self.engine.submit(request)] = row

    def _go_on(self, row: Row) -> None:
        """Goes on with the draft in hand; where nothing of it is left, with a new one."""
        draft = row.draft
        row.draft = None
        if isinstance(draft, Running):
            self._rows[self.engine.resume(draft)] = row
        elif draft is not None and row.base + len(draft.tokens) > len(row.accepted):
            self._judge(row, draft)
        else:
            self._write(row, self._prepare(row))

    def _judge_what_is_settled(self, lookahead: int) -> None:
        """Judges the sentences of running drafts that have ended; a draft with a doubted one is paused."""
        for ticket, row in list(self._rows.items()):
            tokens = self.engine.tokens(ticket)
            settled = tokens[row.num_looked : max(0, len(tokens) - lookahead)]
            row.num_looked += len(settled)
            if any(map(self._ends, settled)) and not self._is_exhausted(row):
                self._judge(row, self.engine.written(ticket), ticket)

    def _judge(self, row: Row, answer: Answer, ticket: int | None = None) -> None:
        """Accepts a draft, or as much of it as is not in doubt, and asks for passages.

        Args:
            row: whose draft it is.
            answer: the draft.
            ticket: of a draft that is still being written: what is not in doubt goes on being written.
        """
        draft = make_draft(self.tokenizer.decode, row.accepted[: row.base], answer, self.language.sentences)
        num_sentences = len(draft.sentences)
        if ticket is not None and self.lookahead is not None:
            draft = draft.settled(self.lookahead)
        doubt = self._doubt(row, draft)
        if doubt is None and ticket is not None:
            row.trusted = max([row.trusted, *(sentence.end for sentence in draft.sentences)])
            return
        row.count(len(answer.tokens), num_sentences)
        if doubt is None:
            row.accept(answer.tokens)
            if row.is_cut and answer.finish == "length":
                row.stopped = "context"
            self._finish(row)
            return
        row.accept(answer.tokens[: draft.num_tokens_until(doubt.keep)])
        row.trusted = _end_of(doubt)
        row.draft = answer
        if ticket is not None:
            del self._rows[ticket]
            row.draft = self.engine.pause(ticket)
        self._act(row, draft, doubt)

    def _act(self, row: Row, draft: Draft, doubt: Doubt) -> None:
        """Asks for passages, where there is something to ask."""
        text = self.tokenizer.decode(row.accepted)
        if len(row.accepted) >= self.settings.generate_max_length:
            row.stopped = "length"
            self._finish(row)
        elif CLOSING in text.lower():
            row.is_closing = True
            self._go_on(row)
        elif query := self._query(row, draft, doubt, text):
            sentence = doubt.sentence.of(draft.text)
            self._asking.append(Search(row=row, query=query, text=text, sentence=sentence, doubt=doubt))
        else:
            self._go_on(row)

    def _doubt(self, row: Row, draft: Draft) -> Doubt | None:
        if row.is_closing:
            return None
        if self._is_exhausted(row):
            row.stopped = "max_switches" if self._method.can_doubt else ""
            return None
        trusted = max(row.trusted, draft.sentences[0].end if row.trusts_first and draft.sentences else 0)
        doubt = self._method.review(draft, trusted)
        # What is no further than what was judged before would never end.
        return doubt if doubt and _end_of(doubt) > row.trusted else None

    def _is_exhausted(self, row: Row) -> bool:
        """Whether a row has had all its retrievals; then it is written to its end."""
        return row.is_closing or row.counters.retrieve >= self.settings.max_switches

    def _query(self, row: Row, draft: Draft, doubt: Doubt, text: str) -> str:
        ask = QueryInputs(
            question=row.question,
            before=text,
            sentence=doubt.sentence.of(draft.text),
            hits=tuple(hit.span.moved(-doubt.sentence.start) for hit in doubt.hits),
            adds_sentence=self._method.asks_with_sentence,
            keep_top_k=self.settings.retrieve_keep_top_k,
            language=self.language,
            tokenizer=self.tokenizer,
            look=lambda tokens: attention_shares(self.decoder, tokens),
        )
        return make_query(self.settings.query_formulation, ask)

    def _finish(self, row: Row) -> None:
        is_cut = row.stopped == "context" and not row.too_long
        self._done[row.index] = Answered(
            text=self.tokenizer.decode(row.accepted),
            tokens=tuple(row.accepted),
            switches=tuple(row.switches),
            counters=row.counters,
            num_experts=len(row.prepared.experts),
            stopped=row.stopped,
            cut_tokens=self.settings.generate_max_length - len(row.accepted) if is_cut else 0,
            too_long=row.too_long,
        )


def _end_of(doubt: Doubt) -> int:
    """Returns the character up to which a draft is judged once a doubt was acted upon."""
    return max(doubt.keep, doubt.sentence.end)
