"""Frames in, measures out."""
