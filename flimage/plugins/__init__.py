"""What other programs load: the engine for xarray, and reader and writer for napari."""
