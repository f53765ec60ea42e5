"""Typed records that leave a stage, with the unit in every name."""
