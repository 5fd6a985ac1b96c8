"""Photos that students hand in: measured, compared, looked at by a person, and made into a data set."""
