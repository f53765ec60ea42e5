"""Stage functions: each takes a StepContext, calls one package, and writes one artefact."""
