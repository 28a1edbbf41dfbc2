"""What could be changed: mutmut's operators over our folders, less what `left_out` names."""

import random
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.metadata as meta
from mutmut.mutation.mutators import mutation_operators

from scripts.mutation.left_out import code, concerns_a_left_out_argument, is_left_out, is_type_alias

FOLDERS = ("semoe/store", "semoe/experts", "semoe/generation", "semoe/runs")
FILES = ("semoe/runs/planning.py",)
NOT_PRODUCT = ("semoe/store/objects/testing.py",)
"""Checks that the tests share."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file."""

    path: str
    line: int
    operator: str
    lines: tuple[int, int]
    """First and last line of its statement, or of the head of a compound one."""
    at_import: bool
    """Its statement runs once in a process, whichever test comes first: in no function, or in a cached one."""
    node: cst.CSTNode
    replacement: cst.CSTNode
    module: cst.Module

    def source(self) -> str:
        """Returns the changed file."""
        changed = self.module.deep_replace(self.node, self.replacement)
        assert isinstance(changed, cst.Module)
        return changed.code


def sample_mutants(root: Path, num: int, seed: int) -> tuple[list[Mutant], int]:
    """Returns `num` mutants drawn from all of them, and how many there are; fewer are a beginning of more."""
    paths = [str(file.relative_to(root)) for folder in FOLDERS for file in sorted((root / folder).rglob("*.py"))]
    mutants = [one for path in (*paths, *FILES) if path not in NOT_PRODUCT for one in mutants_of(root, path)]
    random.Random(seed).shuffle(mutants)
    return mutants[:num], len(mutants)


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """Returns every mutant of a file."""
    wrapper = meta.MetadataWrapper(cst.parse_module((root / path).read_text(encoding="utf-8")))
    finder = _Finder(path, wrapper.module)
    wrapper.visit(finder)
    return finder.found


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (meta.PositionProvider,)

    def __init__(self, path: str, module: cst.Module) -> None:
        super().__init__()
        self.path = path
        self.module = module
        self.found: list[Mutant] = []
        self._lines = [(1, 1)]
        """First and last line of each statement that the walk is in, the innermost last."""
        self._functions: list[bool] = []
        """Of each function body that it is in: whether it runs anew with every call."""
        self._owners: list[cst.CSTNode] = []
        """All nodes that it is in."""

    def on_visit(self, node: cst.CSTNode) -> bool:
        if is_left_out(node) or (not self._functions and is_type_alias(node)):
            return False
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement | cst.ExceptHandler | cst.Else):
            self._lines.append(self._head(node))
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for replacement in operator(node):
                    if not concerns_a_left_out_argument(node, replacement):
                        self._add(operator.__name__, node, replacement)
        # A default value is computed where the function is defined: only its body counts as inside.
        if isinstance(node, cst.IndentedBlock) and isinstance(self._owners[-1], cst.FunctionDef):
            self._functions.append(not any("cache" in code(one) for one in self._owners[-1].decorators))
        self._owners.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if not self._owners or self._owners[-1] is not original_node:
            return
        self._owners.pop()
        if isinstance(original_node, cst.IndentedBlock) and isinstance(self._owners[-1], cst.FunctionDef):
            self._functions.pop()
        if isinstance(
            original_node, cst.SimpleStatementLine | cst.BaseCompoundStatement | cst.ExceptHandler | cst.Else
        ):
            self._lines.pop()

    def _head(self, node: cst.CSTNode) -> tuple[int, int]:
        where = self.get_metadata(meta.PositionProvider, node)
        body = getattr(node, "body", None)
        if not isinstance(body, cst.IndentedBlock):
            return where.start.line, where.end.line
        return where.start.line, self.get_metadata(meta.PositionProvider, body.body[0]).start.line - 1

    def _add(self, operator: str, node: cst.CSTNode, replacement: cst.CSTNode) -> None:
        where = self.get_metadata(meta.PositionProvider, node, None)
        line = where.start.line if where else self._lines[-1][0]
        at_import = not (self._functions and all(self._functions))
        self.found.append(Mutant(self.path, line, operator, self._lines[-1], at_import, node, replacement, self.module))
