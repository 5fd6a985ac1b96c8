"""What runs notebooks on a machine of its own: it dials in, and knows no rubric, answer, mark or name."""
