"""A function fits a screen (70 lines), a file fits a sitting (700): checked, without exceptions."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 700
ROOTS = ("src", "tests", "tools", "benchmarks", "examples")


def faults_of(path: Path) -> list[str]:
    """One line for the file if it is too long and one for each function in it that is."""
    text = path.read_text()
    lines = text.count("\n")
    found = [f"{path}:1: {lines} lines, {FILE_LINES_MAX} at most"] if lines > FILE_LINES_MAX else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                found.append(f"{path}:{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES_MAX} at most")
    return found


def main() -> int:
    """Print every fault; 1 if there was any."""
    files = sorted(p for root in ROOTS for p in Path(root).rglob("*.py"))
    faults = [fault for path in files for fault in faults_of(path)]
    print("\n".join(faults) if faults else f"{len(files)} files: every function fits a screen")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
