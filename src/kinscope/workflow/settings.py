"""The settings of a study: every number of every protocol, frozen; presets are YAML files of them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from kinscope.core.errors import SettingsError
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import parse_yaml
from kinscope.core.records import Settings
from kinscope.docking.records import DockingSettings
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.results.user_structure import UserStructureOptions
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.targets.pack import TargetPack

PRESETS = ("quick", "standard", "paper")

S = TypeVar("S", bound=Settings)

Runner = Literal["cpu", "gpu", "gromacs"]
"""What steps replicas: OpenMM on processors, OpenMM on GPUs, GROMACS on processors."""


class Extension(Settings):
    """A length that finished replicas were made longer to."""

    length_ns: float = Field(gt=0.0, le=100_000.0)
    """Of production in all."""
    gpu: bool = False
    """Whether that was begun on GPUs."""
    gromacs: bool = False
    """Whether GROMACS runs it."""


class OwnLigand(Settings):
    """A ligand of the user's that is simulated bound, named by the content of its files."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    name: str = Field(max_length=40)
    smiles: str = Field(max_length=2000)
    """In the form that is simulated, as the user gave it."""
    state: str
    site: str = "atp"
    """Where it is searched for if its place is not given."""
    pose: Literal["docked", "given"] = "docked"
    """Found by docking, or as the file has it, in the frame of the state's model."""
    structure_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the SDF file."""
    parameters_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the force-field file."""


class DynamicsSettings(Settings):
    """Which systems are simulated, how often and for how long."""

    states: tuple[str, ...] = ()
    """State ids; empty: those that the target pack marks for dynamics."""
    ligands: tuple[str, ...] | None = None
    """Drug ids; each is simulated bound as well, in the state that it binds if that state is simulated. None:
    those that the target pack marks for the preset."""
    own_ligands: tuple[OwnLigand, ...] = Field(default=(), max_length=20)
    """Ligands of the user's (`kinscope simulate --ligand-file`), each simulated bound in one state too."""
    replicas: int = Field(default=3, ge=1, le=100)
    budget_minutes: float | None = Field(default=6.0, ge=0.0, le=100_000.0)
    """Wall time for all replicas of native and mutant together on this machine; turned into a number of steps
    once, by measuring. None: ``length_ns`` decides."""
    length_ns: float = Field(default=20.0, gt=0.0, le=100_000.0)
    """Production of each replica where no budget is given."""
    speed_seconds: float = Field(default=6.0, gt=0.0, le=600.0)
    """How long the speed is measured."""
    replicas_per_gpu: Literal["auto"] | Annotated[int, Field(ge=1, le=16)] = "auto"
    """Replicas that run at once on each GPU; ``auto`` measures one, two and four on this machine. It decides
    when results are there, not what they are."""
    engine: Literal["auto", "openmm", "gromacs"] = "auto"
    """What steps the replicas: ``auto`` takes OpenMM on a GPU; without one the faster, by measurement, of
    OpenMM and a GROMACS that is on the machine. All replicas of a study run on one engine."""
    extensions: tuple[Extension, ...] = Field(default=(), max_length=50)
    """How finished replicas were continued, in order (`kinscope extend`); each replica's frames stay."""
    solvation: SolvationSettings = SolvationSettings()
    protocol: ProtocolSettings = ProtocolSettings()


class StructureSettings(UserStructureOptions):
    """A structure of the user's, and how it is read. The file itself is given beside the settings."""

    file: str = Field(default="", max_length=60)
    """Its name, for people."""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Of its content; filled in when the study begins."""

    def options(self) -> UserStructureOptions:
        """How it is read, without the file."""
        return UserStructureOptions(
            **{name: getattr(self, name) for name in UserStructureOptions.model_fields}
        )


class StudySettings(Settings):
    """Everything `assess` depends on besides the variant."""

    preset: str = "quick"
    target: str = "abl1"
    seed: int = Field(default=1210, ge=0, le=2**31 - 1)
    """The root seed; every step derives its own."""
    states: tuple[str, ...] = ()
    """Model states; empty: those that the target pack marks for the preset and that hold the variant."""
    drugs: tuple[str, ...] = ()
    """Drug ids; empty: every drug of the pack that has a reference pose."""
    docked: Literal["all", "open"] = "all"
    """Of the drugs that are not named: all, or those on which a model could change the verdict."""
    disease: Literal["", "CML", "ALL"] = ""
    """Whose options the report names; empty: both. No result depends on it."""
    transcript: str = Field(default="", pattern=r"^([ep]\d{1,3}a\d)?$")
    """Of the fusion, e.g. ``e13a2``; it enters the verdicts where it is known to matter."""
    structure: StructureSettings | None = None
    """A structure of the user's, which becomes the state ``user``; the states named above stand beside it."""
    mutation: MutationSettings = MutationSettings()
    docking: DockingSettings = DockingSettings()
    dynamics: DynamicsSettings = DynamicsSettings()

    def content(self) -> dict[str, Any]:
        """What models and measurements depend on, as JSON values: nothing of the patient, nor of the GPU."""
        left_out: Any = {"dynamics": {"replicas_per_gpu"}, "disease": True, "transcript": True}
        return self.model_dump(mode="json", exclude=left_out)

    def told(self) -> dict[str, Any]:
        """The same with what the report alone depends on, where it was said."""
        said = {"disease": self.disease, "transcript": self.transcript}
        return self.content() | {name: value for name, value in said.items() if value}

    def checked(self, pack: TargetPack) -> StudySettings:
        """The same settings if every state and drug they name is in the pack.

        Raises BadInputError naming what there is.
        """
        for state in (*self.states, *self.dynamics.states):
            pack.state(state)
        for drug in self.drugs:
            pack.drug(drug)
        return self


def load_preset(name: str) -> StudySettings:
    """The settings of a preset (:data:`PRESETS`).

    Raises SettingsError if there is no such preset.
    """
    if name not in PRESETS:
        raise SettingsError(
            f"There is no preset {name[:40]!r}.",
            where="--preset",
            remedy=f"Choose from: {', '.join(PRESETS)}.",
        )
    text = (resources.files("kinscope.workflow") / "presets" / f"{name}.yaml").read_text()
    return checked_content(
        StudySettings, {"preset": name, **settings_mapping(text, f"preset {name}")}, f"preset {name}"
    )


def load_settings(path: Path) -> StudySettings:
    """Settings from a YAML file; what it does not name comes from the preset it names, else from ``quick``.

    Raises BadInputError if the file cannot be read, is no YAML mapping, or holds an unknown or impossible
    setting.
    """
    text = read_text(path, remedy="`kinscope settings` prints a file of the usual size.")
    given = settings_mapping(text, str(path))
    base = load_preset(str(given.get("preset", "quick"))).model_dump()
    return checked_content(StudySettings, merged(base, given), str(path))


def with_changes(settings: StudySettings, **changes: Any) -> StudySettings:
    """The settings with some values replaced, validated again; nested ones as nested dictionaries."""
    return checked_content(StudySettings, merged(settings.model_dump(), changes), "command line")


def settings_mapping(text: str, where: str) -> dict[str, Any]:
    """What a YAML file of settings says.

    Raises BadInputError if it is no YAML mapping.
    """
    loaded, _ = parse_yaml(text, where)
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise SettingsError(
            "Settings are a mapping of names to values.",
            where=where,
            remedy="`kinscope settings` prints one.",
        )
    return {str(name): value for name, value in loaded.items()}


def merged(base: dict[str, Any], changes: Any) -> Any:
    """Settings changed by others, in depth; what is no mapping stays, to be refused."""
    if not isinstance(changes, dict):
        return changes
    whole = dict(base)
    for name, value in changes.items():
        held = whole.get(name)
        whole[name] = merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return whole


def checked_content(kind: type[S], content: Any, where: str) -> S:
    """Settings of a kind from what was read.

    Raises SettingsError naming the first that is unknown or impossible.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The setting {name or 'of this file'} is not usable: {first['msg']}.",
            where=f"{where}: {name}",
            remedy="`kinscope settings --preset quick` prints every setting with its default.",
        ) from error
