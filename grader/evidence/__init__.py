"""The record of an attempt: plain data, size-capped, versioned; imported on both sides of the wall."""
