"""A chromatograph in numbers: traces of known mixtures, written as ABIF, to test what reads traces.

Nothing here is used by the caller, and nothing of the caller is used here: the two meet in files only.
"""

from factories.chromatograph.abif_writer import abif_bytes
from factories.chromatograph.chromatograph import SimulatedRead, simulate_read
from factories.chromatograph.quality import QUALITIES, Quality
from factories.chromatograph.templates import Amplicon, Molecule, amplicon_of, molecules_of

__all__ = [
    "QUALITIES",
    "Amplicon",
    "Molecule",
    "Quality",
    "SimulatedRead",
    "abif_bytes",
    "amplicon_of",
    "molecules_of",
    "simulate_read",
]
