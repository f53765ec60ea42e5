"""Solute, ligand, water and ions, equilibrated; boxes that ship."""
