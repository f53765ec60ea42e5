"""The typed results that analysis hands to interpretation and report.

Every difference is mutant minus native and carries its interval and the number of replicas on each side.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict

from kinscope.core.records import Record
from kinscope.results.notes import Note

Outcome = Literal[
    "higher", "lower", "no-change", "below-smallest", "unresolved", "unresolved-corrected", "no-value",
    "too-few-replicas", "copies", "too-short", "parts-differ", "not-judged",
]  # fmt: skip
"""What a difference comes to. ``higher`` and ``lower`` are resolved; ``no-change`` leaves no room for a
change that counts; ``below-smallest`` is told from zero, but too small to count; all others are not resolved,
the last three because of the sampling."""


MeasuredAngstrom = Annotated[float | None, AfterValidator(lambda gap: gap if gap and gap == gap else None)]
"""A distance, or None where none was measured; earlier records wrote that as 0 or NaN."""


class Difference(Record):
    """A mutant-minus-native difference with its uncertainty."""

    value: float | None
    """None where one side could not be computed."""
    low: float | None
    high: float | None
    """Ends of the interval at ``confidence``; None where fewer than two replicas exist on a side."""
    confidence: float = 0.95
    native_replicas: int
    mutant_replicas: int
    p_value: float | None = None
    adjusted_p_value: float | None = None
    """After correction for the family of comparisons it belongs to."""
    resolved: bool
    """True only if the (corrected) test excludes zero and sampling is judged sufficient."""
    outcome: Outcome
    limit: Note | None = None
    """What it is about the sampling that leaves it unresolved, whatever the test says."""
    unit: str = ""
    """Of ``value``, ``low`` and ``high``, as printed: ``Å``, ``kcal/mol``, ``Å³``."""
    smallest_meaningful: float = 0.0
    """Effects smaller than this are not called a change, however well resolved."""
    minimum_replicas: int = 2
    """Fewer replicas on either side leave a difference unresolved."""
    sampling: str = ""
    """What was sampled, in words, e.g. ``3 x 0.2 ns per side``; empty for methods that do not sample."""
    effect_size: float | None = None
    """Hedges' g: the value in standard deviations of the replicas, corrected for their small number."""
    effect_size_low: float | None = None
    effect_size_high: float | None = None
    """Ends of its interval at ``confidence``; None where it has none."""

    @property
    def decided(self) -> bool:
        """Whether replicas and sampling allow a statement: on a change, or on how small it is at most."""
        return self.outcome in ("higher", "lower", "no-change", "below-smallest")


class FluctuationProfile(Record):
    """Per-residue fluctuation of one system by one method, one row per replica."""

    method: Literal["md"] = "md"
    state: str
    variant: str
    residues: tuple[int, ...]
    rmsf_angstrom: tuple[tuple[float, ...], ...]
    """Shape (n_replicas, n_residues)."""
    length_ns: float
    """Sampled time per replica."""
    superposition: str
    """On what frames were superposed, and on which reference."""


class RegionComparison(Record):
    """Fluctuation of one region, mutant against native."""

    method: Literal["md"] = "md"
    state: str
    region: str
    residues: tuple[int, ...]
    native_rmsf_angstrom: float
    mutant_rmsf_angstrom: float
    difference_angstrom: Difference
    native_split_r: float | None = None
    """Split R of the region's motion over the native replicas; None where nothing was sampled."""
    mutant_split_r: float | None = None
    native_independent_frames: float | None = None
    """Per native replica; None where nothing was sampled."""
    mutant_independent_frames: float | None = None
    sampling_allows: str = ""
    """Which sentence the less sampled side allows (:mod:`kinscope.analysis.sampling`); empty for methods that
    do not sample."""


class SimulationSummary(Record):
    """One replica of one system."""

    state: str
    variant: str
    replica: int
    seed: int
    platform: str
    atoms: int
    length_ns: float
    timestep_fs: float
    temperature_mean_k: float
    backbone_rmsd_final_angstrom: float
    status: Literal["finished", "failed"]
    note: str = ""
    ligand: str = ""
    """Drug id of what was bound; empty: apo."""


DihedralCluster = Literal[
    "BLAminus", "BLAplus", "ABAminus", "BLBminus", "BLBplus", "BLBtrans", "BABtrans", "BBAminus", "noise",
    "unassigned",
]  # fmt: skip
"""Clusters of the XDF dihedrals (Modi & Dunbrack, PNAS 2019, 116, 6818)."""


class StateFit(Record):
    """A drug's known binding mode laid into a state that it was not seen in.

    Keys that it does not know are passed over, so that earlier records with a sentence can be read.
    """

    model_config = ConfigDict(extra="ignore")

    drug: str
    own_state: str
    state: str
    site_rmsd_angstrom: float
    """CA RMSD of the site between the two states."""
    clashes: int
    """Heavy-atom pairs of laid pose and protein nearer than 0.75 of the sum of van der Waals radii."""
    clashing_residues: tuple[str, ...]
    """Those with most overlaps first, e.g. ``Phe382``."""
    score_kcal_per_mol: float
    """After a local minimisation there."""
    own_score_kcal_per_mol: float
    """The same in the drug's own state."""
    moved_angstrom: float
    """By the minimisation, symmetry-corrected."""
    fits: bool


class StateGeometry(Record):
    """The conformation of a kinase domain by published, measured definitions.

    A measurement that its atoms do not allow is None, and its class ``unassigned``; domains that the
    structure does not hold are ``not modelled``.
    """

    dfg_d1_angstrom: MeasuredAngstrom
    """Distance of Phe382 CZ to the CA four residues past the helix-C glutamate (Modi & Dunbrack 2019)."""
    dfg_d2_angstrom: MeasuredAngstrom
    """Distance of Phe382 CZ to the CA of the beta-3 lysine, Lys271."""
    dfg: Literal["in", "out", "inter", "unassigned"]
    salt_bridge_271_286_angstrom: MeasuredAngstrom
    """Shortest distance of Lys271 NZ to a Glu286 carboxylate oxygen."""
    helix_c: Literal["in", "out", "unassigned"]
    activation_loop: Literal["extended", "folded", "intermediate", "unassigned"]
    notes: tuple[Note, ...] = ()
    """What the numbers do not say by themselves, such as what is close to a threshold."""
    missing_atoms: tuple[str, ...] = ()
    """What the definitions rest on and the structure does not show: ``Lys271 NZ``, or ``residue 386``."""
    dfg_cluster: DihedralCluster = "unassigned"
    """Nearest cluster of the XDF dihedrals among those of the DFG class; ``noise`` beyond the cut-off."""
    dfg_cluster_distance: float | None = None
    """Mean of 2 (1 - cos) over the seven angles to the nearest such cluster; assigned below 0.3."""
    dfg_dihedrals_degrees: tuple[float, ...] = ()
    """Phi and psi of X, Asp and Phe of X-DFG, then chi1 of Phe."""
    salt_bridge: Literal["closed", "open", "unassigned"] = "unassigned"
    helix_c_beta_distance_angstrom: float | None = None
    """CB-CB of the beta-3 lysine and the helix-C glutamate, on which ``helix_c`` rests."""
    helix_c_rotation_degrees: float | None = None
    """Angle about helix C's axis from the glutamate's CA to the beta-3 lysine's CA."""
    helix_c_distance_angstrom: float | None = None
    """Of helix C's axis from the beta-3 lysine's CA."""
    helix_c_to_helix_e_degrees: float | None = None
    """Angle between the axes of helices C and E."""
    loop_n_terminal: Literal["in", "out", "unassigned"] = "unassigned"
    loop_n_terminal_angstrom: float | None = None
    """Shorter of the two backbone hydrogen bonds of the loop's sixth residue with the one before HRD."""
    loop_c_terminal: Literal["in", "out", "unassigned"] = "unassigned"
    loop_c_terminal_angstrom: float | None = None
    """CA of the ninth residue before the loop's end to O of the HRD arginine."""
    loop_tyrosine_angstrom: float | None = None
    """CA of the loop's tyrosine to CG of the catalytic aspartate."""
    spine: Literal["assembled", "broken", "unassigned"] = "unassigned"
    spine_distances_angstrom: tuple[float, ...] = ()
    """Shortest side-chain distances HRD His - DFG Phe, DFG Phe - helix C, helix C - beta 4."""
    p_loop: Literal["kinked", "stretched", "unassigned"] = "unassigned"
    p_loop_angstrom: float | None = None
    """CA of the residue after the first glycine of GxGxxG to CA of the beta-3 lysine."""
    activity: Literal["active", "inactive", "unassigned"] = "unassigned"
    """``active`` if DFG-in, BLAminus, salt bridge closed, and both ends of the loop in (Kincore)."""
    sh2_position: Literal["on the C-lobe", "on the N-lobe", "apart", "not modelled"] = "not modelled"
    """On the C-lobe in the closed form, on the N-lobe in the open one."""
    sh2_to_n_lobe_angstrom: float | None = None
    """Between the centres of the CA atoms."""
    sh2_to_c_lobe_angstrom: float | None = None
    sh2_angle_degrees: float | None = None
    """Between C-lobe-to-N-lobe and the direction of SH2, seen from midway between the lobes' centres."""
    sh3_linker: Literal["docked", "apart", "not modelled"] = "not modelled"
    sh3_linker_angstrom: float | None = None
    """Shortest heavy-atom distance of the linker's prolines to the groove of SH3."""


class ModelGeometry(Record):
    """State geometry of one model."""

    state: str
    variant: str
    alternative: int
    geometry: StateGeometry


class Contact(Record):
    """One interaction between a residue and a neighbour (or a ligand)."""

    residue: int
    residue_name: str
    partner: int
    partner_name: str
    kind: str
    """``hydrogen bond``, ``salt bridge``, ``hydrophobic``, ``pi stacking``, ``cation-pi`` or
    ``van der Waals``."""
    distance_angstrom: float
    atoms: str = ""
    """E.g. ``NZ - OD1``."""


class ContactChange(Record):
    """A contact of the variant's residue that the substitution keeps, loses or gains, in one state."""

    state: str
    contact: Contact
    change: Literal["kept", "lost", "gained"]
    fraction_of_alternatives: float = 1.0
    """In how many of the mutant's close alternative models it stands."""


class DockingComparison(Record):
    """One drug in one state, mutant against native."""

    drug: str
    site: str
    state: str
    mode: Literal["from known pose", "global"]
    native_score_kcal_per_mol: float
    """Mean over searches, and over models by their energies: what the difference below is taken of."""
    native_spread_kcal_per_mol: float
    mutant_score_kcal_per_mol: float
    mutant_spread_kcal_per_mol: float
    difference_kcal_per_mol: Difference
    native_rmsd_to_reference_angstrom: float
    """Symmetry-corrected, of the best pose to the reference pose, native model."""
    mutant_rmsd_to_reference_angstrom: float
    reference: str
    """Co-crystal the reference pose comes from, e.g. ``2HYY:A:STI``."""
    reference_to_crystal_rmsd_angstrom: MeasuredAngstrom = None
    """How far the shipped (relaxed) reference pose is from the crystal's; None: not measured."""
    native_rmsd_to_crystal_angstrom: float | None = None
    """Exact, where the wwPDB entry was at hand; otherwise None and the two figures above bound it."""
    distance_to_variant_angstrom: float
    """Shortest heavy-atom distance between the drug's reference pose and the substituted residue."""
    interactions_native: tuple[str, ...]
    """E.g. ``Met318 hydrogen bond``."""
    interactions_mutant: tuple[str, ...]
    contacts_lost: tuple[str, ...]
    contacts_gained: tuple[str, ...]
    pose_valid: bool
    notes: tuple[Note, ...] = ()


class PocketComparison(Record):
    """A pocket, mutant against native, in one state.

    Keys that it does not know are passed over, so that results with more of them can be read.
    """

    model_config = ConfigDict(extra="ignore")

    pocket: str
    state: str
    residues: tuple[int, ...]
    native_volume_cubic_angstrom: float
    mutant_volume_cubic_angstrom: float
    """What a probe covers (:mod:`kinscope.analysis.pockets`)."""
    volume_difference_cubic_angstrom: Difference
    backbone_rmsd_angstrom: float
    """Of the pocket's backbone, mutant on native, after superposition on the rest of the kinase domain."""
    side_chain_rmsd_angstrom: float
