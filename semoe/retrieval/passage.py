"""A passage of the corpus, and a passage found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """About 100 words of a corpus (a row of DPR's `psgs_w100.tsv`, arXiv 2004.04906).

    Example:
        >>> import semoe
        >>> semoe.Passage(id="1", text="The bell of Ilmajoki was cast in 1713.", title="The bell").title
        'The bell'
    """

    id: str
    text: str
    title: str

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing: some of BEIR's have neither text nor title."""
        return not (self.text.strip() or self.title.strip())


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage with its place in an answer to a query."""

    passage: Passage
    score: float
    rank: int
    """From 0."""
