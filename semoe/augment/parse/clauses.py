"""From a sentence to its clauses: which verb says something of which subject, and which rules may speak.

Called by `generate` for each sentence; whom a noun means is `subjects`', what is asked is `copula`'s and `verbs`'.
"""

import re
from collections.abc import Iterator

from spacy.tokens import Span, Token

from semoe.augment.parse.candidate import Candidate
from semoe.augment.parse.copula import complement_heads, copula_facts
from semoe.augment.parse.phrases import children, entity_of, noun_phrase
from semoe.augment.parse.subjects import Subject, Topic, resolve, topic_subject
from semoe.augment.parse.verbs import verb_facts

_SUBJECTS = ("nsubj", "nsubjpass")
_NOUNS = frozenset(("PROPN", "NOUN", "X", "NUM", "ADJ", "VERB"))
_UNKNOWN = re.compile(r"\b(?:he|she|it|his|her|its|their|they|who|which)\b", re.IGNORECASE)
_MAX_PREDICATE = 14


def sentence_facts(sentence: Span, topic: Topic, *, first: bool) -> Iterator[Candidate]:
    """Yields what a sentence says; `first` is the one that introduces the topic."""
    for verb in sentence:
        if verb.pos_ not in ("VERB", "AUX") or children(verb, "neg"):
            continue
        subject = _subject_of(verb, topic, first=first)
        if subject is None:
            continue
        yield from _said(verb, subject, first=first)
        if verb.dep_ == "ROOT":
            yield from _subject_questions(verb, subject, first=first)


def _subject_of(verb: Token, topic: Topic, *, first: bool) -> Subject | None:
    """Finds whom a verb speaks of: its own subject, or that of the verb that it is joined to."""
    own = children(verb, *_SUBJECTS)
    if verb.dep_ in ("relcl", "acl"):
        return _name_it_hangs_on(verb, topic)
    if not own:
        return _inherited(verb, topic, first=first)
    if first and verb.dep_ == "ROOT" and own[0].pos_ in _NOUNS:
        return topic_subject(topic)
    return resolve(own[0], topic)


def _inherited(verb: Token, topic: Topic, *, first: bool) -> Subject | None:
    if verb.dep_ == "ROOT":
        return topic_subject(topic) if first and verb.tag_ == "VBN" else None
    # An opening participle, "Born in Ghent, T …", speaks of the main verb's subject; other clauses need not.
    joined = verb.dep_ == "conj" or (verb.dep_ == "advcl" and verb.tag_ == "VBN")
    if not joined or verb.head.pos_ not in ("VERB", "AUX"):
        return None
    if verb.head.dep_ in ("relcl", "acl") and verb.head.head.dep_ == "attr":
        return _subject_of(verb.head.head.head, topic, first=first)
    return _subject_of(verb.head, topic, first=first) if children(verb.head, *_SUBJECTS) else None


def _name_it_hangs_on(verb: Token, topic: Topic) -> Subject | None:
    """Resolves a clause that hangs on a name; those on a complement belong to `_complement_clauses`."""
    entity = entity_of(verb.head)
    if entity is None or verb.head.pos_ != "PROPN" or verb.head.dep_ == "attr" or not _is_open(verb):
        return None
    if verb.head.text in topic.names.words:
        return topic_subject(topic)
    return Subject(entity.text, False, entity.label_ == "PERSON")


def _is_open(verb: Token) -> bool:
    """Whether a clause takes its subject from the noun that it hangs on."""
    own = children(verb, *_SUBJECTS)
    return (
        (not own and verb.dep_ == "relcl") or verb.tag_ == "VBN"
        if not own
        else own[0].lower_ in ("who", "which", "that")
    )


def _said(verb: Token, subject: Subject, *, first: bool) -> Iterator[Candidate]:
    if verb.lemma_ != "be" or verb.pos_ != "AUX":
        yield from verb_facts(verb, subject)
        return
    yield from copula_facts(verb, subject, first=first)
    for noun in complement_heads(verb):
        for clause in children(noun, "acl", "relcl"):
            if _is_open(clause) and not children(clause, "neg"):
                yield from _said(clause, subject, first=False)


def _subject_questions(verb: Token, subject: Subject, *, first: bool) -> Iterator[Candidate]:
    """Asks for the subject, "Who directed the film?", and for what stands in apposition to it."""
    own = children(verb, *_SUBJECTS)
    named = subject.is_topic or any(entity_of(token) is not None for token in own)
    said = _predicate(verb)
    # "Who is a Finnish writer?" has many answers, "Who is the mayor of Ghent?" one.
    vague = first and verb.lemma_ == "be" and not re.match(r"\S+ the ", said)
    if named and not vague and said and len(said.split()) <= _MAX_PREDICATE and not _UNKNOWN.search(said):
        wh = "Who" if subject.is_person else "What"
        rank = 2.0 if subject.is_topic else 3.0
        yield Candidate((f"{wh} {said}?",), subject.text, "subj", rank, f"{subject.text} {said.removesuffix('.')}.")
    for other in (noun for token in own for noun in children(token, "appos") if noun.pos_ == "NOUN"):
        if subject.is_topic:
            wh = "Who was" if subject.is_person else "What is"
            yield Candidate((f"{wh} {subject.text}?",), noun_phrase(other), "appos", 1.0)


def _predicate(verb: Token) -> str:
    """The verb and all that follows, up to a joined clause with a subject of its own."""
    start = min((child.i for child in children(verb, "aux", "auxpass")), default=verb.i)
    ends = [child.left_edge.i for child in children(verb, "conj") if children(child, *_SUBJECTS)]
    end = min([end for end in ends if end > verb.i] + [verb.right_edge.i + 1])
    words = list(verb.doc[min(start, verb.i) : end])
    while words and (words[-1].is_punct or words[-1].is_space or words[-1].pos_ == "CCONJ"):
        words.pop()
    if not words:
        return ""
    said = re.sub(r"(?<!\.\w)\.$", "", verb.doc[words[0].i : words[-1].i + 1].text)
    return f'{said}"' if said.count('"') % 2 else said
