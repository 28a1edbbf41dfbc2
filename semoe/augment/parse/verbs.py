"""Questions from clauses: what a subject is, and what it does.

Verbs and prepositions come from the sentence; only the question word comes from the type of the answer.
"""

from semoe.augment.parse.facts import PLACES, WHEN, WHERE, Facts
from semoe.augment.parse.phrases import (
    Token,
    auxiliary,
    children,
    conjuncts,
    entity_of,
    label_of,
    noun_phrase,
)

_WHO = {
    "PERSON": ("Whom", "Who"),
    "ORG": ("Which organization", "What"),
    "WORK_OF_ART": ("Which work", "What"),
}
_EMPTY = frozenset(("former", "retired", "late", "famous", "notable", "renowned", "prominent"))


def verb_facts(facts: Facts, verb: Token, subject: str, *, is_title: bool) -> None:
    """Adds what a full verb says of its subject: objects, places, dates, agents."""
    before, after = auxiliary(verb)
    asked = f"{before} {subject} {after}"
    rank = 0.0 if is_title else 3.0
    objects = [c for c in children(verb, "dobj", "attr", "oprd") if c.i > verb.i]
    for found in (t for o in objects for t in conjuncts(o)[:3]):
        facts.add(
            (f"{'Who' if label_of(found) == 'PERSON' else 'What'} {asked}?",),
            noun_phrase(found),
            "obj",
            rank + 2,
        )
    said = asked + _object_text(objects)
    for moment in children(verb, "npadvmod"):
        if label_of(moment) == "DATE":
            facts.add(tuple(f"{wh} {said}?" for wh in WHEN), noun_phrase(moment), "when", rank + 1)
    prepositions = children(verb, "prep", "agent") + [
        p for o in objects for p in children(o, "prep") if p.lower_ != "of"
    ]
    for preposition in prepositions:
        _preposition_facts(facts, verb, preposition, subject, said, rank)


def _object_text(objects: list[Token]) -> str:
    if not objects:
        return ""
    phrase = objects[0].doc[objects[0].left_edge.i : objects[0].i + 1]
    return f" {phrase.text if len(phrase) <= 6 else objects[0].text}"


def _preposition_facts(facts: Facts, verb: Token, preposition: Token, subject: str, said: str, rank: float) -> None:
    word = preposition.lower_
    for target in children(preposition, "pobj"):
        answer, label = noun_phrase(target), label_of(target)
        if preposition.dep_ == "agent" or (word == "by" and verb.tag_ == "VBN"):
            for agent in conjuncts(target)[:2]:
                wh = "Who" if label_of(agent) else "What"
                facts.add(
                    (f"{wh} {verb.text} {subject}?", f"{wh} {said} by?"),
                    noun_phrase(agent),
                    "agent",
                    rank + 0.5,
                )
        elif label in PLACES and word in ("in", "at", "near", "on", "from", "to", "into"):
            tail = f" {word}" if word in ("from", "to", "into") else ""
            facts.add(tuple(f"{wh} {said}{tail}?" for wh in WHERE), answer, "where", rank + 0.5)
        elif label in ("DATE", "TIME"):
            facts.add(tuple(f"{wh} {said}?" for wh in WHEN), answer, "when", rank + 1)
        else:
            words = _WHO.get(label, ("What",))
            facts.add(tuple(f"{wh} {said} {word}?" for wh in words), answer, "prep", rank + (1.5 if label else 2.5))
        # "born in 1933 in Cleveland": the parse hangs the second phrase on the first.
        for inner in children(target, "prep"):
            if inner.lower_ in ("in", "at", "on") and label in (*PLACES, "DATE"):
                _preposition_facts(facts, verb, inner, subject, said, rank)


def copula_facts(facts: Facts, verb: Token, subject: str, *, is_title: bool, first: bool) -> None:
    """Adds what "X is a Y" says: what X is, what kind, of which nation, where and of what."""
    heads = [c for c in children(verb, "attr") if c.i > verb.i]
    be = verb.lower_ if verb.lemma_ == "be" else "was"
    rank = (0.0 if first else 2.0) if is_title else 3.0
    if not heads:
        for place in (t for p in children(verb, "prep") for t in children(p, "pobj") if label_of(t) in PLACES):
            facts.add((f"Where {be} {subject}?",), noun_phrase(place), "where", rank + 1)
        return
    head = _real_head(heads[0])
    if head.tag_ in ("PRP", "EX", "DT"):
        return
    wh = "Who" if facts.is_person and is_title else "What"
    all_heads = conjuncts(head)
    start = min([t.i for c in children(head, "compound", "amod", "nmod") for t in c.subtree if t.i < head.i] + [head.i])
    facts.add((f"{wh} {be} {subject}?",), head.doc[start : all_heads[-1].i + 1].text, "isa", rank)
    kinds = [short for short in map(_short_kind, all_heads[:3]) if short]
    thing = "person" if wh == "Who" else "thing"
    for number, kind in enumerate(kinds):
        wordings = (
            f"What {be} {subject}?",
            f"What kind of {thing} {be} {subject}?",
            f"As what is {subject} known?",
        )
        else_wordings = (f"What else {be} {subject}?", f"What {'else ' * number}{be} {subject} known as?")
        facts.add(wordings if number == 0 else else_wordings, kind, "kind", rank - 0.5 if number == 0 else rank + 2)
    _nation_facts(facts, head.doc[start : all_heads[-1].i + 1], be, subject, rank)
    for preposition in children(head, "prep"):
        _complement_facts(facts, head, preposition, be, subject, rank)
    for clause in children(head, "acl", "relcl"):
        if clause.tag_ == "VBN" or clause.dep_ == "relcl":
            _clause_facts(facts, clause, subject, is_title=is_title)


def _real_head(head: Token) -> Token:
    """In "one of the largest cities", the cities."""
    if head.lower_ in ("one", "type", "kind"):
        for preposition in children(head, "prep"):
            for target in children(preposition, "pobj"):
                return target
    return head


def _short_kind(head: Token) -> str:
    """The head noun with at most two modifiers, without nation, place, date or empty praise."""
    start = min([t.i for c in children(head, "compound", "amod", "nmod") for t in c.subtree if t.i < head.i] + [head.i])
    plain = [t for t in head.doc[start : head.i + 1] if _says_kind(t)]
    return " ".join(t.text for t in plain[-3:])


def _says_kind(token: Token) -> bool:
    named = label_of(token) in ("NORP", "GPE", "DATE", "CARDINAL", "LANGUAGE")
    return not named and token.pos_ not in ("DET", "NUM", "PUNCT", "CCONJ") and token.lower_ not in _EMPTY


def _nation_facts(facts: Facts, phrase: Token, be: str, subject: str, rank: float) -> None:
    for token in phrase:
        entity = entity_of(token)
        if entity is not None and entity.label_ in ("NORP", "LANGUAGE"):
            facts.add((f"What nationality {be} {subject}?",), entity.text, "norp", rank + 1.5)
            return


def _complement_facts(facts: Facts, head: Token, preposition: Token, be: str, subject: str, rank: float) -> None:
    """From "a N in/of/by X": "Where/Who/What is T the N of?"."""
    article = "" if head.tag_ == "NNS" else ("the " if preposition.lower_ == "of" else "a ")
    for target in children(preposition, "pobj"):
        label, answer = label_of(target), noun_phrase(target)
        if label in PLACES and preposition.lower_ in ("in", "at", "near", "on", "of"):
            located = f"Where {be} {subject} located?"
            wordings = (
                (f"Where {be} {subject} {article}{head.text}?",)
                if facts.is_person
                else (f"Where {be} {subject}?", located)
            )
            facts.add(wordings, answer, "where", rank + 1)
        else:
            wh = {"PERSON": "Who", "ORG": "Which organization", "DATE": "What year"}.get(label, "What")
            facts.add(
                (f"{wh} {be} {subject} {article}{head.text} {preposition.lower_}?",),
                answer,
                "isaprep",
                rank + 1.5,
            )


def _clause_facts(facts: Facts, verb: Token, subject: str, *, is_title: bool) -> None:
    """A clause whose subject is the noun it hangs on: "who wrote …", "directed by …"."""
    own = children(verb, "nsubj", "nsubjpass")
    if own and own[0].lower_ not in ("who", "which", "that"):
        return
    if verb.pos_ == "AUX":
        copula_facts(facts, verb, subject, is_title=is_title, first=False)
    else:
        verb_facts(facts, verb, subject, is_title=is_title)
