"""What is measured: observables of showers, distances, and the objective S."""
