"""Treatments as bars: a lane per kinase inhibitor or antibody, one for the blocks of a protocol."""

from __future__ import annotations

from kinscope.clinic.case.model import Agent, Treatment
from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.page.marks import Lane, Mark, lane, mark_at, source_words

BLOCK_KINDS = ("chemotherapy", "steroid")


def treatment_lanes(result: CaseResult, last_day: int) -> list[Lane]:
    """Lanes in the order in which their drugs were first given."""
    blocks: list[Mark] = []
    drugs: dict[str, list[Mark]] = {}
    for treatment in sorted(result.case.treatments, key=lambda t: (result.schedule.at(t.id).drawn, t.line)):
        mixed = _is_block(treatment)
        if mixed:
            blocks.append(_bar(result, treatment, last_day, treatment.title, "block"))
        for agent in treatment.agents:
            if _own_lane(agent, treatment, mixed):
                drugs.setdefault(_known(agent)[0], []).extend(
                    _agent_bars(result, treatment, agent, last_day, mixed)
                )
    lanes = [lane("blocks", blocks)]
    for number, (name, marks) in enumerate(drugs.items()):
        colour = f"drug-{number % 8}"
        coloured = (mark.model_copy(update={"css": f"{mark.css} {colour}".strip()}) for mark in marks)
        known, title = find_drug(name), name[:1].upper() + name[1:]
        own = {"key": f"drug-{number}", "title": title, "subtitle": known.kind if known else ""}
        lanes.append(lane("drug", coloured, **own))
    return lanes


def _known(agent: Agent) -> tuple[str, str]:
    """The name and the kind of a drug, as far as it is known."""
    known = find_drug(agent.drug)
    return (known.name, known.kind) if known else (agent.drug, "other")


def _is_block(treatment: Treatment) -> bool:
    """Chemotherapy with or without other agents; a steroid beside one targeted drug makes no block."""
    return any(_known(agent)[1] == "chemotherapy" for agent in treatment.agents) or all(
        _known(agent)[1] in BLOCK_KINDS for agent in treatment.agents
    )


def _own_lane(agent: Agent, treatment: Treatment, mixed: bool) -> bool:
    return _known(agent)[1] == "kinase inhibitor" or (not mixed and _known(agent)[1] not in BLOCK_KINDS)


def _end(result: CaseResult, treatment: Treatment, last_day: int) -> tuple[int, bool]:
    """The end that is drawn, and whether one was stated."""
    if treatment.stop:
        return result.schedule.at(f"{treatment.id}.stop").drawn, True
    later = [
        result.schedule.at(other.id).drawn for other in result.case.treatments if other.line > treatment.line
    ]
    return min(later, default=last_day), False


def _bar(result: CaseResult, treatment: Treatment, last_day: int, label: str, css: str) -> Mark:
    end, known = _end(result, treatment, last_day)
    agents = [f"{agent.drug} {_doses(agent)}".strip() for agent in treatment.agents]
    tip = (
        treatment.title,
        f"Start {result.schedule.window(treatment.id)}",
        f"End {result.schedule.window(f'{treatment.id}.stop')}" if known else "End not stated",
        "; ".join(agents),
        f"{treatment.cycles} cycles" if treatment.cycles else "",
        f"Ended: {treatment.stop_reason}" if treatment.stop_reason != "not stated" else "",
        treatment.note,
        source_words(result, treatment.source),
    )
    drawn = {"end": max(end, result.schedule.at(treatment.id).drawn), "end_known": known}
    return mark_at(result, treatment.id, tip, shape="bar", css=css, label=label, **drawn)


def _doses(agent: Agent) -> str:
    return " · ".join(dose.text for dose in agent.doses)


def _agent_bars(
    result: CaseResult, treatment: Treatment, agent: Agent, last_day: int, mixed: bool
) -> list[Mark]:
    """One bar, or one per dose where the time of a change is known."""
    whole = _bar(result, treatment, last_day, _label(treatment, agent, mixed), "with-block" if mixed else "")
    numbers = {id(dose): number for number, dose in enumerate(treatment.doses, start=1)}
    changes = [dose for dose in agent.doses if dose.when]
    if not changes:
        return [whole]
    bars = []
    before = [dose for dose in agent.doses if not dose.when]
    days = [result.schedule.at(f"{treatment.id}.dose{numbers[id(dose)]}").drawn for dose in changes]
    first_label = " · ".join(dose.text for dose in before) or "dose not stated"
    rest = _companions(treatment, agent)
    bars.append(whole.model_copy(update={"end": days[0], "label": first_label + rest, "end_known": True}))
    for index, dose in enumerate(changes):
        end = days[index + 1] if index + 1 < len(days) else whole.end
        reason = f": {dose.reason}" if dose.reason else ""
        lines = (*whole.tip, f"Dose {dose.text} from {result.schedule.label(days[index])}{reason}")
        known = whole.end_known or index + 1 < len(days)
        changed = {"end": end, "tip": lines, "label": dose.text, "end_known": known}
        at = dict.fromkeys(("day", "first", "last"), days[index])
        bars.append(whole.model_copy(update=changed | at))
    return bars


def _label(treatment: Treatment, agent: Agent, mixed: bool) -> str:
    cycles = f", {treatment.cycles} cycles" if treatment.cycles else ""
    doses = _doses(agent)
    if mixed:
        return doses
    return (doses or "dose not stated") + cycles + _companions(treatment, agent)


def _companions(treatment: Treatment, agent: Agent) -> str:
    others = [f"{other.drug} {_doses(other)}".strip() for other in treatment.agents if other is not agent]
    return f" + {', '.join(others)}" if others and len(others) < 3 else ""
