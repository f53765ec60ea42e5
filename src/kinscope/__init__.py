"""kinscope: from a kinase variant to a reasoned report on which inhibitors still bind.

The names a user needs are imported when they are first asked for, so that ``import kinscope`` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "KinscopeError": "kinscope.core.errors",
    "StudyResult": "kinscope.interpretation.model",
    "StudySettings": "kinscope.workflow.settings",
    "Variant": "kinscope.variants.model",
    "assess_variant": "kinscope.workflow.study",
    "load_preset": "kinscope.workflow.settings",
    "load_target": "kinscope.targets",
    "lookup": "kinscope.evidence",
    "parse_variant": "kinscope.variants",
    "reference_model": "kinscope.structures.reference.build",
    "resume_study": "kinscope.workflow.study",
}
__all__ = ["__version__", *sorted(_EXPORTS)]


def __getattr__(name: str) -> Any:
    """Import a public name from where it lives."""
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'kinscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
