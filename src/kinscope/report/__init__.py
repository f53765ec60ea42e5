"""The face of a result: HTML report, figures, JSON and tables. Shows; computes no science."""
