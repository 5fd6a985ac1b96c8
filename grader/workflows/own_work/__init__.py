"""What a student sees of their own work after it was handed in, and what they may ask."""
