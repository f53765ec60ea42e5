"""From a laboratory's traces and calls to variants: Sanger chromatograms, VCF, tables of amplicon reads.

``read_trace(path)`` reads ABIF or SCF; ``call_variants(traces, pack).result`` is a :class:`SangerResult`;
``read_calls(path, pack)`` gives :class:`ReportedCalls` of a VCF or a table. The calls of both are the same
records, each with the expression that ``kinscope assess`` takes (``assess_expression``).
"""

from kinscope.sequencing.calling.sample import SampleAnalysis, call_variants
from kinscope.sequencing.model import Call, ReportedCalls, SangerResult, Trace
from kinscope.sequencing.reported.open import read_calls
from kinscope.sequencing.traces import read_trace

__all__ = [
    "Call",
    "ReportedCalls",
    "SampleAnalysis",
    "SangerResult",
    "Trace",
    "call_variants",
    "read_calls",
    "read_trace",
]
