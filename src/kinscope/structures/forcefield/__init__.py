"""ff14SB over a model: system, relaxation, minimisation, what stands in the pockets."""
