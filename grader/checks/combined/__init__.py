"""Kinds that make one question of several checks."""
