"""Population-based training: members that take over each other's state while they train.

::

    options      what a study may set, and with which values members begin
    lines        what the store knows of each member: its segments, and where it goes on
    ledger       records what happens, segment by segment
    controller   one sitting of a population, as :mod:`metaopt.controller` is of a search
"""
