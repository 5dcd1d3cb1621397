"""Showers of a geometry: Geant4 where it is installed, a parametrisation everywhere.

::

    materials, detector   what the layers are made of; a geometry as a stack of slabs
    medium                the stack as one effective medium
    primaries             the particles, each with its own random stream
    gflash                parametrised showers (Grindhammer and Peters)
    geant4, em_data       showers of Geant4, and the data files that it reads
    engines               both by name: versions, labels, what they can simulate
    job, label            what decides the showers, and by what they were made
    output, worker, run   the blocks on disk and the file, the processes
"""
