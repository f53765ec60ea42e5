"""Ray-traced pictures of the models, where PyMOL is installed (the extra ``figures``): one file a panel.

The panels of the K404E report's Fig. 1 for any variant: the whole model with what it binds, the residue's
surroundings, native and mutant, in each state, the myristate pocket, and three conformations of both where
dynamics ran. No display is needed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.report.files import ModelFile, MovingFiles, Picture, ReportFiles
from kinscope.report.plots.reduced import frame_text
from kinscope.report.style import MUTANT, NATIVE, region_colours
from kinscope.report.text import Names
from kinscope.targets.pack import Region
from kinscope.variants.model import Variant

WIDTH, HEIGHT = 1060, 780
"""Pixels: 9 cm, a column, at 300 dots per inch."""
_ON_PAGE = 900
_MOST_LABELS = 5
_STATES = 3
_SHOWN_ANGSTROM = 15.0
"""Around what is looked at, in the pictures of three conformations."""


def write_scenes(variant: Variant, files: ReportFiles, directory: Path) -> tuple[Picture, ...]:
    """Draw every panel into a folder that is there; none without PyMOL."""
    try:
        import pymol2
    except ImportError:
        return ()
    drawn = []
    for name, caption, setup in _panels(variant, files):
        path = directory / f"{name}.png"
        with pymol2.PyMOL() as session:
            setup(session.cmd)
            session.cmd.png(str(path), WIDTH, HEIGHT, dpi=300, ray=1, quiet=1)
        drawn.append(Picture(name=name, caption=caption, path=path))
    return tuple(drawn)


def for_the_page(picture: Picture) -> bytes:
    """The same as JPEG of a size for the screen."""
    from PIL import Image

    image = Image.open(picture.path).convert("RGB")
    image.thumbnail((_ON_PAGE, _ON_PAGE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _panels(variant: Variant, files: ReportFiles) -> Iterator[tuple[str, str, Any]]:
    names = Names(files)
    first = [file for file in files.models if file.alternative == 0]
    states = sorted({file.state for file in first}, key=names.state_order)[:_STATES]
    largest = (
        [file for file in first if file.state == states[-1] and file.variant != "native"] if states else []
    )
    for file in largest[:1]:
        caption = f"{names.state(file.state)}, coloured by region; sticks: {variant.short} and known ligands."
        yield f"scene_whole_{file.state}", caption, lambda cmd, file=file: _whole(cmd, file, files, variant)
        for pocket in _myristate_pockets(files):
            yield (
                f"scene_{pocket.name}",
                f"The {pocket.label} of {variant.short}, {names.state(file.state)}.",
                lambda cmd, file=file, pocket=pocket: _pocket(cmd, file, files, pocket),
            )
    for state in states:
        for file in sorted((f for f in first if f.state == state), key=lambda f: f.variant != "native"):
            who = "native" if file.variant == "native" else variant.short
            caption = f"Around residue {', '.join(map(str, variant.positions))}, {who}, {names.state(state)}."
            name = f"scene_{state}_{'native' if who == 'native' else variant.slug}"
            yield name, caption, lambda cmd, file=file: _around(cmd, file, variant)
    yield from _moving_panels(variant, files)


def _moving_panels(variant: Variant, files: ReportFiles) -> Iterator[tuple[str, str, Any]]:
    """Three conformations of each side and state: around the residue, and of the myristate pocket."""
    names = Names(files)
    around = f"residue {', '.join(map(str, variant.positions))}"
    views = [("residue", around, variant.positions)]
    views += [(one.name, f"the {one.label}", one.members()) for one in _myristate_pockets(files)]
    for moving in files.moving:
        who = "native" if moving.variant == "native" else variant.slug
        for view, what, residues in views:
            yield (
                f"scene_moving_{moving.state}_{who}_{view}",
                f"Three conformations around {what}, {moving.variant}, {names.state(moving.state)}: of each "
                "third of the frames the one nearest to their mean; of three replicas, one each.",
                lambda cmd, moving=moving, residues=residues: _moving(cmd, moving, files, variant, residues),
            )


def _myristate_pockets(files: ReportFiles) -> list[Region]:
    return [one for one in files.regions if one.kind == "pocket" and one.name.startswith("myristate")]


def _begin(cmd: Any, file: ModelFile) -> None:
    cmd.set("cif_use_auth", 1)
    cmd.load(str(file.path), "kinase")
    _plain(cmd)
    cmd.show("cartoon", "kinase")


def _plain(cmd: Any) -> None:
    cmd.hide("everything")
    cmd.bg_color("white")
    for setting, value in (
        ("ray_opaque_background", 1), ("ray_shadows", 0), ("antialias", 1), ("cartoon_fancy_helices", 1),
        ("label_size", 20), ("label_color", "black"), ("label_outline_color", "white"), ("ray_trace_mode", 1),
    ):  # fmt: skip
        cmd.set(setting, value)


def _colour(cmd: Any, colour: str, selection: str) -> None:
    cmd.color(f"0x{colour.removeprefix('#')}", selection)


def _whole(cmd: Any, file: ModelFile, files: ReportFiles, variant: Variant) -> None:
    _begin(cmd, file)
    _colour(cmd, "#c3c9d0", "kinase")
    colours = region_colours(files.regions)
    for kind in ("domain", "segment"):
        for region in (one for one in files.regions if one.kind == kind and colours[one.name] != "#8a8f98"):
            _colour(cmd, colours[region.name], f"kinase and resi {region.start}-{region.end}")
    shown = [pose for pose in files.poses if pose.state == file.state and pose.role == "reference"]
    for pose in shown[:2]:
        cmd.load(str(pose.path), pose.drug)
        cmd.show("sticks", pose.drug)
    own = f"kinase and resi {'+'.join(map(str, variant.positions))}"
    cmd.show("spheres", f"{own} and not hydro")
    _colour(cmd, MUTANT, own)
    cmd.orient("kinase")


def _pocket(cmd: Any, file: ModelFile, files: ReportFiles, pocket: Region) -> None:
    _begin(cmd, file)
    lining = f"kinase and resi {'+'.join(map(str, pocket.members()))}"
    _colour(cmd, "#c3c9d0", "kinase")
    cmd.set("cartoon_transparency", 0.55)
    cmd.show("sticks", f"{lining} and not hydro and not name C+O+N")
    for pose in files.poses:
        if pose.state == file.state and pose.role == "reference":
            cmd.load(str(pose.path), pose.drug)
            cmd.show("sticks", f"{pose.drug} within 5 of ({lining})")
    _look(cmd, lining, 5.0)


def _around(cmd: Any, file: ModelFile, variant: Variant) -> None:
    _begin(cmd, file)
    own = f"kinase and resi {'+'.join(map(str, variant.positions))}"
    near = f"(byres (kinase and not hydro within 4.0 of ({own} and not hydro))) and not hydro"
    _colour(cmd, "#c3c9d0", "kinase")
    cmd.set("cartoon_transparency", 0.55)
    cmd.show("sticks", f"({near}) and not name C+O+N")
    cmd.show("sticks", f"({near}) and name O and ({own} around 4.0)")
    cmd.set("stick_radius", 0.14)
    _colour(cmd, NATIVE if file.variant == "native" else MUTANT, f"{own} and elem C")
    for element, colour in (("N", "#3050f8"), ("O", "#e02b20"), ("S", "#d9b300")):
        _colour(cmd, colour, f"({near}) and elem {element}")
    cmd.show("sticks", f"(byres (kinase within 3.6 of ({own}))) and name C+O and not ({own})")
    cmd.distance("polar", f"{own} and not hydro", f"({near}) and not ({own})", 3.6, mode=2)
    cmd.hide("labels", "polar")
    beside = {number + step for number in variant.positions for step in (-1, 0, 1)}
    found = sorted({int(atom.resi) for atom in cmd.get_model(near).atom} - beside)
    for residue in (*variant.positions, *found[: _MOST_LABELS - len(variant.positions)]):
        cmd.label(f"kinase and resi {residue} and name CA", "'%s%s' % (resn.capitalize(), resi)")
    _look(cmd, own, 9.0)


def _moving(
    cmd: Any, moving: MovingFiles, files: ReportFiles, variant: Variant, residues: Sequence[int]
) -> None:
    from kinscope.trajectories.snapshots import snapshots

    found = snapshots(moving.replicas, moving.model, variant.positions)
    if found is None:
        return
    drawn = np.flatnonzero(found.layout.heavy & found.layout.protein)
    for frame in found.typical:
        cmd.read_pdbstr(frame_text(found, frame, drawn), f"frame{frame}")
    _plain(cmd)
    looked = f"resi {'+'.join(map(str, residues))}"
    own = f"resi {'+'.join(map(str, variant.positions))}"
    shown = f"byres (all within {_SHOWN_ANGSTROM} of ({looked}))"
    cmd.show("cartoon", shown)
    _colour(cmd, "#c3c9d0", "all")
    for region in (one for one in files.regions if one.name == "activation_loop"):
        _colour(cmd, region_colours(files.regions)[region.name], f"resi {region.start}-{region.end}")
    cmd.show("sticks", f"({looked} or {own}) and not name C+O+N")
    _colour(cmd, NATIVE if moving.variant == "native" else MUTANT, f"({own}) and elem C")
    cmd.set("stick_radius", 0.14)
    _look(cmd, looked, 9.0 if len(residues) < _MOST_LABELS else 5.0)
    cmd.clip("atoms", 2.0, shown)


def _look(cmd: Any, selection: str, margin: float) -> None:
    """From outside: the line from the protein's middle to the selection points at the reader, on any side."""
    middle, place = (cmd.centerofmass(f"({one}) and name CA") for one in ("all", selection))
    ahead = np.subtract(place, middle)
    ahead /= np.linalg.norm(ahead)
    right = np.cross((0.0, 1.0, 0.0), ahead)
    right /= np.linalg.norm(right)
    turned = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    cmd.set_view([*turned.ravel().tolist(), *cmd.get_view()[9:]])
    cmd.zoom(f"({selection}) and name CA", margin)
