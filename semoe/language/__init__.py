"""What is read off English text: sentences, names, words that carry meaning.

`english` reads in this process; `readers` are processes that read ahead, each by `reader`.
"""

from semoe.language.english import CONTENT, Language, Span, load_parser, require_parser

__all__ = ["CONTENT", "Language", "Span", "load_parser", "require_parser"]
