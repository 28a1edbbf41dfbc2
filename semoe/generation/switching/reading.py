"""Makes texts of what was written, and has them read: where there are readers, while the engine goes on."""

from concurrent.futures import Future
from dataclasses import replace

from semoe.generation.request import Answer
from semoe.generation.switching.draft import Decode, Draft, make_draft
from semoe.generation.switching.row import Look, Row
from semoe.language import Language
from semoe.language.english import Kind
from semoe.language.reader import Ask, Reading
from semoe.language.readers import Readers


class DraftReading:
    """Looks at drafts.

    Args:
        decode: returns the text of tokens.
        language: reads what is not read by others.
        readers: who reads ahead; None: nobody, each text is read when it is judged.
        kinds: what is read ahead of sentences, a kind where those before it found nothing.
    """

    def __init__(self, decode: Decode, language: Language, readers: Readers | None, kinds: tuple[Kind, ...]) -> None:
        self._decode = decode
        self._language = language
        self._readers = readers
        self._kinds = kinds

    def look(self, row: Row, written: Answer, *, is_whole: bool) -> Look:
        """Returns a draft as it is now, and has it read."""
        draft = make_draft(self._decode, row.accepted[: row.base], written)
        return Look(written, draft, is_whole, self._begun(Ask(draft.text, row.trusted, is_whole, self._kinds)))

    def read(self, look: Look) -> Draft:
        """Returns the draft with its sentences."""
        reading = look.reading.result()
        if reading is not None:
            self._language.learn("sentences", look.draft.text, reading.sentences)
            for kind, text, spans in reading.found:
                self._language.learn(kind, text, spans)
        return replace(look.draft, sentences=tuple(self._language.sentences(look.draft.text)))

    def _begun(self, ask: Ask) -> "Future[Reading | None]":
        if self._readers is not None and not self._language.knows("sentences", ask.text):
            return self._readers.begin(ask)
        nobody_reads = Future[Reading | None]()
        nobody_reads.set_result(None)
        return nobody_reads
