"""Full training of one configuration: one worker or several, epoch by epoch, from checkpoints.

::

    spec          what a worker needs to know, and what makes two trainings the same one
    record        what is written of an epoch: JSON lines, and a log for TensorBoard
    checkpoints   the state after an epoch, from which the training goes on exactly
    training      the loop
    ring          how several workers that train one model add up arrays
"""
