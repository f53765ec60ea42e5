"""From a laboratory's traces and calls to variants: Sanger chromatograms, VCF, tables of amplicon reads.

``read_trace(path)`` reads ABIF or SCF; ``call_variants(traces, pack)`` gives a :class:`SangerResult`;
``read_calls(path, pack)`` gives :class:`ReportedCalls` of a VCF or a table. The calls of both are the same
records, each with the expression that ``kinscope assess`` takes.
"""

from kinscope.sequencing.model import Call, ReportedCalls, SangerResult, Trace

__all__ = ["Call", "ReportedCalls", "SangerResult", "Trace"]
