"""The training recorder: what was trained, from which weights, on which data."""
