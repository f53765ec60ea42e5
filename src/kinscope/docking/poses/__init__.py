"""What a pose is worth: RMSD, validity, interactions, strain, its crystal."""
