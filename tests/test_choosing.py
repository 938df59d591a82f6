"""A recording with several time series can be explored before anything is chosen."""

from __future__ import annotations

import contextlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from flimage.choosing import Array, arrays_in, explore
from flimage.errors import FileFormatError, FlimageError, InputError
from flimage.readers import Selection


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    """Two positions of different length, each with two channels; pixels tell where they are."""
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for position, count in enumerate((3, 4)):
            frames = np.zeros((count, 2, 8, 10), np.uint16)
            frames += (100 * position + 10 * np.arange(2, dtype=np.uint16))[:, None, None]
            metadata = {"axes": "TCYX", "Channel": {"Name": ["GFP", "mCherry"]}}
            file.write(frames, metadata=metadata)
    return path


def test_the_first_of_everything_is_opened_where_nothing_is_chosen(positions: Path) -> None:
    explored = explore(positions)
    with explored.recording as recording:
        assert recording.frame(0)[0, 0] == 0
        assert len(recording) == 3
    assert [(axis.name, axis.size) for axis in explored.axes] == [("position", 2), ("channel", 2)]
    assert explored.selection == Selection(0, None, 0)


def test_an_array_that_is_no_recording_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "several.h5"
    with h5py.File(path, "w") as file:
        file["a/unlabelled"] = np.zeros((2, 3, 4, 5, 6), np.uint16)
        file["b/single"] = np.zeros((8, 9), np.uint16)
        file["z/stack"] = np.ones((4, 8, 9), np.uint16)
    explored = explore(path)
    with explored.recording as recording:
        assert len(recording) == 4
    assert explored.key == "/z/stack"
    assert [array.key for array in explored.arrays] == ["/a/unlabelled", "/b/single", "/z/stack"]
    np.savez(tmp_path / "n.npz", a=np.zeros((2, 3, 4, 5, 6)), z=np.zeros((6, 7)))
    with explore(tmp_path / "n.npz").recording as recording:
        assert recording.shape == (6, 7)


def test_a_damaged_archive_is_refused_by_name_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    counts = np.random.default_rng(0).poisson(9, (3, 20, 20))
    np.savez_compressed(path, a=counts, b=counts)
    whole = path.read_bytes()
    refused = 0
    for start in range(30, len(whole) - 40, 61):
        path.write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])
        with contextlib.suppress(FileFormatError):
            assert all(array.shape == (3, 20, 20) for array in arrays_in(path))
            continue
        refused += 1
        with pytest.raises(FileFormatError, match=r"a\.npz"):
            arrays_in(path)
    assert refused > 2


@pytest.mark.parametrize("key", [None, "/a"])
def test_where_no_array_is_a_recording_the_first_reason_is_told(
    key: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "none.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros((2, 3, 4, 5, 6), np.uint16)
        file["b"] = np.zeros((2, 3, 4, 5, 7), np.uint16)
    with pytest.raises(FlimageError, match="/a"):
        explore(path, key)


@pytest.mark.parametrize("channel", [1, "1", "mCherry"])
def test_what_is_wanted_is_opened_and_the_rest_still_offered(
    positions: Path, channel: int | str
) -> None:
    explored = explore(positions, wanted=Selection(channel, None, 1))
    with explored.recording as recording:
        assert len(recording) == 4
        assert recording.frame(3)[0, 0] == 110
    assert explored.selection == Selection(1, None, 1)
    assert [axis.name for axis in explored.axes] == ["position", "channel"]


def test_a_plane_that_does_not_exist_is_refused(positions: Path) -> None:
    with pytest.raises(InputError, match="no channel 2; there is --channel"):
        explore(positions, wanted=Selection(channel=2))


def test_arrays_are_listed_and_the_first_stack_is_opened(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["flat"] = np.ones((8, 10))
        file["run/frames"] = np.ones((3, 8, 10), np.uint16)
        file["run/times"] = np.arange(3.0)
    np.savez(tmp_path / "b.npz", flat=np.ones((8, 10)), stack=np.ones((3, 8, 10)), t=np.ones(3))
    assert arrays_in(tmp_path / "a.h5") == (
        Array("/flat", (8, 10), "float64"),
        Array("/run/frames", (3, 8, 10), "uint16"),
    )
    for name, key in (("a.h5", "/run/frames"), ("b.npz", "stack")):
        explored = explore(tmp_path / name)
        with explored.recording as recording:
            assert len(recording) == 3
        assert explored.key == key
        assert len(explored.arrays) == 2


def test_where_there_is_one_recording_there_is_nothing_to_choose(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 8, 10)))
    with explore(tmp_path / "x.npy").recording as recording:
        assert len(recording) == 3
    explored = explore(tmp_path / "x.npy")
    explored.recording.close()
    assert (explored.axes, explored.arrays, explored.key) == ((), (), None)
