"""Interpretation: measurements and evidence to reasoned verdicts."""

from kinscope.interpretation.assessment import assess
from kinscope.interpretation.model import Answer, Assessment, DrugVerdict, Measurements, Reason

__all__ = ["Answer", "Assessment", "DrugVerdict", "Measurements", "Reason", "assess"]
