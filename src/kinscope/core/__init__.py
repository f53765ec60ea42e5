"""Ground floor: errors, records, residue names, seeds, files, tables."""
