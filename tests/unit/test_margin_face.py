"""What the room shows, what importing it costs, and what its formulas may be made of."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bearskin.margin as m

ROOM = Path(m.__file__).parent
FILES = sorted(ROOM.glob("_*.py"))
# the two places that are not formulas: marking and compiling, and columns of numpy
BANNED_NAMES = {"math", "np", "numpy", "cmath", "statistics", "float", "round", "pow"}


def test_the_face_is_sorted_and_complete():
    assert m.__all__ == sorted(m.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert all(hasattr(m, name) for name in m.__all__)
    # root_bracket is the one formula that only the room itself needs
    marked = {f.__name__ for f in m.formulas() if f.__module__.startswith("bearskin.margin.")}
    assert marked - set(m.__all__) == {"root_bracket"}


def test_importing_the_room_brings_neither_numba_nor_numpy():
    code = "import sys, bearskin.margin; print([n for n in ('numba', 'numpy', 'polars') if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env())
    assert found.stdout.strip() == "[]"


def env():
    return {"PYTHONPATH": str(ROOM.parents[1])}


def formula_faults(tree):
    """Everything in a tree that would not mean the same for float64, Decimal and Fraction."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"literal {node.value}"
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.FloorDiv | ast.Mod | ast.Pow):
            yield node.lineno, type(node.op).__name__
        if isinstance(node, ast.Name) and node.id in BANNED_NAMES:
            yield node.lineno, node.id
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name.split(".")[0] for alias in node.names] + [str(getattr(node, "module", ""))]
            yield from ((node.lineno, name) for name in names if name in BANNED_NAMES)


def is_formula(node):
    marks = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
    return isinstance(node, ast.FunctionDef) and "formula" in marks


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_formulas_hold_nothing_that_depends_on_the_number(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name in ("_formula.py", "_tiers.py"):
        trees = [node for node in tree.body if isinstance(node, ast.FunctionDef) and is_formula(node)]
    else:
        trees = [tree]
    assert [(path.name, *fault) for part in trees for fault in formula_faults(part)] == []


@pytest.mark.parametrize(
    "line", ["x * 0.5", "x // 2", "x % 2", "math.sqrt(x)", "np.abs(x)", "x ** 2", "float(x)", "round(x)"]
)
def test_the_scan_sees_what_it_should(line):
    assert list(formula_faults(ast.parse(line)))


def test_every_formula_has_a_docstring_and_types():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and is_formula(node):
                assert ast.get_docstring(node), node.name
                assert node.returns is not None, node.name


def test_the_page_of_formulas_names_every_one_of_them():
    page = (ROOM.parents[2] / "docs" / "formulas.md").read_text(encoding="utf-8")
    functions = [name for name in m.__all__ if name.islower()]
    assert [name for name in functions if f"`{name}" not in page] == []
