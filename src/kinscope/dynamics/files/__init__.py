"""Systems, trajectories and checkpoints on disk."""
