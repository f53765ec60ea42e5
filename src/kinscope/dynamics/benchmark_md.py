"""``kinscope benchmark md``: is the dynamics sound, fast and lean? One report of everything measured."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from kinscope.core.records import Record
from kinscope.dynamics.benchmark_energy import Drift, Warm, energy_drift, warm_up
from kinscope.dynamics.benchmark_engines import EngineCheck, engine_check, stored_systems
from kinscope.dynamics.benchmark_ensemble import BLOCK_PS, KineticCheck, kinetic_check
from kinscope.dynamics.benchmark_speed import Footprint, Pace, footprints, pace
from kinscope.dynamics.benchmark_system import residue_in_vacuum, residue_in_water
from kinscope.dynamics.gromacs_program import find_gromacs
from kinscope.dynamics.platforms import choose_platform
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.solvent import solvate_native
from kinscope.dynamics.streaming_speed import AnalysisSpeed, analysis_speed
from kinscope.structures.reference import reference_model
from kinscope.targets.pack import TargetPack

Progress = Callable[[str], None]
PARTS = ("drift", "temperature", "places", "pace", "engines", "memory", "analysis")
_LIGHT_HYDROGEN_AMU = 1.008
_FRAMES = (500, 2_000, 8_000)
_ALONE = 10.0
"""A residue without water is followed so many times as long: it is fifty times as fast."""


class MdBenchmark(Record):
    """Everything measured; a part that was not asked for is empty."""

    platform: PlatformChoice
    drifts: tuple[Drift, ...] = ()
    kinetic: tuple[KineticCheck, ...] = ()
    paces: tuple[Pace, ...] = ()
    memory: tuple[Footprint, ...] = ()
    engines: EngineCheck | None = None
    analysis: AnalysisSpeed | None = None


def run(
    parts: tuple[str, ...],
    *,
    drift_ps: float,
    temperature_ps: float,
    turns: int,
    kinase: tuple[TargetPack, str] | None,
    analysis_frames: int,
    platform_name: str | None,
    say: Progress,
    runs: tuple[Path, ...] = (),
) -> MdBenchmark:
    """Measure the parts asked for.

    Parameters
    ----------
    parts, turns
        Of :data:`PARTS`; and turns of runner and bare script each.
    drift_ps, temperature_ps
        How long energies are followed.
    kinase
        A target and one of its states, to measure on as well; minutes on a processor.
    analysis_frames, platform_name
        Of the trajectory that the analyses read; and an OpenMM platform, None for the fastest that works.
    say, runs
        Hears what is under way; run directories on whose systems GROMACS is set beside OpenMM as well.

    Raises
    ------
    BadInputError
        If one of ``runs`` holds no system.
    """
    stored = stored_systems(runs)
    platform = choose_platform(platform_name)
    paces: list[Pace] = []
    with tempfile.TemporaryDirectory(prefix="kinscope-md-") as folder:
        heavy, system = Path(folder) / "heavy", Path(folder) / "kinase"
        if {"drift", "temperature", "pace", "engines"} & set(parts):
            say("a capped lysine is put into water")
            residue_in_water(heavy)
        drifts, kinetic = _energies(parts, Path(folder), platform, drift_ps, temperature_ps, say)
        if "pace" in parts:
            say("runner and bare script, capped lysine in water")
            paces.append(pace(heavy, "capped lysine in water", platform, turns=turns))
        if kinase is not None:
            _put_into_water(kinase, system, say)
            drifts += _on_kinase(system, drift_ps, platform, say) if "drift" in parts else []
            paces += [_pace_on_kinase(system, platform, turns, say)] if "pace" in parts else []
        whole = {} if kinase is None else {"kinase in water": system}
        systems = {"capped lysine in water": heavy, **whole, **stored}
        engines = _engines(systems, temperature_ps, say) if "engines" in parts else None
    return MdBenchmark(
        platform=platform,
        drifts=tuple(drifts),
        kinetic=tuple(kinetic),
        paces=tuple(paces),
        memory=footprints(_FRAMES, lambda _done, text: say(text)) if "memory" in parts else (),
        engines=engines,
        analysis=_analysis(analysis_frames, say) if "analysis" in parts else None,
    )


def _analysis(frames: int, say: Progress) -> AnalysisSpeed:
    say("analyses beside MDAnalysis and MDTraj")
    return analysis_speed(frames)


def _engines(systems: dict[str, Path], length_ps: float, say: Progress) -> EngineCheck | None:
    """GROMACS beside OpenMM, where there is one."""
    found = find_gromacs()
    if found is None:
        say("there is no GROMACS here to set beside OpenMM")
        return None
    say("GROMACS beside OpenMM")
    return engine_check(systems, found, length_ps)


def _energies(
    parts: tuple[str, ...],
    folder: Path,
    platform: PlatformChoice,
    drift_ps: float,
    temperature_ps: float,
    say: Progress,
) -> tuple[list[Drift], list[KineticCheck]]:
    """Energies of a capped lysine, in water (already there, in ``heavy``) and alone."""
    drifts: list[Drift] = []
    kinetic: list[KineticCheck] = []
    if {"drift", "temperature"} & set(parts):
        say("it is warmed up")
        warm = warm_up(folder / "heavy", platform)
    if "drift" in parts:
        drifts = _drifts(warm, folder / "light", drift_ps, say)
    if "temperature" in parts:
        kinetic += _at_both_steps(warm, "capped lysine in water", temperature_ps, say)
    if "places" in parts:
        kinetic += _without_water(folder / "alone", _ALONE * temperature_ps, platform, say)
    return drifts, kinetic


def _at_both_steps(warm: Warm, name: str, length_ps: float, say: Progress) -> list[KineticCheck]:
    """The thermostat at half the protocol's step and at all of it."""
    found = []
    for step in (2.0, 4.0):
        say(f"{name}: velocities and places at {step:g} fs")
        found.append(kinetic_check(warm, ProtocolSettings(time_step_fs=step), length_ps, system=name))
    return found


def _drifts(heavy: Warm, directory: Path, length_ps: float, say: Progress) -> list[Drift]:
    """The protocol's setting, half its step, and what heavy hydrogens are there to prevent."""
    residue_in_water(directory, hydrogen_mass_amu=_LIGHT_HYDROGEN_AMU)
    light = warm_up(directory, heavy.platform)
    rows = (
        (heavy, "heavy hydrogens, 2 fs", 2.0),
        (heavy, "heavy hydrogens, 4 fs (the protocol)", 4.0),
        (light, "plain hydrogens, 2 fs", 2.0),
        (light, "plain hydrogens, 4 fs", 4.0),
    )
    found = []
    for warm, name, step in rows:
        say(f"energy drift: {name}")
        found.append(energy_drift(warm, name, step, length_ps))
    return found


def _without_water(
    directory: Path, length_ps: float, platform: PlatformChoice, say: Progress
) -> list[KineticCheck]:
    """The thermostat on a molecule alone, where every conformation is sampled."""
    residue_in_vacuum(directory, "LYS")
    return _at_both_steps(warm_up(directory, platform), "capped lysine alone", length_ps, say)


def _on_kinase(system: Path, length_ps: float, platform: PlatformChoice, say: Progress) -> list[Drift]:
    say("the kinase is warmed up")
    warm = warm_up(system, platform)
    found = []
    for step in (2.0, 4.0):
        say(f"energy drift of the kinase at {step:g} fs")
        found.append(energy_drift(warm, f"kinase, heavy hydrogens, {step:g} fs", step, length_ps))
    return found


def _pace_on_kinase(system: Path, platform: PlatformChoice, turns: int, say: Progress) -> Pace:
    say("runner and bare script, kinase in water")
    steps = 5 if platform.name == "CPU" else 500
    return pace(system, "kinase in water", platform, turns=turns, block_steps=steps)


def _put_into_water(kinase: tuple[TargetPack, str], directory: Path, say: Progress) -> None:
    pack, state = kinase
    model, _ = reference_model(pack, state)
    say(f"{state} is put into water")
    solvate_native(model, SolvationSettings(), 1, directory, pack=pack, state=state)


def in_words(found: MdBenchmark) -> str:
    """The report for people."""
    lines = [f"platform {found.platform.name} ({found.platform.reason})"]
    if found.drifts:
        lines += ["", "Total energy without a thermostat (kT per ns and degree of freedom)"]
        lines += [_drift_words(item) for item in found.drifts]
        lines += _ratio_words(found.drifts)
    for check in found.kinetic:
        lines += [
            "",
            f"Kinetic energies{', ' if check.system else ''}{check.system} at {check.time_step_fs:g} fs, "
            f"friction {check.friction_per_ps:g}/ps, "
            f"{check.length_ps:.0f} ps, against the canonical distribution at {check.temperature_k:g} K",
        ]
        lines += [
            f"  {part.part:<11} {part.mean_temperature_k:7.2f} +- {part.temperature_error_k:.2f} K, spread "
            f"{part.spread_ratio:.3f} of the canonical, Kolmogorov-Smirnov p = {part.ks_p_value:.2f} "
            f"({part.independent_samples} independent of {part.samples})"
            for part in check.parts
        ]
        lines += _ensemble_words(check)
        if check.physical_validation_p_value is not None:
            lines.append(f"  physical_validation, everything: p = {check.physical_validation_p_value:.2f}")
    for name in dict.fromkeys(check.system for check in found.kinetic):
        lines += _configuration_words(tuple(check for check in found.kinetic if check.system == name))
    if found.paces:
        lines += ["", "Speed beside a bare script", *(f"  {item.words()}" for item in found.paces)]
    if found.engines is not None:
        lines += ["", *found.engines.lines()]
    if found.memory:
        lines += ["", "Greatest memory of one replica, by its frames"]
        lines += [
            f"  {item.frames:>7,} frames ({item.trajectory_bytes / 1e6:.1f} MB): {item.peak_mebibyte:.1f} MiB"
            for item in found.memory
        ]
    if found.analysis is not None:
        lines += ["", "Analysis", found.analysis.in_words()]
    return "\n".join(lines)


def _ensemble_words(check: KineticCheck) -> list[str]:
    """What else one step showed."""
    whole = check.parts[0]
    lines = [
        f"  potential energy {check.potential_kt_per_freedom:.4f} +- {check.potential_error:.4f} kT per "
        "degree of freedom",
        f"  with the noise on rigid bonds, which the next step takes out: "
        f"{check.unconstrained_temperature_k:.2f} K",
    ]
    if whole.block_spread_k is not None:
        lines.append(
            f"  means over {BLOCK_PS:.0f} ps scatter by {whole.block_spread_k:.2f} K, one to the next"
        )
    return lines


def _configuration_words(checks: tuple[KineticCheck, ...]) -> list[str]:
    """The places of atoms, the longest step beside the shortest."""
    if len(checks) < 2:
        return []
    slow, fast = checks[0], checks[-1]
    lines = ["", f"Places of atoms, {slow.system}, {fast.time_step_fs:g} fs beside {slow.time_step_fs:g} fs"]
    for one, other in zip(slow.configurations, fast.configurations, strict=True):
        error = math.hypot(one.error, other.error)
        apart = other.mean - one.mean
        lines.append(
            f"  {one.name:<32} {one.mean:12.4f} and {other.mean:12.4f} {one.unit:<2}: difference "
            f"{apart:+.4f} +- {error:.4f} ({apart / error:+.1f} standard errors)"
        )
    return lines


def _drift_words(item: Drift) -> str:
    if not item.stable:
        return f"  {item.name:<40} unstable after {item.length_ps:.1f} ps"
    return (
        f"  {item.name:<40} {item.drift_kt_per_ns_per_freedom:+.4f} +- {item.drift_error:.4f} over "
        f"{item.length_ps:.0f} ps; fluctuation {item.fluctuation_kt_per_freedom:.4f} kT per root of freedom; "
        f"the thermostat would be {item.thermostat_shift_k:+.4f} K off"
    )


def _ratio_words(drifts: tuple[Drift, ...]) -> list[str]:
    """How the fluctuation grows with the step, for pairs of one system; 4 for a symplectic integrator."""
    lines = []
    for slow, fast in zip(drifts[::2], drifts[1::2], strict=False):
        if slow.stable and fast.stable and slow.fluctuation_kt_per_freedom > 0:
            ratio = fast.fluctuation_kt_per_freedom / slow.fluctuation_kt_per_freedom
            lines.append(
                f"  {fast.name}: fluctuation {ratio:.2f} times that of half the step "
                "(4 is due where nothing but the step matters)"
            )
    return lines
