"""Starts TensorFlow: quietly, with the threads and the GPU memory that a trial may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search_spaces.errors import ExecutorError
from workers.trial import Precision, Resources

#: What ONEDNN_MAX_CPU_ISA may say that is less than AVX-512.
NARROW = ("SSE41", "AVX", "AVX2", "AVX2_VNNI")


def precision(resources: Resources) -> Precision:
    """Of hidden layers in this process: bfloat16 where TensorFlow can compute it.

    Its kernels end the process on an x86 processor without AVX-512, with which a model of
    another machine is to generate all the same: weights are float32 in any case.
    """
    return resources.precision if resources.gpus or _half_width() else "float32"


def _half_width() -> bool:
    """Whether oneDNN computes in bfloat16 on this processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return True
    flags = next((line.split() for line in lines if line.startswith("flags")), ["avx512bw"])
    return "avx512bw" in flags and os.environ.get("ONEDNN_MAX_CPU_ISA") not in NARROW


def start(resources: Resources) -> None:
    """Import TensorFlow and set threads and GPU memory, once per process.

    What is set when TensorFlow has already run something stays as it was.

    Raises:
        ExecutorError: a GPU is asked for and TensorFlow sees none.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "tensorflow" not in sys.modules:
        with _silent_stderr():
            import tensorflow  # noqa: F401
    import tensorflow as tf

    # A worker builds many models, each with its own functions: no retracing advice.
    tf.get_logger().setLevel("ERROR")
    if not resources.gpus:
        # On a CPU the graph rewriter costs half a second per model and gains nothing: the
        # oneDNN kernels are chosen elsewhere.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    with suppress(RuntimeError):  # TensorFlow refuses once it runs
        tf.config.threading.set_intra_op_parallelism_threads(resources.cpus)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        _set_gpus(resources)


def _set_gpus(resources: Resources) -> None:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not resources.gpus:
        tf.config.set_visible_devices([], "GPU")
        return
    if not gpus:
        raise ExecutorError(
            f"TensorFlow must see a GPU when gpus={resources.gpus}, got none; install "
            f"'metaopt[gpu]' or set gpus = 0"
        )
    for gpu in gpus:
        if resources.gpu_memory_mib:
            limit = tf.config.LogicalDeviceConfiguration(memory_limit=resources.gpu_memory_mib)
            tf.config.set_logical_device_configuration(gpu, [limit])
        else:
            tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """File descriptor 2 to nowhere: the start-up messages come from C++ before its logger obeys."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
