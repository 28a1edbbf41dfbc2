"""Says what of a draft is in doubt, and what to search for then."""

from semoe.generation.switching.attention_shares import attention_shares
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.methods import Doubt, Method
from semoe.generation.switching.queries import QueryInputs, QueryTokenizer, make_query
from semoe.generation.switching.row import Row
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language
from semoe.models.decoder import Decoder

CLOSING = "the answer is"
"""Once these words are accepted nothing more is asked for: the answer is written to its end.

The published code looks for them as they are written here, so not at the beginning of a sentence, and only after a
retrieval (`closing`): "The answer is no." and a doubted sentence after it made it retrieve.
"""


class Judgement:
    """A method, within the bounds that the settings put on it."""

    def __init__(
        self, decoder: Decoder, tokenizer: QueryTokenizer, language: Language, settings: SwitchSettings, method: Method
    ) -> None:
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._language = language
        self._settings = settings
        self._method = method

    def doubt(self, row: Row, draft: Draft) -> Doubt | None:
        """Returns what of a draft is in doubt, behind what was judged before; None: nothing."""
        if row.is_closing:
            return None
        if self.is_exhausted(row):
            row.stopped = "max_switches" if self._method.can_doubt else ""
            return None
        trusted = max(row.trusted, draft.sentences[0].end if row.trusts_first and draft.sentences else 0)
        doubt = self._method.review(draft, trusted)
        # What is no further than what was judged before would never end.
        return doubt if doubt and doubt.until > row.trusted else None

    def is_exhausted(self, row: Row) -> bool:
        """Whether a row has had all its retrievals; then it is written to its end."""
        return row.is_closing or row.counters.retrieve >= self._settings.max_switches

    def is_closed(self, row: Row, text: str) -> bool:
        """Whether the accepted text says what the answer is, so that nothing more is asked for."""
        if self._settings.closing == "published":
            return row.counters.retrieve > 0 and CLOSING in text
        return CLOSING in text.lower()

    def trusts_rest(self, doubt: Doubt | None) -> bool:
        """Whether all that is written after the retrieval for a doubt is accepted as it comes."""
        accepts = self._settings.after_retrieval == "accept"
        return doubt is not None and accepts and bool(getattr(self._method, "trusts_rest", False))

    def query(self, row: Row, draft: Draft, doubt: Doubt, text: str) -> str:
        """Returns what to search for; empty where nothing is left to ask for. `text` is what is accepted."""
        ask = QueryInputs(
            question=row.question,
            before=text,
            sentence=doubt.sentence.of(draft.text),
            hits=tuple(hit.span.moved(-doubt.sentence.start) for hit in doubt.hits),
            adds_sentence=self._method.asks_with_sentence,
            keep_top_k=self._settings.retrieve_keep_top_k,
            keep_ratio=self._settings.retrieve_keep_ratio,
            language=self._language,
            tokenizer=self._tokenizer,
            look=lambda tokens: attention_shares(self._decoder, tokens),
        )
        return make_query(self._settings.query_formulation, ask)
