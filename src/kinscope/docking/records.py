"""What a docking run is asked for and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from kinscope.core.records import Record, Settings, VersionedRecord
from kinscope.results.measured import MeasuredAngstrom
from kinscope.results.notes import Note

Mode = Literal["from known pose", "global"]


class DockingSettings(Settings):
    """How a drug is docked into one receptor. The receptor is rigid in both modes."""

    mode: Mode = "from known pose"
    """``from known pose`` samples around the reference pose; ``global`` searches the whole box."""
    seeds: int = Field(default=3, ge=1, le=100)
    """Independent searches, each with its own derived seed; the spread over them is the sampling error."""
    pose_radius_angstrom: float = Field(default=2.0, gt=0, le=10)
    """From known pose: minima within this symmetry-corrected RMSD of the reference are the known binding
    mode."""
    starts: int = Field(default=8, ge=1, le=10_000)
    """From known pose: independent starts per seed, each a random kick of the reference pose."""
    start_at_reference: bool = True
    """From known pose: the first start of each seed is the reference pose itself, not a kick of it. Off in
    the redocking benchmark, which must find its way back."""
    steps: int = Field(default=6, ge=0, le=10_000)
    """From known pose: Monte Carlo steps (kick and minimise) after each start."""
    kick_translation_angstrom: float = Field(default=1.0, gt=0, le=10)
    """Standard deviation of a start's translation along each axis."""
    kick_rotation_degrees: float = Field(default=15.0, ge=0, le=180)
    """Standard deviation of a start's rotation about a random axis."""
    kick_torsion_degrees: float = Field(default=25.0, ge=0, le=180)
    """Standard deviation of a start's change of each rotatable bond."""
    temperature_kcal_per_mol: float = Field(default=1.2, gt=0, le=20)
    """kT of the Metropolis rule between minimised poses (Vina's own search uses 1.2)."""
    exhaustiveness: int = Field(default=8, ge=1, le=512)
    """Global: how much is searched per seed, scaled with the degrees of freedom (Vina's default: 8)."""
    search: Literal["batched", "vina"] = "batched"
    """Global: many walkers at once on maps of Vina's function, or Vina's own program."""
    torsion_weight: float = Field(default=1.0, ge=0.0, le=3.0)
    """Global, batched: weight of the torsional energy in what is searched and ranked by. Vina's function has
    none (docs/why/docking.md)."""
    box_padding_angstrom: float = Field(default=5.0, ge=2, le=20)
    """From known pose: the box is the reference pose's extent and this much on every side."""
    box_size_angstrom: float = Field(default=22.0, ge=10, le=60)
    """Global: edge of the cubic box, centred on the reference pose."""
    n_poses: int = Field(default=5, ge=1, le=50)
    """Poses kept, best first."""
    pose_separation_angstrom: float = Field(default=1.0, gt=0, le=10)
    """Poses nearer than this (symmetry-corrected RMSD) are one pose."""
    confirm: bool = True
    """Score the best pose with the engine's own program too, and note a disagreement."""
    analyse_poses: int = Field(default=1, ge=0, le=50)
    """For how many of the best poses interactions and validity are computed."""

    def blind(self) -> DockingSettings:
        """The same for a ligand of which nothing is known: one search of the site, three distinct poses."""
        return self.model_copy(
            update={"mode": "global", "seeds": 1, "n_poses": 3, "analyse_poses": 3, "confirm": False}
        )


class DockedPose(Record):
    """One pose of a drug in one receptor."""

    drug: str
    state: str
    variant: str
    alternative: int = 0
    mode: Mode
    rank: int
    """1 is the best by ``ranking_kcal_per_mol``: one order from the search to the table."""
    seed: int
    """The derived seed of the search that found it."""
    score_kcal_per_mol: float
    intermolecular_kcal_per_mol: float
    intramolecular_kcal_per_mol: float
    ranking_kcal_per_mol: float | None = None
    """What the search orders poses by: in a blind search contact by burial, strain and electrostatics; around
    a known pose the score. None in records of before it was kept."""
    rmsd_to_reference_angstrom: float
    """Heavy atoms, symmetry-corrected, without superposition, to the reference pose; to the first pose where
    there is none."""
    core_rmsd_angstrom: float | None = None
    """The same over the atoms that are buried in the reference pose: a tail in the solvent does not count."""
    core_atoms: int = 0
    analysed: bool = False
    """Whether interactions and validity below were computed for this pose."""
    interactions: tuple[str, ...] = ()
    """E.g. ``Met318 hydrogen bond``, sorted by residue."""
    valid: bool = False
    problems: tuple[Note, ...] = ()
    """What fails of the validity checks; empty for a valid pose."""

    @property
    def rank_by(self) -> float:
        """What orders poses, best first."""
        return self.score_kcal_per_mol if self.ranking_kcal_per_mol is None else self.ranking_kcal_per_mol


class DockingRun(VersionedRecord):
    """One drug docked into one receptor with several seeds."""

    drug: str
    site: str
    state: str
    variant: str
    alternative: int = 0
    engine: str
    engine_version: str
    settings: DockingSettings
    seed: int
    """Root seed of the run."""
    seeds: tuple[int, ...]
    """Derived seed of each search."""
    seed_scores_kcal_per_mol: tuple[float, ...]
    """Of each search that met the first pose's binding mode the score of its best pose there: the replicas of
    every comparison."""
    seeds_elsewhere: int = 0
    """Searches that met no pose of that mode; none of their scores is averaged."""
    score_kcal_per_mol: float
    """Of the first pose."""
    spread_kcal_per_mol: float
    """Standard deviation over the seeds (0 for one seed)."""
    reference_score_kcal_per_mol: float
    """The reference pose as it stands in this receptor, not moved: a clash with a substitution shows here."""
    reference_minimised_kcal_per_mol: float
    """The reference pose after one local minimisation."""
    turned_residues: tuple[int, ...] = ()
    """Residues whose side chains were turned out of the ligand's way in this form of the receptor."""
    best_elsewhere_kcal_per_mol: float | None = None
    """From known pose: best score met outside the known binding mode; below ``score_kcal_per_mol`` the engine
    prefers another pose."""
    known_mode_kept: bool = True
    """From known pose: some minimum lies within the pose radius. If none does, poses are those met
    elsewhere."""
    poses: tuple[DockedPose, ...]
    receptor_preparation: str
    seconds: float
    notes: tuple[Note, ...] = ()
    """What the engine's own program says of the best pose."""

    @property
    def best(self) -> DockedPose:
        """The first pose."""
        return self.poses[0]


class ReferencePoseRecord(Record):
    """Where the shipped pose of a drug in a native model comes from, and how well it stands there."""

    drug: str
    state: str
    site: str
    crystal: str
    """wwPDB entry, chain and residue, e.g. ``2HYY:A:STI``."""
    analogue: bool = False
    """True if the crystal holds a relative of the drug, and the drug was laid on the shared atoms."""
    superposition: str
    """Which atoms were superposed."""
    superposition_atoms: int
    superposition_rmsd_angstrom: float | None = None
    """None, here and below: not measured, as no crystal carried the pose here."""
    site_rmsd_angstrom: float | None = None
    """CA RMSD of the residues within 6 angstrom of the ligand, after that superposition."""
    crystal_pose_score_kcal_per_mol: float | None = None
    """The crystal's pose carried into the model, not moved."""
    crystal_pose_clashes: int | None = None
    """Heavy-atom pairs of carried pose and model nearer than 0.75 of the sum of van der Waals radii."""
    score_kcal_per_mol: float | None = None
    rmsd_to_crystal_angstrom: MeasuredAngstrom = None
    """Of the shipped (relaxed) pose to the crystal's, symmetry-corrected; where the crystal shows a relative
    of the drug, over the atoms that both have."""
    interactions: tuple[str, ...]
    valid: bool
    notes: tuple[Note, ...] = ()
    surroundings: tuple[int, ...] = ()
    """Residues with an atom within ``surroundings_angstrom`` of the pose; empty: not measured."""
    surroundings_angstrom: float = 0.0

    def reaches(self, positions: Iterable[int], within_angstrom: float) -> bool:
        """Whether a residue may lie so near the pose: False only where it was measured that none does."""
        if not self.surroundings or self.surroundings_angstrom < within_angstrom:
            return True
        return not set(positions).isdisjoint(self.surroundings)


class ReferencePoseSet(VersionedRecord):
    """The poses a target pack ships (``poses/poses.json``)."""

    target: str
    poses: tuple[ReferencePoseRecord, ...]
