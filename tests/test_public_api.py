"""The public face of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kinscope


@pytest.mark.parametrize("name", kinscope.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(kinscope, name) is not None
    assert name in dir(kinscope)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        kinscope.no_such_name  # noqa: B018


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['kinscope', '--help']\n"
        "from kinscope.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "heavy = {'openmm', 'rdkit', 'prolif', 'vina', 'matplotlib', 'biotite'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
