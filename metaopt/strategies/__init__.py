"""Search strategies: each proposes points from the history of a study."""
