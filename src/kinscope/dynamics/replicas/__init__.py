"""Replicas: run, resume, extend."""
