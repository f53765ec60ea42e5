"""The stages of a study by name, and the function of each.

A name stands in every key, also of what ships with the target packs: a function and its module may be
renamed, the name stays. A module is imported only where its step runs.
"""

from __future__ import annotations

from kinscope.workflow.engine.step import Stage

REPLICA_STAGES = ("replica", "longer-replica")
"""Those that leave a trajectory."""

STAGES = {
    stage.name: stage
    for stage in (
        Stage("user-structure", "kinscope.workflow.stages.user:missing_structure"),
        Stage("user-ligand", "kinscope.workflow.stages.user:missing_ligand"),
        Stage("native-model", "kinscope.workflow.stages.models:native_model"),
        Stage("user-model", "kinscope.workflow.stages.user:user_model"),
        Stage("pose", "kinscope.workflow.stages.user:carry_pose"),
        Stage("mutant-model", "kinscope.workflow.stages.models:mutant_model", kept=True),
        Stage("neighbourhood", "kinscope.workflow.stages.models:neighbourhoods", kept=True),
        Stage("docking", "kinscope.workflow.stages.docking:dock_drug", kept=True),
        Stage("docking-given", "kinscope.workflow.stages.docking:dock_given"),
        Stage("docking-elsewhere", "kinscope.workflow.stages.docking:dock_elsewhere", kept=True),
        Stage("docking-row", "kinscope.workflow.stages.docking:compare_drug"),
        Stage("relaxed-complex", "kinscope.workflow.stages.relaxed:relax_side", kept=True),
        Stage("solvated", "kinscope.workflow.stages.dynamics:solvate"),
        Stage("solvated-bound", "kinscope.workflow.stages.dynamics:solvate_bound"),
        Stage("solvated-own", "kinscope.workflow.stages.user:solvate_own"),
        Stage("speed", "kinscope.workflow.stages.dynamics:speed"),
        Stage("replica", "kinscope.workflow.stages.dynamics:replica"),
        Stage("longer-replica", "kinscope.workflow.stages.dynamics:extend_replica"),
        Stage("measurements", "kinscope.workflow.stages.collect:collect_measurements"),
        Stage("report", "kinscope.workflow.stages.report:write_report"),
    )
}
"""By name."""
