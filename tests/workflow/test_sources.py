"""A digest of what a function computes with: it changes with the science and stays with the wording."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from kinscope.workflow.engine import sources
from kinscope.workflow.engine.sources import Sources, source_digest
from kinscope.workflow.planning.catalogue import STAGES

TOY = {
    "__init__.py": "",
    "science.py": '''"""Science."""
import math

from toy import helpers
from toy.numbers import FACTOR as times


class Base:
    """What others stand on."""

    offset = 1.0
    """Added."""


class Model(Base):
    def value(self, x):
        return times * helpers.twice(x) + math.pi + self.offset


def compute(x, *, power=2):
    """Of a number.

    Raises ValueError if it is negative.
    """
    from toy.late import late

    return late(Model().value(x)) ** power  # a power


def other():
    return 1
''',
    "numbers.py": "FACTOR = 2\nUNUSED = 3\n",
    "helpers.py": """from toy.front import shown
from toy.room.table import TABLE


def twice(x):
    if x < 0:
        raise ValueError("negative")
    return 2 * x + len(TABLE.read_text()) + shown()
""",
    "room/table.py": "from pathlib import Path\n\nTABLE = Path(__file__).parent / 'data' / 'table.csv'\n",
    "front/__init__.py": "from toy.front.inner import shown\n",
    "front/inner.py": "def shown():\n    return 0\n",
    "late.py": "def late(x):\n    return x\n",
    "room/data/table.csv": "1,2,3\n",
    "front/other.csv": "7\n",
}


def toy(folder: Path, **changed: list[tuple[str, str]]) -> str:
    root = folder / "toy"
    shutil.rmtree(root, ignore_errors=True)
    for name, text in TOY.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for before, after in changed.get(name, []):
            assert before in text
            text = text.replace(before, after)
        path.write_text(text)
    return Sources(root).digest("toy.science:compute")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("science.py", "power=2", "power=3"),
        ("science.py", "** power", "* power"),
        ("science.py", "offset = 1.0", "offset = 2.0"),
        ("science.py", "import math", "import cmath as math"),
        ("science.py", "from toy.numbers import FACTOR", "from toy.numbers import UNUSED"),
        ("science.py", "class Model(Base):", "@frozen\nclass Model(Base):"),
        ("numbers.py", "FACTOR = 2", "FACTOR = 2.5"),
        ("numbers.py", "UNUSED = 3", "UNUSED = 3\nFACTOR += 1"),
        ("helpers.py", "x < 0", "x <= 0"),
        ("helpers.py", "twice(x):", "twice(x=0):"),
        ("helpers.py", "\n\ndef", "\n\nprint('imported')\n\n\ndef"),
        ("front/inner.py", "return 0", "return 1"),
        ("front/__init__.py", "from toy.front.inner import shown", "def shown():\n    return 2"),
        ("late.py", "return x", "return -x"),
        ("room/data/table.csv", "1,2,3", "1,2,4"),
    ],
)
def test_what_a_function_reaches_is_in_its_digest(file: str, before: str, after: str, tmp_path: Path) -> None:
    assert toy(tmp_path) != toy(tmp_path, **{file: [(before, after)]})


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("science.py", "Of a number.", "Of any number at all."),
        ("science.py", '"""Science."""', '"""Much science."""'),
        ("science.py", '    """Added."""\n', ""),
        ("science.py", "  # a power", ""),
        ("science.py", "(x, *, power=2)", "(\n    x,\n    *,\n    power=2,\n)"),
        ("science.py", "def other():\n    return 1", "def another():\n    return 2"),
        ("numbers.py", "UNUSED = 3", "UNUSED = 4"),
        ("helpers.py", '"negative"', 'f"{x} is negative"'),
        ("front/other.csv", "7", "8"),
    ],
)
def test_wording_and_what_is_not_reached_are_not(file: str, before: str, after: str, tmp_path: Path) -> None:
    assert toy(tmp_path) == toy(tmp_path, **{file: [(before, after)]})


def test_code_may_move(tmp_path: Path) -> None:
    moved = {
        "science.py": [("from toy.numbers import FACTOR", "from toy.helpers import FACTOR")],
        "helpers.py": [("\n\ndef", "\nFACTOR = 2\n\n\ndef")],
    }
    assert toy(tmp_path) == toy(tmp_path, **moved)


def test_a_function_that_is_not_there_is_no_digest(tmp_path: Path) -> None:
    toy(tmp_path)
    for name in ("toy.science:nothing", "toy.nowhere:compute", "elsewhere:compute"):
        with pytest.raises(LookupError):
            Sources(tmp_path / "toy").digest(name)
    assert source_digest("elsewhere:compute") == ""


ROOT = Path(sources.__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("package") / "kinscope"
    shutil.copytree(
        ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "abl1", "src", "clinic", "vendor")
    )
    return root


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        ("docking/fields/vina.py", "\ndef ", "\n\n# words\n\ndef ", set()),
        ("docking/run.py", "def dock(", 'def dock_(): ...\n\n\n"""Words."""\n\n\ndef dock(', set()),
        (
            "docking/search/around_pose.py",
            "    return ",
            "    pass\n    return ",
            {"docking", "docking-given", "docking-elsewhere", "pose"},
        ),
        ("structures/mutants/strain.py", "    return ", "    pass\n    return ", {"mutant-model"}),
        ("structures/data/rotamers.yaml", "\n", "\n# x\n", {"mutant-model", "user-model"}),
        (
            "dynamics/segments.py",
            "    return ",
            "    pass\n    return ",
            {"replica", "longer-replica", "speed"},
        ),
    ],
)
def test_a_change_of_the_science_changes_the_stages_that_reach_it(
    copy: Path, file: str, before: str, after: str, changed: set[str]
) -> None:
    asked = ("docking", "native-model", *sorted(changed))
    whole = (copy / file).read_text()
    assert before in whole
    (copy / file).write_text(whole.replace(before, after, 1))
    try:
        here = Sources(copy, sources._LEFT_OUT)
        found = {name for name in asked if here.digest(STAGES[name].function) != digest_now(name)}
    finally:
        (copy / file).write_text(whole)
    assert found >= changed
    assert "native-model" not in found
    assert not {"docking"} & (found - changed) or file.startswith("structures")


def digest_now(name: str) -> str:
    return source_digest(STAGES[name].function)


def test_every_import_is_one_that_is_followed() -> None:
    """From named modules of the package: none relative, none of everything."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, path
                assert all(alias.name != "*" for alias in node.names), path
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("kinscope") for alias in node.names), path


def test_no_stage_reaches_what_computes_nothing() -> None:
    """Words, the engine and the command line; and docking reaches no dynamics, nor the other way round."""
    here = Sources(ROOT, sources._LEFT_OUT)
    modules = {
        name: {place.module for place in here.reached(stage.function)} for name, stage in STAGES.items()
    }
    rooms = ("kinscope.cli", "kinscope.validation", "kinscope.clinic", "kinscope.workflow.engine")
    assert not [one for found in modules.values() for one in found if one.startswith(rooms)]
    assert not [one for one in modules["docking"] if one.startswith(("kinscope.dynamics", "kinscope.report"))]
    assert not [one for one in modules["replica"] if one.startswith(("kinscope.docking", "kinscope.report"))]
    assert "kinscope.docking.vina.engine" in modules["docking"]
    assert "kinscope.dynamics.segments" in modules["replica"]


def test_digests_are_remembered_until_a_file_of_the_package_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
    function = STAGES["neighbourhood"].function

    def anew(kept: bool) -> str:
        for remembered in (sources._remembered, sources._sources, source_digest):
            remembered.cache_clear()
        if kept:
            monkeypatch.setattr(Sources, "digest", lambda *_: pytest.fail("computed again"))
        return source_digest(function)

    try:
        found = anew(False)
        assert anew(True) == found
        monkeypatch.undo()
        monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
        file = tmp_path / "cache" / "sources.json"
        for damage in ("", "[1]", '{"": "another tree"}', file.read_text().replace('"": "', '"": "0')):
            file.write_text(damage)
            assert anew(False) == found
        (tmp_path / "file").touch()
        monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "file"))
        assert anew(False) == found
    finally:
        monkeypatch.undo()
        for remembered in (sources._remembered, sources._sources, source_digest):
            remembered.cache_clear()
