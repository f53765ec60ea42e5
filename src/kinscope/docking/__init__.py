"""Docking: engines behind one protocol."""
