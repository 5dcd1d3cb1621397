"""Search strategies against each other: cheap problems, and a simulated clock."""
