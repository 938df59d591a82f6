from __future__ import annotations

import numpy as np
import pytest
from qpimage.meta import MetaDataMissingError as QPMetaDataMissingError

from flimage.errors import InputError, MetaDataMissingError
from flimage.meta import META_KEYS_FL, FLMetaDict, check_meta, read_meta


def test_keys_contain_the_eight_of_the_documentation():
    documented = {
        "pixel size",
        "time",
        "flimage version",
        "identifier",
        "qpimage version",
        "sim center",
        "sim model",
        "sim radius",
    }
    assert documented < set(META_KEYS_FL)


def test_keys_of_phase_imaging_are_refused():
    for key in ("wavelength", "medium index", "sim index"):
        with pytest.raises(KeyError, match=key):
            FLMetaDict({key: 1})


def test_a_missing_value_is_both_exceptions_that_clients_catch():
    for kind in (KeyError, QPMetaDataMissingError, MetaDataMissingError):
        with pytest.raises(kind, match="'time'"):
            FLMetaDict()["time"]


def test_an_unknown_key_is_a_key_error_that_lists_the_known_ones():
    with pytest.raises(KeyError, match="pixel size"):
        FLMetaDict()["colour"]


def test_a_copy_is_independent_and_works_like_a_dictionary():
    meta = FLMetaDict({"time": 1.0})
    copied = meta.copy()
    copied["time"] = 2.0
    assert meta["time"] == 1.0
    assert dict(copied) == {"time": 2.0}
    assert meta.get("focus") is None
    assert "focus" not in meta


@pytest.mark.parametrize("value", [None, {}, set()])
def test_values_that_cannot_be_stored_are_refused(value):
    with pytest.raises(InputError, match="'time'"):
        check_meta({"time": value})


def test_attributes_that_are_not_known_are_passed_over_on_reading():
    meta = read_meta([("time", np.float64(2)), ("colour", "red"), ("identifier", b"\xc3\xa4")])
    assert dict(meta) == {"time": 2.0, "identifier": "ä"}
