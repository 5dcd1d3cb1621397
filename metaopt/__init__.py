"""metaopt: meta-optimisation of generative fast simulation for calorimeters."""

__version__ = "0.1.0"
