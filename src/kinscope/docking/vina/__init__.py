"""AutoDock Vina as an engine: receptor, ligand, program."""
