"""Reading qPCR runs: instrument tables (CSV, TSV, text) and YAML. Files are hostile: bounded, plain text."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from kinscope.clinic.measurements import TimePoint, known_protein
from kinscope.clinic.qpcr.model import (
    FUSION,
    ControlName,
    QpcrRun,
    QpcrSample,
    StandardLevel,
    Wells,
    last_cycle,
)
from kinscope.clinic.qpcr.table import CONTROL_NAMES, Well, bad, read_wells
from kinscope.core.files import MAX_TEXT_BYTES, decoded, decoded_export, read_bounded
from kinscope.core.plain_yaml import Places, line_of, parse_yaml, path_text
from kinscope.core.quoting import quoted

_REMEDY = "See docs/how-to/qpcr.md for an example."
_PARTS: dict[str, type[BaseModel]] = {
    "samples": QpcrSample,
    "at": TimePoint,
    "fusion": Wells,
    "control": Wells,
}
_PARTS |= dict.fromkeys(("fusion_standards", "control_standards"), StandardLevel)


def read_run(
    path: Path | str, *, transcript: str = "", control_gene: str = "", conversion_factor: float | None = None
) -> QpcrRun:
    """Read a run from a YAML file (``.yaml``, ``.yml``) or, whatever else its name, a table.

    What is given besides stands in for what the file does not say, and overrules what it says.

    Raises BadInputError with the line, for anything that cannot be used as it is.
    """
    file = Path(path)
    data = read_bounded(file, MAX_TEXT_BYTES, remedy="Give the export of one run.")
    if file.suffix.lower() in (".yaml", ".yml"):
        return yaml_run(decoded(data, file), file.name, transcript, control_gene, conversion_factor)
    return table_run(decoded_export(data, file), file.name, transcript, control_gene, conversion_factor)


def yaml_run(text: str, name: str, transcript: str, control_gene: str, factor: float | None) -> QpcrRun:
    """A run from YAML with the fields of :class:`QpcrRun`; ``name`` stands in the messages."""
    content, places = parse_yaml(text, name)
    if not isinstance(content, dict):
        what = "The file holds no run: fields such as control_gene and samples are expected."
        raise bad(what, f"{name}, line 1", _REMEDY)
    given = {"transcript": transcript, "control_gene": control_gene, "conversion_factor": factor}
    given = {key: value for key, value in given.items() if value not in ("", None)}
    run = _validated({**content, **given}, name, places)
    cycles = [
        run.no_template,
        run.no_template_control,
        *(level.ct for level in (*run.fusion_standards, *run.control_standards)),
    ]
    cycles += [wells.ct for sample in run.samples for wells in (sample.fusion, sample.control)]
    end = last_cycle(chain.from_iterable(cycles))
    if end is not None:
        what = f"The latest cycle is {end:.0f}, which instruments write for wells without signal."
        raise bad(what, name, "Write null for a well without signal.")
    return run


def _validated(content: dict[str, Any], name: str, places: Places) -> QpcrRun:
    try:
        return QpcrRun.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        path, what = first["loc"], first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            path = path[:-1]
            part = next((name for name in reversed(path) if isinstance(name, str)), "")
            known = ", ".join(_PARTS.get(part, QpcrRun).model_fields)
            what = f"a field that is not known; known are {known}"
        place = path_text(path) if path else "the run"
        where = f"{name}, line {line_of(places, first['loc'])[0]}" if places else name
        raise bad(f"{place}: {what[:1].lower()}{what[1:200]}.", where, _REMEDY) from None


def table_run(
    text: str, name: str, transcript: str = "", control_gene: str = "", factor: float | None = None
) -> QpcrRun:
    """A run from the text of a table; ``name`` stands in the messages."""
    wells, notes = read_wells(text, name)
    gene = _control_gene(wells, control_gene, name)
    standards = [well for well in wells if well.role == "standard"]
    samples = [well for well in wells if well.role == "sample"]
    _one_assay(wells, transcript, name)
    for target in sorted({well.target for well in standards}):
        plates = {w.plate: w.line for w in wells if w.target == target and w.plate}
        if len(plates) > 1:
            raise bad(
                f"The wells of {target} lie on several plates: one plate's standards do not hold on another.",
                f"{name}, lines {' and '.join(map(str, sorted(plates.values())[:2]))}",
                "Give each plate, with its own standards, as a table of its own.",
            )
    content = {
        "transcript": transcript,
        "control_gene": gene,
        "conversion_factor": factor,
        "fusion_standards": _levels([w for w in standards if w.target == FUSION]),
        "control_standards": _levels([w for w in standards if w.target == gene]),
        "no_template": [w.ct for w in wells if w.role == "no template" and w.target == FUSION],
        "no_template_control": [w.ct for w in wells if w.role == "no template" and w.target == gene],
        "samples": _samples(samples, gene, {well.target for well in standards}, name),
        "notes": notes,
    }
    return _validated(content, name, {})


def _one_assay(wells: list[Well], transcript: str, name: str) -> None:
    """Refuse an assay of one protein (p190) beside a transcript of another (e14a2)."""
    asked = known_protein(transcript)
    for well in wells:
        measured = known_protein(well.assay)
        if asked and measured and asked.protein != measured.protein:
            what = f"The assay is that of {measured.protein}, the transcript is {asked.protein}."
            raise bad(
                what, f"{name}, line {well.line}", "Correct --transcript, or give the other assay's wells."
            )


def _control_gene(wells: list[Well], asked: str, name: str) -> ControlName:
    measured = [well for well in wells if well.assay or (well.target, well.role) == (FUSION, "sample")]
    fusion = {well.assay: well.line for well in measured}
    if len(fusion) > 1:
        first, second = sorted(fusion.values())[:2]
        raise bad(
            "There are several assays of the fusion, whose levels must not be pooled.",
            f"{name}, lines {first} and {second}",
            "Give each one's wells as a table of its own, with the wells of the control gene.",
        )
    present = sorted({well.target for well in wells} - {FUSION})
    if asked:
        gene = CONTROL_NAMES.get(asked.lower())
        if gene is None:
            what = f"{quoted(asked, 30)!r} is not a control gene that is known."
            raise bad(what, "control gene", "Choose ABL1, GUSB or BCR.")
        if gene not in present:
            raise bad(f"There is no well of the control gene {gene}.", name)
        return gene
    if len(present) > 1:
        what = f"There are several control genes: {', '.join(present)}."
        raise bad(what, f"{name}, target column", "Say which one to use with --control.")
    if not present:
        raise bad("There is no control gene in the table (ABL1, GUSB or BCR).", f"{name}, line 1")
    return CONTROL_NAMES[present[0].lower()]


def _levels(wells: list[Well]) -> tuple[StandardLevel, ...]:
    by_copies: dict[float, list[float | None]] = {}
    for well in wells:
        by_copies.setdefault(well.copies or 0.0, []).append(well.ct)
    return tuple(StandardLevel(copies=copies, ct=tuple(ct)) for copies, ct in sorted(by_copies.items()))


def _samples(wells: list[Well], gene: str, with_standards: set[str], name: str) -> tuple[QpcrSample, ...]:
    if not wells:
        raise bad("There is no sample in the table, only standards.", f"{name}, line 1")
    samples: list[QpcrSample] = []
    by_name: dict[str, list[Well]] = {}
    for well in wells:
        by_name.setdefault(well.sample, []).append(well)
    for sample, own in by_name.items():
        where = f"{name}, line {own[0].line}"
        by_target = {target: [well for well in own if well.target == target] for target in (FUSION, gene)}
        missing = [target for target, found in by_target.items() if not found]
        if missing:
            raise bad(f"A sample has no well of {missing[0]}.", where)
        times = {well.at for well in own} - {None}
        if len(times) > 1:
            raise bad("A sample has two dates.", where)
        fusion, control = (_replicates(by_target[t], t in with_standards, name) for t in (FUSION, gene))
        samples.append(QpcrSample(name=sample, fusion=fusion, control=control, at=next(iter(times), None)))
    return tuple(samples)


def _replicates(wells: list[Well], has_standards: bool, name: str) -> Wells:
    """Cycles where the table holds standards to read them by; else the instrument's copies, or none."""
    copies = [well.copies for well in wells]
    if has_standards and not any(well.copies and well.ct is None for well in wells):
        return Wells(ct=tuple(well.ct for well in wells))
    if None not in copies:
        return Wells(copies=tuple(amount for amount in copies if amount is not None))
    if not any(copies):  # cycles without standards, which are refused when they are counted
        return Wells(ct=tuple(well.ct for well in wells))
    what = "Copies are given for some wells of a sample only; write 0 for none."
    raise bad(what, f"{name}, line {wells[copies.index(None)].line}")
