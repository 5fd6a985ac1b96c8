"""What students are shown of their marks, and since when."""
