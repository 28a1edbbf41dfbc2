"""The code blocks of the documentation's pages, with what is said above them about running them.

A block runs (`tests/docs/test_blocks.py`) unless a comment on the line above says why not. It does not show on a page:

    <!-- slow: a whole run -->           it is run by `make test-slow`
    <!-- not run: needs a cluster -->    its `semoe` commands are only parsed

A page whose blocks all have one reason says it once: `<!-- no block of this page is run: … -->`.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [path.relative_to(ROOT).as_posix() for path in FILES]
BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>slow|not run): [^\n]+ -->\n)?"
    r"^(?P<indent> *)```(?P<kind>bash|python)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
WHOLE_PAGE = re.compile(r"^<!-- no block of this page is run: .+ -->$", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`(semoe [^`]*)`(?!`)")
ENDS = set(";|&()<>\n")
COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    mark: str
    """Empty: it runs in the quick tests."""
    line: int


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    otherwise = "not run" if WHOLE_PAGE.search(text) else ""
    return [
        Block(
            kind=one["kind"],
            text=re.sub(rf"^{one['indent']}", "", one["text"], flags=re.MULTILINE),
            mark=one["mark"] or otherwise,
            line=text[: one.start("text")].count("\n") + 1,
        )
        for one in BLOCK.finditer(text)
    ]


def inline_commands(page: str) -> list[str]:
    """What a page's sentences and tables name: often the beginning of a command."""
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [one.replace("\n", " ") for one in INLINE.findall(text)]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command of a shell's text; pipes and redirections end one."""
    lexer = shlex.shlex(COMMENT.sub("", text.replace("\\\n", " ")), posix=True, punctuation_chars="".join(sorted(ENDS)))
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    words: list[str] = []
    for word in [*lexer, "\n"]:
        if not set(word) <= ENDS:
            words.append(word)
        elif words:
            yield _without_settings(words)
            words = []


def _without_settings(words: list[str]) -> list[str]:
    """Leaves out `NAME=value` and `env -u NAME` before a command."""
    if words[:2] == ["env", "-u"]:
        words = words[3:]
    first = next((n for n, word in enumerate(words) if not re.match(r"\w+=", word)), len(words))
    return words[first:]
