"""Showers on their mesh and back, differentiable, on any Keras backend.

Where a mesh is the calorimeter's own grid, arrays pass as they are.
"""

from __future__ import annotations

from keras import ops

from workers.models.gan3d.convolution import Tensor
from workers.models.gan3d.mesh import Mesh


def to_mesh(mesh: Mesh, cells: Tensor) -> Tensor:
    """Energies (n, *shape of the mesh) of cells (n, *shape of the calorimeter)."""
    if mesh.shares is not None:
        cells = ops.einsum("nral,lab->nrbl", cells, mesh.shares)
    if cells.shape[1:] != mesh.shape:
        more = [m - n for m, n in zip(mesh.shape, cells.shape[1:], strict=True)]
        cells = ops.pad(cells, [(0, 0), *((0, n) for n in more)])
    return masked(mesh, cells)


def from_mesh(mesh: Mesh, energies: Tensor) -> Tensor:
    """Cells (n, *shape of the calorimeter) of a mesh's energies: the inverse of :func:`to_mesh`."""
    radial, _, layers = mesh.cells
    if (mesh.shape[0], mesh.shape[2]) != (radial, layers):
        energies = energies[:, :radial, :, :layers]
    if mesh.joined is None:
        return energies
    return ops.einsum("nrbl,lab->nral", energies, mesh.joined)


def masked(mesh: Mesh, x: Tensor) -> Tensor:
    """Energies or images x (n, *shape of the mesh, ...) with zeros in absent cells."""
    if mesh.present is None:
        return x
    return x * (mesh.present if len(x.shape) == 4 else mesh.present[..., None])
