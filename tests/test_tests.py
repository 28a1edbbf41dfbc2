"""What tests share stands in plain modules: a test module can be read, moved and split without a look at the others."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def imported(source: str) -> set[str]:
    """The test modules that a module imports, or imports something from."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            within = "tests" if node.level else ""
            found |= {f"{within}.{node.module}.{alias.name}".strip(".") for alias in node.names}
    return {name for name in found if name.startswith("tests.") and ".test_" in name}


def test_no_module_imports_from_a_test_module() -> None:
    found = {str(path.relative_to(TESTS)): imported(path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")}
    assert len(found) > 100
    assert {path: names for path, names in found.items() if names} == {}, "what tests share needs a module of its own"


@pytest.mark.parametrize(
    "source",
    [
        "from tests.store.test_cache import opened",
        "from tests.store import test_cache",
        "import tests.store.test_cache as cache",
        "from .test_cache import opened",
        "from . import test_cache",
        "def late():\n    from tests.store.test_cache import opened",
    ],
)
def test_an_import_from_a_test_module_is_found_however_it_is_written(source: str) -> None:
    assert len(imported(source)) == 1


@pytest.mark.parametrize(
    "source", ["from tests.store.blobs import blob", "import pytest", "from elsewhere.test_tools import help"]
)
def test_other_imports_are_nobodys_business(source: str) -> None:
    assert imported(source) == set()
