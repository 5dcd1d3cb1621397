"""What may vary, for which detector: search spaces and calorimeter geometries."""

from search_spaces.geometry import Geometry
from search_spaces.loader import load_geometry, load_space
from search_spaces.parameters import Categorical, Condition, Float, Int, Parameter, Point, Value
from search_spaces.space import Baseline, SearchSpace

__all__ = [
    "Baseline",
    "Categorical",
    "Condition",
    "Float",
    "Geometry",
    "Int",
    "Parameter",
    "Point",
    "SearchSpace",
    "Value",
    "load_geometry",
    "load_space",
]
