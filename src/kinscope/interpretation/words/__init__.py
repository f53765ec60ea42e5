"""Sentences for what stages hand over as codes and numbers."""
