"""What the house rules say of the code's shape: sizes, parameters, one thing on a line, nothing handed on unseen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for folder in ("semoe", "pipelines") for path in (ROOT / folder).rglob("*.py"))
MAX_MODULE = 300
MAX_FUNCTION = 70
MAX_KERNEL = 100
MAX_PARAMETERS = 20
PACKED_IN_A_THOUSAND = 3
TABLES = {"Metrics.__init__"}
"""Functions that are a list of things, one after the other."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, of: str = "") -> Iterator[tuple[str, Function]]:
    """Yields each function with its name, a method's with its class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from functions(node, f"{node.name}.")
        elif isinstance(node, Function):
            yield f"{of}{node.name}", node
            yield from functions(node, of)
        else:
            yield from functions(node, of)


def is_kernel(function: Function) -> bool:
    return any("triton.jit" in ast.unparse(decorator) for decorator in function.decorator_list)


def lines_of(function: Function) -> int:
    """Lines from `def` to the last of the body."""
    return (function.end_lineno or 0) - function.lineno + 1


def num_parameters(function: Function) -> int:
    """A kernel's are the tensors that it reads and writes: it has no records to put them into."""
    if is_kernel(function):
        return 0
    given = function.args
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)


def is_packed(node: ast.AST) -> bool:
    """Whether it puts several values into several names: `a, b = x, y`."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple)
        and any(isinstance(target, ast.Tuple) for target in node.targets)
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_can_be_read_at_once(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_MODULE
    for name, function in functions(ast.parse(text)):
        limit = MAX_KERNEL if is_kernel(function) else MAX_FUNCTION
        assert name in TABLES or lines_of(function) <= limit, name
        assert num_parameters(function) <= MAX_PARAMETERS, name


def test_nothing_is_handed_on_unseen() -> None:
    """A call of `locals()` hides from the type checker what it passes."""
    calls = [
        f"{path}: {node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "locals"
    ]
    assert calls == []


def test_one_thing_stands_on_a_line() -> None:
    texts = [path.read_text(encoding="utf-8") for path in MODULES]
    packed = sum(is_packed(node) for text in texts for node in ast.walk(ast.parse(text)))
    assert 1000 * packed / sum(text.count("\n") for text in texts) <= PACKED_IN_A_THOUSAND


def test_the_measures_see_what_they_should() -> None:
    """Each of them on code that breaks it."""
    long = ast.parse("def f():\n    '''Says.'''\n" + "    x = 1\n" * 80)
    ((name, function),) = functions(long)
    assert (name, lines_of(function)) == ("f", 82)
    ((name, function),) = functions(ast.parse("class A:\n    def g(self, a, /, b, *, c): ..."))
    assert (name, num_parameters(function)) == ("A.g", 4)
    assert [is_packed(node) for node in ast.parse("a, b = 1, 2\na, b = f()\na = 1, 2").body] == [True, False, False]


DOCS = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCE = re.compile(r"`(?:semoe/)?([\w/]+/[\w]+\.(?:py|toml))")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_file_that_the_docs_name_is_there(path: Path) -> None:
    named = set(SOURCE.findall(path.read_text(encoding="utf-8")))
    missing = {name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "semoe"))}
    assert missing == set()
