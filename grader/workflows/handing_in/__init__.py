"""Students hand in: a file is taken, sealed and queued, and its receipt can be checked by anybody."""
