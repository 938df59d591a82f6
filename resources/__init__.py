"""Icons, style and the example recording; installed as ``flimage_gui.resources``."""
