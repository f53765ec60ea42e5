"""Force-field parameters of ligands: shipped, and made with AmberTools."""
