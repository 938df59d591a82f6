"""Desktop viewer and editor for fluorescence recordings, on top of :mod:`flimage`."""
