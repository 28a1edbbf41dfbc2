"""Whom a clause speaks of: the passage's topic, and each clause's subject as text.

Called by `clauses`. A clause whose subject is not known is skipped: a question about "they" is no question.
"""

import re
from dataclasses import dataclass

from spacy.tokens import Doc, Span, Token

from semoe.augment.parse.brackets import tells_a_life
from semoe.augment.parse.candidate import POSSESSIVES, PRONOUNS
from semoe.augment.parse.phrases import children, conjuncts, entity_of, noun_phrase, without_article
from semoe.augment.parse.titles import Names, bracket_of, last_noun

_OPAQUE = frozenset(("who", "which", "that", "this", "these", "there", "i", "we", "you", "what", "those", "one"))
_NAMED = frozenset(("PERSON", "ORG", "GPE", "WORK_OF_ART", "FAC", "LOC", "EVENT"))
_THINGS = frozenset(
    (
        *("film", "movie", "album", "novel", "book", "song", "single", "series", "show", "episode", "play", "opera"),
        *("poem", "story", "magazine", "newspaper", "journal", "game", "software", "website", "channel", "label"),
        *("band", "group", "duo", "team", "club", "company", "organization", "organisation", "party", "brand"),
        *(
            "school",
            "university",
            "college",
            "store",
            "station",
            "church",
            "building",
            "bridge",
            "road",
            "street",
            "railway",
        ),
        *("village", "town", "city", "municipality", "district", "county", "province", "region", "commune", "suburb"),
        *("country", "state", "island", "river", "lake", "mountain", "species", "genus", "language"),
        *("ship", "aircraft", "car", "battle", "war", "event", "festival", "award", "season", "tournament"),
    )
)
"""Nouns that no person is: their "he" is somebody else."""
KIN = frozenset(
    (
        *("son", "daughter", "father", "mother", "brother", "sister", "wife", "husband", "parent", "child"),
        *("uncle", "aunt", "nephew", "niece", "cousin", "grandfather", "grandmother", "widow", "spouse"),
    )
)
"""Nouns that the entity recogniser leaves unlabelled though a person is meant."""
_HUMAN = re.compile(r"\b(?:he|she|his|her|him)\b", re.IGNORECASE)
_INANIMATE = re.compile(r"\b(?:it|its)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a passage is about."""

    names: Names
    is_person: bool
    nouns: frozenset[str]
    """Nouns that stand for it with an article: "the film"."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A resolved subject of a clause."""

    text: str
    is_topic: bool
    is_person: bool = False

    @property
    def rank(self) -> float:
        """What is added to a priority: what is said of others matters less."""
        return 0.0 if self.is_topic else 3.0


def read_topic(title: str, names: Names, inside: str, doc: Doc) -> Topic:
    """Finds out what a passage is about, from its parse and the first bracket's text."""
    first = next(doc.sents, None)
    heads = _complement_nouns(first) if names.introduced and first is not None else []
    # "Battle of Hastings" is called "the battle", "Ohio River" "the river", "Hook (film)" "the film".
    in_bracket = last_noun(bracket_of(title))
    before_of = last_noun(names.name.split(" of ")[0])
    nouns = in_bracket | before_of | last_noun(names.name) | set(heads)
    is_thing = bool(_THINGS & {*heads[:1], *in_bracket})
    return Topic(names, not is_thing and _speaks_of_person(names, inside, doc), nouns)


def topic_subject(topic: Topic) -> Subject:
    """Returns the topic as a subject."""
    return Subject(topic.names.name, True, topic.is_person)


def resolve(token: Token, topic: Topic) -> Subject | None:
    """Returns the subject that a token heads, or None where it is not known whom it means."""
    if token.lower_ in PRONOUNS:
        return topic_subject(topic) if _may_be(token, topic) else None
    if token.lower_ in _OPAQUE:
        return None
    owners = children(token, "poss")
    if owners:
        return _owned(token, owners[0], topic)
    return topic_subject(topic) if _means_topic(token, topic) else _other(token)


def _owned(token: Token, owner: Token, topic: Topic) -> Subject | None:
    """From "his first film": "T's first film"."""
    name = topic.names.name
    if owner.lower_ in POSSESSIVES or owner.text in topic.names.words:
        owned = f"{name}'s {noun_phrase(token, owner.right_edge.i + 1)}"
        return Subject(owned, False, token.lemma_ in KIN) if _may_be(owner, topic) else None
    if entity_of(owner) is None:
        return None
    return Subject(without_article(token.doc[token.left_edge.i : token.i + 1].text), False)


def _may_be(pronoun: Token, topic: Topic) -> bool:
    """In a passage about a film, "he" is somebody else; in one about a person, "it" is something else."""
    if pronoun.lower_ not in PRONOUNS | POSSESSIVES:
        return True
    if topic.is_person:
        return not _INANIMATE.fullmatch(pronoun.text)
    return not _HUMAN.fullmatch(pronoun.text)


def _means_topic(token: Token, topic: Topic) -> bool:
    if token.pos_ == "PROPN" and token.text in topic.names.words:
        return True
    definite = any(child.lower_ in ("the", "this") for child in token.children)
    if token.pos_ == "NOUN" and definite and token.lemma_.lower() in topic.nouns:
        return True
    phrase = token.doc[token.left_edge.i : token.i + 1].text
    return topic.names.name.lower() in phrase.lower()


def _other(token: Token) -> Subject | None:
    entity = entity_of(token)
    if entity is not None and entity.label_ in _NAMED:
        return Subject(entity.text, False, entity.label_ == "PERSON")
    definite = any(child.lower_ == "the" for child in token.children)
    phrase = token.doc[token.left_edge.i : token.right_edge.i + 1]
    return Subject(phrase.text, False) if definite and len(phrase) <= 8 else None


def _complement_nouns(sentence: Span) -> list[str]:
    heads = children(sentence.root, "attr") if sentence.root.lemma_ == "be" else []
    return [noun.lemma_.lower() for head in heads for noun in conjuncts(head)]


def _speaks_of_person(names: Names, inside: str, doc: Doc) -> bool:
    if names.introduced and tells_a_life(inside):
        return True
    num_human = len(_HUMAN.findall(doc.text))
    num_inanimate = len(_INANIMATE.findall(doc.text))
    if num_human or (num_inanimate and names.introduced):
        return num_human > num_inanimate
    labels = [entity.label_ for entity in doc.ents if names.words & set(entity.text.split())]
    return labels.count("PERSON") * 2 > len(labels)
