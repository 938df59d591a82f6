"""What can be read of a damaged series is written to a new file, and the rest is named."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from flimage import FLImage, FLSeries, Recipe, correct, provenance
from flimage import facts as facts_of
from flimage.cli import main
from flimage.cut_off import CutOffFile, stated_size
from flimage.errors import (
    Cancelled,
    DamagedSeriesError,
    FileFormatError,
    FlimageError,
    InputError,
    OutputExistsError,
    SameFileError,
)
from flimage.image_group import BG_DATA, RAW
from flimage.opening import open_series
from flimage.recover import Recovery, recover
from flimage.source import SeriesSource

SHAPE = (24, 20)
FRAMES = 12


def frame(number: int) -> np.ndarray:
    """Pixels of a frame, which do not compress away."""
    return np.random.default_rng(number).poisson(100 + number, SHAPE).astype(np.float32)


def meta(number: int) -> dict[str, object]:
    return {"time": 0.5 * number, "pixel size": 1e-7, "identifier": f"cell {number}"}


def fill(series: FLSeries) -> None:
    for number in range(FRAMES):
        series.add_flimage(FLImage(frame(number), meta_data=meta(number)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good series."""
    path = tmp_path / "cells.h5"
    with FLSeries(h5file=path, h5mode="w", identifier="dish 1") as series:
        fill(series)
    return path


def attempt(path: Path, out: Path) -> Recovery | None:
    """Recover what can be; None where nothing can be, which is said in a sentence."""
    try:
        return recover(path, out, overwrite=True)
    except FlimageError as error:
        said = str(error)
    assert path.name in said
    return None


def check(recovery: Recovery, with_meta: bool = True) -> None:
    """Each frame that was written is the one that it is said to be, with all that was its own."""
    with FLSeries(h5file=recovery.path, h5mode="r") as series:
        assert len(series) == len(recovery.frames)
        for position, number in enumerate(recovery.frames):
            np.testing.assert_array_equal(series[position].raw_fl, frame(number))
            if with_meta and not recovery.notes:
                found = series[position].meta
                assert {key: found[key] for key in meta(number)} == meta(number)


def test_of_a_series_with_gaps_the_other_frames_are_written_and_the_gaps_named(
    path: Path, tmp_path: Path
) -> None:
    with h5py.File(path, "a") as file:
        for number in (0, 4, 5, 9):
            del file[f"fli_{number}"]
    with pytest.raises(DamagedSeriesError, match=r"cells\.h5.*fli_0.*flimage recover"):
        FLSeries(h5file=path, h5mode="r")
    before = path.read_bytes()
    recovery = recover(path, tmp_path / "whole.h5")
    check(recovery)
    assert recovery.frames == (1, 2, 3, 6, 7, 8, 10, 11)
    assert recovery.missing == (range(1), range(4, 6), range(9, 10))
    assert not recovery.complete
    assert recovery.sentence == "8 frames recovered; 4 are missing."
    assert recovery.details() == [
        "fli_0 is missing.",
        "fli_4 to fli_5 are missing.",
        "fli_9 is missing.",
    ]
    assert path.read_bytes() == before
    with FLSeries(h5file=recovery.path, h5mode="r") as series:
        assert series.identifier == "dish 1"
        text = facts_of.as_text(facts_of.of_series(series.h5))
    assert "cells.h5 (damaged series)" in text
    assert "fli_4 to fli_5 are missing." in text


def test_strays_are_named_and_left_out(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.create_group("notes")
        file["fli_007"] = file["fli_7"]
    with pytest.raises(DamagedSeriesError, match=r"'fli_007', 'notes'.*flimage recover"):
        FLSeries(h5file=path, h5mode="r")
    recovery = recover(path, tmp_path / "whole.h5")
    check(recovery)
    assert recovery.complete
    assert recovery.strays == ("fli_007", "notes")
    assert recovery.sentence == "12 frames recovered, no frame is missing."
    assert "'notes' is no frame and was left out." in recovery.details()


def test_frames_that_are_damaged_in_any_way_are_named(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "a") as file:
        dataset = file[f"fli_2/{RAW}"]
        mask, chunk = dataset.id.read_direct_chunk((0, 0))
        dataset.id.write_direct_chunk((0, 0), chunk[:-9] + b"damaged!!", mask)
        del file["fli_3/fluorescence"]
        del file[f"fli_5/{RAW}"]
        file[f"fli_5/{RAW}"] = np.zeros((3, 3), np.float32)
        del file["fli_6"]
        file["fli_6"] = h5py.ExternalLink("other.h5", "/fli_0")
        del file["fli_7"]
        file["fli_7"] = np.zeros(4)
    with FLSeries(h5file=tmp_path / "other.h5", h5mode="w") as other:
        fill(other)
    recovery = recover(path, tmp_path / "whole.h5")
    check(recovery)
    assert recovery.frames == (0, 1, 4, 8, 9, 10, 11)
    assert list(recovery.damaged) == [2, 3, 5, 6, 7]
    assert "(3, 3)" in recovery.damaged[5]
    assert "another file" in recovery.damaged[6]
    assert recovery.sentence == "7 frames recovered; 5 cannot be read."
    assert all(str(path) not in line for line in recovery.details())


def test_a_frame_whose_background_is_damaged_is_kept_and_named(path: Path, tmp_path: Path) -> None:
    with FLSeries(h5file=path, h5mode="a") as series:
        for number in range(4):
            series[number].set_bg_data(np.full(SHAPE, 5.0, np.float32))
    with h5py.File(path, "a") as file:
        dataset = file[f"fli_1/{BG_DATA}/data"]
        mask, chunk = dataset.id.read_direct_chunk((0, 0))
        dataset.id.write_direct_chunk((0, 0), chunk[:-9] + b"damaged!!", mask)
        del file[f"fli_2/{BG_DATA}/data"]
        file[f"fli_2/{BG_DATA}/data"] = np.zeros((2, 2), np.float32)
        file[f"fli_3/{BG_DATA}/fit"] = np.full(SHAPE, 2.0)
    recovery = recover(path, tmp_path / "whole.h5")
    check(recovery)
    assert not recovery.damaged
    assert not recovery.complete
    assert [note.split(",")[0] for note in recovery.notes] == [
        "The background of fli_1 cannot be read",
        "The background of fli_2 cannot be read",
    ]
    with FLSeries(h5file=recovery.path, h5mode="r") as series:
        backgrounds = [float(image.bg_fl.mean()) for image in series]
    assert backgrounds == [5.0, 0.0, 0.0, 7.0, *[0.0] * 8]


def test_a_background_that_frames_share_is_stored_once(path: Path, tmp_path: Path) -> None:
    with FLSeries(h5file=path, h5mode="a") as series:
        series[0].set_bg_data(np.full(SHAPE, 5.0, np.float32))
    with h5py.File(path, "a") as file:
        for number in range(1, FRAMES):
            file[f"fli_{number}/{BG_DATA}/data"] = file[f"fli_0/{BG_DATA}/data"]
        del file["fli_3"]
    recovery = recover(path, tmp_path / "whole.h5")
    assert not recovery.notes
    with h5py.File(recovery.path) as file:
        places = {h5py.h5o.get_info(file[f"fli_{i}/{BG_DATA}/data"].id).addr for i in range(11)}
    assert len(places) == 1


@pytest.mark.parametrize("group", [None, "day 1/flseries"])
def test_a_series_in_a_group_is_found_without_its_first_frame(
    group: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "nested.h5"
    with h5py.File(path, "w") as file:
        fill(FLSeries(h5file=file.create_group("day 1/flseries")))
        del file["day 1/flseries/fli_0"]
    with pytest.raises(DamagedSeriesError, match="missing: 'fli_0'"), open_series(path):
        pass
    assert recover(path, tmp_path / "whole.h5", group=group).frames == tuple(range(1, FRAMES))


def test_what_a_correction_has_written_stays_with_the_frames(path: Path, tmp_path: Path) -> None:
    corrected = tmp_path / "corrected.h5"
    with FLSeries(h5file=path, h5mode="r") as series:
        correct.run(SeriesSource(series), Recipe(border_px=2), corrected)
    with FLSeries(h5file=corrected, h5mode="r") as series:
        gain = provenance.read(series.h5).gain
        images = [image.raw_fl for image in series]
    with h5py.File(corrected, "a") as file:
        del file["fli_3"]
    recovery = recover(corrected, tmp_path / "whole.h5")
    with FLSeries(h5file=recovery.path, h5mode="r") as series:
        record = provenance.read(series.h5)
        assert record.source == "cells.h5"
        np.testing.assert_array_equal(record.gain, np.delete(gain, 3))
        np.testing.assert_array_equal(series[3].raw_fl, images[4])


def test_texts_of_a_series_that_are_no_texts_do_not_stop_the_frames(
    path: Path, tmp_path: Path
) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["bleach recipe"] = "a recipe of before"
        file.attrs["identifier"] = np.bytes_(b"dish \xff")
        file.attrs["bleach source"] = "cells\x1b[31m"
    data = path.read_bytes()
    assert data.count(b"a recipe of before") == 1
    path.write_bytes(data.replace(b"a recipe of before", b"a recipe \xe3f before"))
    recovery = recover(path, tmp_path / "whole.h5")
    check(recovery)
    with FLSeries(h5file=recovery.path, h5mode="r") as series:
        assert series.h5.attrs["bleach recipe"] == "a recipe \ufffdf before"


# --- files that were cut off ---------------------------------------------------------------------


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("part", [0.5, 0.9, 0.99])
def test_frames_of_a_file_that_was_cut_off_are_read_where_their_names_are_left(
    libver: str, part: float, tmp_path: Path
) -> None:
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w", libver=libver) as file:
        fill(FLSeries(h5file=file))
    data = path.read_bytes()
    assert stated_size(path) == len(data)
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(DamagedSeriesError, match=r"was cut off.*flimage recover"):
        FLSeries(h5file=path, h5mode="r")
    before = path.read_bytes()
    recovery = attempt(path, tmp_path / "whole.h5")
    if recovery is None:
        # The list of names stood in the part that is lost.
        assert part == 0.5 or libver == "latest"
    else:
        check(recovery)
        # The last bytes of a file may be empty.
        assert recovery.complete == (len(recovery.frames) == FRAMES)
        assert len(recovery.frames) >= (FRAMES - 2) * part - 3
    assert path.read_bytes() == before


def test_where_the_list_of_names_is_damaged_nobody_claims_to_know_all_frames(
    tmp_path: Path,
) -> None:
    path = tmp_path / "long.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images(np.stack([frame(n) for n in range(100)]), [{"time": 1.0}] * 100)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.96 * len(data))])
    recovery = recover(path, tmp_path / "whole.h5")
    assert not recovery.listed
    assert not recovery.complete
    assert 60 < len(recovery.frames) < 100
    assert "more may be lost" in recovery.sentence
    for position, number in enumerate(recovery.frames):
        with FLSeries(h5file=recovery.path, h5mode="r") as series:
            np.testing.assert_array_equal(series[position].raw_fl, frame(number))


def test_pixels_without_checksum_that_were_cut_off_do_not_come_back_as_zeros(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        for number in range(4):
            group = file.create_group(f"fli_{number}/fluorescence")
            group.create_dataset("raw", data=frame(number))
            group.create_group("bg_data")
        ends = [file[f"fli_{n}/{RAW}"].id.get_offset() + frame(n).nbytes for n in range(4)]
    data = path.read_bytes()
    path.write_bytes(data[: max(ends) - 8])
    recovery = attempt(path, tmp_path / "whole.h5")
    assert recovery is not None
    check(recovery)
    assert len(recovery.frames) < 4


def test_what_follows_the_end_of_a_file_that_was_cut_off_is_zero(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(1, 101)))
    with CutOffFile(path, 200) as file:
        assert file.seek(0, 2) == 200
        file.seek(95)
        buffer = bytearray(b"?" * 10)
        assert file.readinto(buffer) == 10
        assert bytes(buffer) == bytes([96, 97, 98, 99, 100, 0, 0, 0, 0, 0])
        assert file.tell() == 105


def test_every_frame_that_comes_out_of_damaged_bytes_is_right(path: Path, tmp_path: Path) -> None:
    good = path.read_bytes()
    rng = random.Random(8)
    outcomes = set()
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.choice((1, 4, 16))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        recovery = attempt(path, tmp_path / "whole.h5")
        if recovery is None:
            outcomes.add("refused")
        else:
            outcomes.add("complete" if recovery.complete else "in part")
            check(recovery, with_meta=False)
    assert "in part" in outcomes


# --- what is refused -----------------------------------------------------------------------------


def test_nothing_is_written_where_nothing_can_be_read(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "a") as file:
        for number in range(FRAMES):
            del file[f"fli_{number}/fluorescence"]
    with pytest.raises(DamagedSeriesError, match=r"cells\.h5: no frame can be read \(fli_0: "):
        recover(path, tmp_path / "whole.h5")
    with h5py.File(path, "w") as file:
        file.create_group("other")
    with pytest.raises(FileFormatError, match=r"cells\.h5: no frame of a series"):
        recover(path, tmp_path / "whole.h5")
    assert [each.name for each in tmp_path.iterdir()] == ["cells.h5"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with FLImage(frame(0), h5file=tmp_path / "image.h5", h5mode="w"):
        pass
    with pytest.raises(InputError, match=r"image\.h5 holds a single image"):
        recover(tmp_path / "image.h5", tmp_path / "out.h5")
    (tmp_path / "stack.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"stack\.tif is no series file"):
        recover(tmp_path / "stack.tif", tmp_path / "out.h5")
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    with pytest.raises(FileFormatError, match=r"text\.h5 is not an HDF5 file"):
        recover(tmp_path / "text.h5", tmp_path / "out.h5")


def test_the_damaged_file_and_others_are_not_replaced(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SameFileError):
        recover(path, path, overwrite=True)
    (tmp_path / "there.h5").write_bytes(b"there")
    with pytest.raises(OutputExistsError):
        recover(path, tmp_path / "there.h5")
    assert (tmp_path / "there.h5").read_bytes() == b"there"


def test_recovering_can_be_cancelled_and_leaves_nothing(path: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int, stage: str) -> None:
        if done == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        recover(path, tmp_path / "whole.h5", progress=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["cells.h5"]


def test_what_is_kept_of_very_many_losses_fits_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        fill(FLSeries(h5file=file))
        for number in range(100, 1000, 2):
            file.create_group(f"fli_{number}")
        file.create_group(f"fli_{10**30}")
    recovery = recover(path, tmp_path / "whole.h5")
    assert recovery.frames == tuple(range(FRAMES))
    assert len(recovery.damaged) == 451
    with h5py.File(recovery.path) as file:
        notes = json.loads(file.attrs["conversion"])["notes"]
    assert len(notes) == 41
    assert notes[-1].startswith("And 8")


# --- the command ---------------------------------------------------------------------------------


def test_the_command_says_what_was_lost_and_ends_with_a_code_for_it(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    out = tmp_path / "whole.h5"
    assert main(["recover", str(path), str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "12 frames recovered, no frame is missing.",
        f"Written: {out}",
    ]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    with h5py.File(path, "a") as file:
        del file["fli_3"]
        file.create_group("red\x1b[31m")
    assert main(["recover", str(path), str(out)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["recover", str(path), str(out), "--overwrite"]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "11 frames recovered; 1 is missing.",
        "fli_3 is missing.",
        r"'red\x1b[31m' is no frame and was left out.",
        f"Written: {out}",
    ]
    assert main(["info", str(path)]) == 1
    assert "flimage recover" in capsys.readouterr().err
