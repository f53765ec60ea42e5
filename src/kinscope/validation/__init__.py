"""Kinscope held against crystals, publications and simulated truth: what ``kinscope benchmark`` runs."""
