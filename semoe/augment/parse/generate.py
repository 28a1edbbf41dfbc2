"""From a passage to question-answer pairs: runs the rules sentence by sentence, then chooses among the candidates.

Called by `ParseAugmenter`. The same text and seed give the same pairs, whatever else is made in the run.
"""

import dataclasses
import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator

from spacy.language import Language

from semoe.augment.parse.brackets import bracket_facts, strip_brackets
from semoe.augment.parse.candidate import Candidate, one_answer_each, well_formed
from semoe.augment.parse.clauses import sentence_facts
from semoe.augment.parse.subjects import read_topic
from semoe.augment.parse.titles import Names, read_names
from semoe.augment.restate import restate
from semoe.datasets.augmented import QAPair

MAX_SENTENCE_TOKENS = 70
MAX_FALLBACK = 100
_NAME_REACH = 100
"""A bracket that opens later than this does not stand behind the passage's name."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def candidates(parser: Language, title: str, text: str, rejected: Counter[str] | None = None) -> list[Candidate]:
    """Returns all questions that the rules find, most useful first, one answer a question.

    Args:
        parser: What `load_parser` returns.
        title: The passage's title, with or without a bracket.
        text: The passage.
        rejected: Counts, by reason, what was proposed and not kept.
    """
    counts = Counter[str]() if rejected is None else rejected
    title = _readable(title)
    text = _readable(text)
    proposed = _proposed(parser, title, text)
    return one_answer_each(well_formed(proposed, f"{text}\n{title}", counts), counts)


def question_answers(
    parser: Language,
    title: str,
    text: str,
    max_pairs: int = 8,
    seed: int = 0,
    rejected: Counter[str] | None = None,
) -> tuple[QAPair, ...]:
    """Returns at most `max_pairs` pairs, each with at most one other wording.

    A passage that no rule reads gives one pair of its first sentence; only one without words gives none.

    Args:
        parser: What `load_parser` returns.
        title: The passage's title, with or without a bracket.
        text: The passage.
        max_pairs: How many pairs at most.
        seed: Chooses among wordings.
        rejected: Counts, by reason, what was proposed and not kept.
    """
    title = _readable(title)
    text = _readable(text)
    names = read_names(title, text)
    # Seeded by the passage itself: what was drawn for an earlier one must not move this one's.
    chooser = random.Random(hashlib.sha256(f"{seed}\n{title}\n{text}".encode()).digest())
    chosen = _varied(candidates(parser, title, text, rejected)) or _first_sentence(names, text)
    return tuple(_pair(candidate, names, chooser) for candidate in chosen[:max_pairs])


def _readable(text: str) -> str:
    """Lone surrogates cannot be encoded, and both the parser and the digest encode."""
    return _SURROGATES.sub("\ufffd", text)


def _proposed(parser: Language, title: str, text: str) -> Iterator[Candidate]:
    names = read_names(title, text)
    plain, inside = strip_brackets(text)
    if not (names.introduced and 0 <= text.find("(") < _NAME_REACH):
        inside = ""
    # spaCy refuses a longer text altogether.
    doc = parser(plain[: parser.max_length])
    topic = read_topic(title, names, inside, doc)
    yield from bracket_facts(inside, names.name, is_person=topic.is_person)
    for number, sentence in enumerate(doc.sents):
        if len(sentence) <= MAX_SENTENCE_TOKENS:
            said = restate(sentence, names.name)
            for found in sentence_facts(sentence, topic, first=names.introduced and number == 0):
                yield found if found.sentence else dataclasses.replace(found, sentence=said)


def _varied(found: list[Candidate]) -> list[Candidate]:
    """At most two of a kind first, then the others, each in order of priority."""
    of_kind = Counter[str]()
    front: list[Candidate] = []
    back: list[Candidate] = []
    for candidate in found:
        of_kind[candidate.kind] += 1
        (front if of_kind[candidate.kind] <= 2 else back).append(candidate)
    return front + back


def _pair(candidate: Candidate, names: Names, chooser: random.Random) -> QAPair:
    first, *others = candidate.questions
    if names.second is not None:
        second = names.second
        others += [
            asked for question in candidate.questions if (asked := question.replace(names.name, second)) != question
        ]
    return QAPair(
        question=first,
        answer=candidate.answer,
        full_answer=_full_answer(candidate),
        wordings=(chooser.choice(others),) if others else (),
    )


def _full_answer(candidate: Candidate) -> str:
    if candidate.answer in candidate.sentence:
        return candidate.sentence
    # White space within an answer is all that can differ.
    return f"{candidate.questions[0].rstrip('?')}: {candidate.answer}."


def _first_sentence(names: Names, text: str) -> list[Candidate]:
    sentence = text.strip().split(". ", maxsplit=1)[0].strip()
    answer = sentence[:MAX_FALLBACK].strip()
    return [Candidate((f"What is {names.name}?",), answer, "first-sentence", 0.0, sentence)] if answer else []
