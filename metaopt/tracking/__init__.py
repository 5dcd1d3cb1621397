"""Studies in the tools with which people follow trainings: TensorBoard and MLflow.

What they show is a copy: the study store has it all, and a place that cannot be reached never
stops a study.
"""
