"""The report of a study: facts, then charts as plain tuples, then one HTML page."""
