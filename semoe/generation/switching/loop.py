"""The switching loop, for a batch of questions: generate, notice doubt, retrieve, switch experts, go on.

Rows stop at different places. Those that stop ask together (one search for all that wait, in a thread, while the others
decode), and go on together. A draft is judged as it was when one of its sentences had ended, once that is read; when
that is changes nothing but last bits (what a paused row had written is computed anew, as a prompt). A row goes on as a
fresh request: prompt, accepted text, new experts. So what it writes after a switch is what a fresh start from there
would write. Knows the engine and the retriever; what passages do to a request is the caller's (`requests`).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from semoe.generation.engine import Engine
from semoe.generation.request import Answer
from semoe.generation.switching.draft import Draft, SentenceEnds
from semoe.generation.switching.judgement import Judgement
from semoe.generation.switching.methods import Doubt, Method, make_method
from semoe.generation.switching.queries import QueryTokenizer
from semoe.generation.switching.reading import DraftReading
from semoe.generation.switching.requests import Prepared, Requests
from semoe.generation.switching.row import Look, Row, Search
from semoe.generation.switching.searching import Hits, find
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.trace import Answered
from semoe.generation.switching.tracing import answered_of, trace_of
from semoe.generation.switching.watching import Watcher, tell_of_search
from semoe.language import Language
from semoe.language.readers import Readers
from semoe.models.decoder import Decoder
from semoe.retrieval.retriever import Retriever
from semoe.telemetry.counting import metrics

LOOKAHEAD = 2
"""A sentence has ended when so many tokens behind it leave its end where it was; measured, see docs/switching.md."""
OnFinish = Callable[[int, Answered], None]


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
    readers: Readers | None = None
    """Processes that read drafts while the engine goes on; None: each is read when it is judged."""
    watcher: Watcher | None = None
    """Hears of answers while they are written."""
    _method: Method = field(init=False)
    _judgement: Judgement = field(init=False)
    _rows: dict[int, Row] = field(default_factory=dict)
    """Being written, by the engine's number."""
    _looking: dict[int, Row] = field(default_factory=dict)
    """With drafts to be judged, by question."""
    _asking: list[Search] = field(default_factory=list)
    _asked: list[Search] = field(default_factory=list)
    """Whose passages are being searched."""
    _search: "Future[tuple[list[Hits], float]] | None" = None
    _done: dict[int, Answered] = field(default_factory=dict)
    _ends: SentenceEnds = field(init=False)
    _reading: DraftReading = field(init=False)

    def __post_init__(self) -> None:
        self._method = make_method(self.settings, self.language)
        self._judgement = Judgement(self.decoder, self.tokenizer, self.language, self.settings, self._method)
        self._ends = SentenceEnds(self.tokenizer.decode)
        kinds = getattr(self._method, "reads", ())
        self._reading = DraftReading(self.tokenizer.decode, self.language, self.readers, kinds)

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
            while len(self._done) < len(questions):
                self._retrieve(thread)
                self._step()
                self._judge_what_is_read()
                # A dict keeps the order in which rows ended, so those not told of yet are its last.
                for index in list(self._done)[told:]:
                    on_finish(index, self._done[index])
                told = len(self._done)
                self._wait()
        return [self._done[index] for index in range(len(questions))]

    def _forget(self) -> None:
        """Drops what an earlier call left: one that ended with an error did not come to its end."""
        self._rows = {}
        self._looking = {}
        self._asking = []
        self._asked = []
        self._search = None
        self._done = {}

    def _begin(self, row: Row) -> None:
        if self._method.asks_first:
            self._ask(Search(row=row, query=row.question))
        else:
            self._write(row, self._prepare(row))

    def _step(self) -> None:
        """Lets every row write a token; looks at those whose draft, or a sentence of it, has ended."""
        for ticket, answer in self.engine.step() if self.engine.has_work else ():
            row = self._rows.pop(ticket)
            row.ticket = None
            self._tell(row, answer)
            self._look(row, answer, is_whole=True)
        for ticket, row in self._rows.items() if self.watcher else ():
            self._tell(row, self.engine.written(ticket))
        if self.lookahead is not None and getattr(self._method, "reviews_sentences", False):
            self._look_at_what_is_settled(self.lookahead)

    def _tell(self, row: Row, draft: Answer) -> None:
        if self.watcher:
            self.watcher.wrote(row.index, row.accepted[: row.base], draft)

    def _wait(self) -> None:
        """Where there is nothing to write meanwhile: waits for passages, or for a text that is read."""
        if self.engine.has_work or (self._asking and not self._search):
            return
        due: list[Future[Any]] = [row.looks[0].reading for row in self._looking.values() if not row.waits]
        wait([*due, self._search] if self._search else due, return_when=FIRST_COMPLETED)

    def _ask(self, search: Search) -> None:
        search.row.waits = True
        tell_of_search(self.watcher, search)
        self._asking.append(search)

    def _retrieve(self, thread: ThreadPoolExecutor) -> None:
        """Takes passages that were found, and asks for those of all rows that wait."""
        if self._search and self._search.done():
            found, seconds = self._search.result()
            asked = self._asked
            self._asked = []
            self._search = None
            for search, hits in zip(asked, found, strict=True):
                self._switch(search, hits, 1000 * seconds)
        if self._asking and not self._search:
            self._asked = self._asking
            self._asking = []
            queries = [search.query for search in self._asked]
            self._search = thread.submit(find, self.retriever, self.requests, queries, self.settings.retrieve_topk)

    def _switch(self, search: Search, hits: Hits, milliseconds: float) -> None:
        """Puts new passages in place of the former ones, or says why nothing changes; goes on writing."""
        row = search.row
        row.waits = False
        row.counters.retrieve += 1
        row.counters.hallucinated += bool(search.doubt and search.doubt.mentions)
        row.is_closing = self._judgement.trusts_rest(search.doubt)
        changes = row.is_new(hits)
        if changes:
            row.passages = hits
            metrics.switches.inc()
        note = "" if changes else "the same passages again" if hits else "nothing found"
        former = row.prepared.experts
        prepared = self._prepare(row) if changes else row.prepared
        row.switches.append(trace_of(search, hits, prepared, self.requests, milliseconds=milliseconds, note=note))
        if self.watcher:
            self.watcher.switched(row.index, row.switches[-1], former)
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
        length = left if self._judgement.is_exhausted(row) else min(left, self._method.draft_length())
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
        self._follow(row, self.engine.submit(request))

    def _follow(self, row: Row, ticket: int) -> None:
        row.ticket = ticket
        self._rows[ticket] = row

    def _go_on(self, row: Row) -> None:
        """Goes on with the draft in hand; where nothing of it is left, with a new one."""
        judged = row.judged
        if row.paused is not None:
            self._follow(row, self.engine.resume(row.paused))
            row.paused = None
        elif judged and judged.is_whole and row.base + len(judged.answer.tokens) > len(row.accepted):
            row.looks.append(judged)
            self._looking[row.index] = row
        elif not row.looks:
            self._write(row, self._prepare(row))

    def _look_at_what_is_settled(self, lookahead: int) -> None:
        """Looks at running drafts of which a sentence has ended."""
        for ticket, row in self._rows.items():
            tokens = self.engine.tokens(ticket)
            settled = tokens[row.num_looked : max(0, len(tokens) - lookahead)]
            row.num_looked += len(settled)
            if any(map(self._ends, settled)) and not self._judgement.is_exhausted(row):
                self._look(row, self.engine.written(ticket), is_whole=False)

    def _look(self, row: Row, written: Answer, *, is_whole: bool) -> None:
        row.looks.append(self._reading.look(row, written, is_whole=is_whole))
        self._looking[row.index] = row

    def _judge_what_is_read(self) -> None:
        """Judges each row's looks in their order, as far as they are read."""
        for row in list(self._looking.values()):
            while row.looks and not row.waits and row.looks[0].reading.done():
                self._judge(row, row.looks.popleft())
            if not row.looks:
                del self._looking[row.index]

    def _judge(self, row: Row, look: Look) -> None:
        """Accepts a draft, or as much of it as is not in doubt, and asks for passages."""
        draft = self._reading.read(look)
        num_sentences = len(draft.sentences)
        if not look.is_whole and self.lookahead is not None:
            draft = draft.settled(self.lookahead)
        doubt = self._judgement.doubt(row, draft)
        if doubt is None and not look.is_whole:
            row.trusted = max([row.trusted, *(sentence.end for sentence in draft.sentences)])
            return
        answer = look.answer
        row.count(len(answer.tokens), num_sentences)
        if doubt is None:
            row.accept(answer.tokens)
            if row.is_cut and answer.finish == "length":
                row.stopped = "context"
            self._finish(row)
            return
        row.accept(answer.tokens[: draft.num_tokens_until(doubt.keep)])
        row.trusted = doubt.until
        row.judged = look
        self._pause(row)
        self._act(row, draft, doubt)

    def _pause(self, row: Row) -> None:
        """Stops writing a draft until the doubt about it is looked into; nothing of it is lost."""
        if row.ticket is not None:
            del self._rows[row.ticket]
            row.paused = self.engine.pause(row.ticket)
            row.ticket = None

    def _act(self, row: Row, draft: Draft, doubt: Doubt) -> None:
        """Asks for passages, where there is something to ask."""
        text = self.tokenizer.decode(row.accepted)
        if len(row.accepted) >= self.settings.generate_max_length:
            row.stopped = "length"
            self._finish(row)
        elif self._judgement.is_closed(row, text):
            row.is_closing = True
            self._go_on(row)
        elif query := self._judgement.query(row, draft, doubt, text):
            sentence = doubt.sentence.of(draft.text)
            self._ask(Search(row=row, query=query, text=text, sentence=sentence, doubt=doubt))
        else:
            self._go_on(row)

    def _finish(self, row: Row) -> None:
        row.looks.clear()
        text = self.tokenizer.decode(row.accepted)
        self._done[row.index] = answered_of(row, text, self.settings.generate_max_length)
