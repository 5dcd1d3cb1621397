"""Which GPUs TensorFlow sees: ``python -m workers.models.devices`` prints them as JSON.

A process of its own: TensorFlow takes seconds to import, keeps what it sees, and may end the
process where the processor or a driver is not what it was built for.
"""

from __future__ import annotations

import json
import os


def gpu_names() -> list[str]:
    """The GPUs, by their makers' names."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    return [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
        for gpu in tf.config.list_physical_devices("GPU")
    ]


if __name__ == "__main__":
    print(json.dumps(gpu_names()))
