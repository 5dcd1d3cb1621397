"""What a trial leaves for plots, on Geant4 showers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_spaces.errors import DataError
from workers.plotted import FILE, MOST, Plotted
from workers.runner import load_reference, trial_events
from workers.trial import TrialResult, TrialSpec


def test_a_complete_trial_leaves_its_last_showers_only_if_asked(toy_spec: TrialSpec) -> None:
    *_, without = trial_events(toy_spec, lambda: False)
    file = Path(toy_spec.folder) / FILE
    assert not file.exists()
    *_, result = trial_events(replace(toy_spec, plots=True), lambda: False)
    assert isinstance(result, TrialResult) and isinstance(without, TrialResult)
    assert result.score == without.score
    plotted, reference = Plotted.load(file), load_reference(toy_spec)
    assert len(plotted.sample) == plotted.view.events == min(len(reference), MOST)
    assert plotted.sample.values.shape[1] == len(reference.names)
    # The profiles along all axes hold the same energy, that of the sampling fraction.
    column = reference.names.index("sampling_fraction")
    shares = [float(plotted.view.profile(axis)[0].sum()) for axis in range(3)]
    assert shares == pytest.approx([float(plotted.sample.values[:, column].mean())] * 3, rel=1e-4)


def test_a_stopped_trial_leaves_nothing(toy_spec: TrialSpec) -> None:
    list(trial_events(replace(toy_spec, plots=True), lambda: True))
    assert not (Path(toy_spec.folder) / FILE).exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, values=np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"plotted\.npz"):
        Plotted.load(tmp_path / FILE)
