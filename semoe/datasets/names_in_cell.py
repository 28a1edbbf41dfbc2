"""Several names in one cell of a table: a JSON array, or a list as Python prints it. Read, never evaluated.

PopQA's cells are JSON; copies that went through pandas or a Python script have lists in Python's notation. A data file
must not run code, so only strings, numbers and None stand in such a list, with commas between them.
"""

import ast
import json
import re

_ITEM = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[+-]?\d+(?:\.\d+)?|None)"""
_SPACES = r"[ \t\r\n]*"
_NEXT = re.compile(rf"{_SPACES}({_ITEM}){_SPACES}(,|\Z)", re.DOTALL)
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


def names_in_cell(cell: str) -> object:
    """Returns what a cell holds: a list, or whatever else its JSON is.

    Raises:
        ValueError: it is neither JSON nor a list of strings and numbers.
    """
    text = cell.strip()
    try:
        return _encodable(json.loads(text or "[]"))
    except json.JSONDecodeError:
        return _encodable(_python_list(text))


def _encodable(found: object) -> object:
    """Refuses half of a character (a lone surrogate), which no file could hold."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"half of a character ({error.object[error.start]!r})") from error
    return found


def _python_list(text: str) -> list[object]:
    if len(text) < 2 or _BRACKETS.get(text[0]) != text[-1]:
        raise ValueError("neither a JSON array nor a Python list")
    inner, at = text[1:-1], 0
    items = list[object]()
    while inner[at:].strip():
        found = _NEXT.match(inner, at)
        if not found:
            raise ValueError(f"no comma, or no plain string, at character {at + 2}")
        # One literal, so nothing is computed: Python would join two that stand side by side.
        try:
            items.append(ast.literal_eval(found[1]))
        except SyntaxError as error:
            raise ValueError(f"{error.msg} at character {at + 2}") from error
        at = found.end()
    return [item for item in items if item is not None]
