"""Question words for types of answer, and the verb of a question from the verb of a sentence.

Called by the rules; knows single tokens, no clause.
"""

from dataclasses import dataclass

from spacy.tokens import Token

from semoe.augment.parse.phrases import children

PLACES = frozenset(("GPE", "LOC", "FAC"))
TIMES = frozenset(("DATE", "TIME"))
WHERE = ("Where", "In what place")
WHEN = ("When", "On what date or in what year")
_OBJECT_WORDS = {
    "PERSON": ("Whom", "Who"),
    "ORG": ("Which organization", "What"),
    "WORK_OF_ART": ("Which work", "What"),
    "EVENT": ("Which event", "What"),
    "LANGUAGE": ("Which language", "What"),
    "NORP": ("Which group", "What"),
}
_PAST = {
    "beaten": "beat",
    "begun": "began",
    "borne": "bore",
    "broken": "broke",
    "chosen": "chose",
    "done": "did",
    "drawn": "drew",
    "driven": "drove",
    "flown": "flew",
    "given": "gave",
    "grown": "grew",
    "known": "knew",
    "overseen": "oversaw",
    "overthrown": "overthrew",
    "rewritten": "rewrote",
    "seen": "saw",
    "shown": "showed",
    "spoken": "spoke",
    "stolen": "stole",
    "sung": "sang",
    "taken": "took",
    "thrown": "threw",
    "undertaken": "undertook",
    "woven": "wove",
    "written": "wrote",
}


@dataclass(frozen=True, slots=True)
class Inflected:
    """The verb of a question in its two halves: "When [did] she [direct] it?"."""

    before: str
    after: str


def question_words(label: str) -> tuple[str, ...]:
    """Returns the words that ask for an entity of this type as an object."""
    return _OBJECT_WORDS.get(label, ("What",))


def past_tense(participle: Token) -> str:
    """Returns the past tense of a participle: "written by her" is asked as "Who wrote it?"."""
    return _PAST.get(participle.lower_, participle.lower_)


def inflect(verb: Token) -> Inflected | None:
    """Splits a verb around the subject of a question; None for a form that no question can be made of."""
    helpers = [child.lower_ for child in children(verb, "aux", "auxpass") if child.i < verb.i]
    particles = [child.lower_ for child in children(verb, "prt")]
    if helpers and helpers[0] != "to":
        return Inflected(helpers[0].replace("'s", "has"), " ".join([*helpers[1:], verb.lower_, *particles]))
    if verb.lemma_ == "be":
        return Inflected(verb.lower_.replace("'s", "is"), "") if verb.tag_ in ("VBD", "VBZ", "VBP") else None
    if verb.tag_ == "VBN":
        return Inflected("was", " ".join([verb.lower_, *particles]))
    do = {"VBD": "did", "VBZ": "does"}.get(verb.tag_, "do")
    return Inflected(do, " ".join([verb.lemma_.lower(), *particles]))
