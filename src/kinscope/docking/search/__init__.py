"""Searches for poses: around a known one, and blind."""
