"""One line of the docking table: a drug in a state, native beside mutant."""

from __future__ import annotations

from typing import Literal

from kinscope.analysis.results import Difference, StateFit
from kinscope.core.records import Record, VersionedRecord
from kinscope.docking.helix_bend import HelixBend
from kinscope.docking.relaxed_records import RelaxedComparison

CallWord = Literal["kept", "weakened", "lost", "unresolved", "not reached"]


class DockedSide(Record):
    """A drug docked into the native, or into the mutant's lowest model."""

    score_kcal_per_mol: float
    """Best over the searches."""
    spread_kcal_per_mol: float
    """Standard deviation over the searches; of the mutant also over its alternative models."""
    searches: int
    models: int = 1
    rmsd_to_known_angstrom: float
    """Symmetry-corrected, to the known pose that the search started from or is judged by."""
    rmsd_to_crystal_angstrom: float | None = None
    """To the co-crystal itself, where a mirror of the wwPDB was at hand."""
    strain_kcal_per_mol: float | None = None
    """MMFF94, see :mod:`kinscope.docking.strain`; None without parameters."""
    contacts: tuple[str, ...]
    valid: bool
    problems: tuple[str, ...] = ()
    known_mode_kept: bool = True
    best_elsewhere_kcal_per_mol: float | None = None


class Call(Record):
    """What the measurements of one drug in one state come to, by :mod:`kinscope.docking.calls`."""

    word: CallWord
    reason: str
    """The measurements in words."""
    measured_by: Literal["relaxed complexes", "rigid docking", "distance"]
    disagreement: str = ""
    """Where the two scores point apart."""


class DockingRow(VersionedRecord):
    """A drug in a state."""

    drug: str
    name: str
    binding_type: str
    site: str
    state: str
    state_label: str
    own_state: str
    """The state that the drug's co-crystal shows."""
    variant: str
    outcome: Literal["docked", "does not fit", "not modelled"]
    """``does not fit``: the drug's binding mode does not exist in this state; nothing was forced."""
    native: DockedSide | None = None
    mutant: DockedSide | None = None
    difference_kcal_per_mol: Difference | None = None
    """Of Vina's scores into rigid receptors."""
    relaxed: RelaxedComparison | None = None
    """The second opinion; None where the substitution is too far from the drug, or no parameters exist."""
    contacts_lost: tuple[str, ...] = ()
    contacts_gained: tuple[str, ...] = ()
    distance_to_variant_angstrom: float | None = None
    reference: str = ""
    """The co-crystal that the known pose is from, e.g. ``2HYY:A:STI``."""
    reference_to_crystal_angstrom: float | None = None
    """How far the shipped known pose lies from the crystal's."""
    native_fit: StateFit | None = None
    """How the known pose fares in this state, if it is not the drug's own."""
    mutant_fit: StateFit | None = None
    call: Call | None = None
    native_helix: HelixBend | None = None
    """Helix I, for drugs of the myristate site."""
    mutant_helix: HelixBend | None = None
    cpu_seconds: float = 0.0
    notes: tuple[str, ...] = ()
