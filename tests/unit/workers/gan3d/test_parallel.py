"""Two workers train as one would: the seam of data-parallel training."""

from __future__ import annotations

import json
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from search_spaces.errors import ConfigError
from workers.production.ring import Door, Ring

from .conftest import model

CODE = "from gan3d.team_member import main; main()"


def test_two_workers_make_the_step_of_one_and_stay_alike(tmp_path: Path) -> None:
    from .team_member import DATA, KEY, frozen, train, weights

    door = Door("127.0.0.1", KEY)
    here, out = str(Path(__file__).parents[1]), tmp_path / "second.npz"
    code = f"import sys; sys.path.insert(0, {here!r}); {CODE}"
    command = [sys.executable, "-c", code, *map(str, door.address), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        host, port = json.loads(other.stdout.readline())
        (shared, first), (_, usual) = train(door, 0, [door.address, (host, port)])
    assert other.returncode == 0
    with np.load(out) as second:
        np.testing.assert_array_equal(second["arr_0"], first)
        np.testing.assert_array_equal(second["arr_1"], usual)
    alone = frozen()
    before = weights(alone)
    loss = alone.train_epoch(DATA, 1)["g_deposited_energy"]
    assert shared == pytest.approx(loss, rel=1e-5)
    moved = weights(alone) - before
    assert np.abs(first - before - moved).max() < 1e-4 * np.abs(moved).max()


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    small = model(batch_size=8)
    small.join(Ring(0, 4, *Pipe()))
    with pytest.raises(ConfigError, match="give --workers 4 or fewer"):
        small.join(Ring(0, 5, *Pipe()))
