"""A trained generator as files that other programs load.

::

    conversion     a model's folder to files of chosen formats, each checked against the model
    quantisation   int8 arithmetic for an ONNX graph
    runtimes       runs any of the files
"""

#: Formats, and what each is called in its folder.
FILES = {
    "keras": "generator.keras",
    "tensorflow": "generator-tensorflow",
    "onnx": "generator.onnx",
    "onnx-float16": "generator-float16.onnx",
    "onnx-int8": "generator-int8.onnx",
}
