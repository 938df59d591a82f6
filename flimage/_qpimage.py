"""The one place that imports qpimage: what flimage derives from it."""

from __future__ import annotations

import warnings

from .errors import FlimageError

with warnings.catch_warnings():
    # qpimage's optional back ends announce on import that they are absent; that is of no
    # concern to somebody who looks at fluorescence images.
    warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")
    import qpimage
    import qpimage.bg_estimate
    import qpimage.image_data
    import qpimage.meta

__all__ = ["MetaDataMissingError", "qpimage"]


class MetaDataMissingError(
    qpimage.meta.MetaDataMissingError,  # type: ignore[misc]  # qpimage carries no types
    FlimageError,
    KeyError,
):
    """A metadata key is valid, but the image has no value for it.

    It is qpimage's exception of the same name (which is no ``Exception``, only a
    ``BaseException``) and a ``KeyError``, so that both ways to catch it work.
    """

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""
