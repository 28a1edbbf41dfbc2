"""How two answers are made comparable: SQuAD's normalisation (arXiv 1606.05250).

`scores.py` compares what it returns, `extraction.py` finds the question's words with it.
"""

import re
import string

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalise(text: str) -> str:
    """Lower-cases, deletes ASCII punctuation and articles, squeezes spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())
