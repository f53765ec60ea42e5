"""The functions of the stages: each reads its inputs, calls one package and writes an artefact."""
