"""The table of requirements names tests: all of them are there."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
README = (HERE / "README.md").read_text()


def rows():
    """The cells of the tables whose last column is a test."""
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] not in ("number", "---"):
            yield cells


def test_every_row_says_how_and_by_which_test():
    found = list(rows())
    assert len(found) > 55
    for number, requirement, how, test in found:
        assert number and requirement and how and test.startswith("`"), (number, test)


def test_every_test_that_is_named_exists():
    named = [name for *_, cell in rows() for name in re.findall(r"`([^`]+)`", cell)]
    for name in named:
        file, _, function = name.partition("::")
        text = (TESTS / file).read_text()
        assert not function or re.search(rf"^def {re.escape(function)}\(", text, re.M), name
    assert len(named) > 60


def test_every_file_of_this_folder_is_in_its_list():
    listed = set(re.findall(r"`(test_\w+\.py)`", README.partition("## What is required")[0]))
    assert listed == {path.name for path in HERE.glob("test_*.py")}
