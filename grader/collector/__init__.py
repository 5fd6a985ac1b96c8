"""What runs inside the sandbox: driver, launcher, kernel, and what they record."""
