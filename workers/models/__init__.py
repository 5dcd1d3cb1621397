"""Model families: what a trial trains."""
