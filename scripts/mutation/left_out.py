"""What no test ought to pin, or can tell.

Texts (strings, what `raise` and a log call say), types (annotations, aliases, decorators, the first argument of
`cast`), and the choice of a device, which only a machine with a GPU tells.
"""

import re

import libcst as cst

LOGGING = re.compile(r"(log|logging|warnings)\.\w+|print")


def is_left_out(node: cst.CSTNode) -> bool:
    """Says whether neither a node nor anything in it is changed."""
    if isinstance(node, cst.Call):
        name = code(node.func)
        return bool(LOGGING.fullmatch(name)) or name.endswith(("Error", "getLogger", "TypeVar"))
    is_text = isinstance(node, cst.BaseString | cst.FormattedString)
    return is_text or isinstance(node, cst.Annotation | cst.Decorator | cst.Raise | cst.Import | cst.ImportFrom)


def is_type_alias(node: cst.CSTNode) -> bool:
    """Says whether an assignment outside functions only names a type, a logger or what is exported."""
    name = code(node.targets[0].target) if isinstance(node, cst.Assign) else ""
    return name in {"__all__", "log"} or (name[:1].isupper() and not name.isupper())


def concerns_a_left_out_argument(node: cst.CSTNode, replacement: cst.CSTNode) -> bool:
    """Says whether a changed call lost or changed an argument that is left out."""
    if not isinstance(node, cst.Call) or not isinstance(replacement, cst.Call):
        return False
    kept = {id(arg) for arg in replacement.args}
    gone = [(position, arg) for position, arg in enumerate(node.args) if id(arg) not in kept]
    return any(_is_device(arg) or (position == 0 and code(node.func) == "cast") for position, arg in gone)


def _is_device(arg: cst.Arg) -> bool:
    return (arg.keyword is not None and arg.keyword.value == "device") or bool(
        re.fullmatch(r"(\w+\.)*_?device", code(arg.value))
    )


def code(node: cst.CSTNode) -> str:
    """Returns a node as text."""
    return cst.Module([]).code_for_node(node)
