"""The 3DGAN: the published networks, and their like for any calorimeter geometry.

``params`` and ``presets`` say what a configuration is, ``shapes`` and ``static``
what it becomes for a geometry (without TensorFlow), ``networks``, ``losses`` and
``training`` do it, and ``family`` is the seam to the trial runner.
"""

from workers.models.gan3d.family import Gan3D

__all__ = ["Gan3D"]
