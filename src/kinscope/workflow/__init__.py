"""Workflow: the plan of a study, its store, and how it is run."""
