"""The version of flimage; nothing else in the project states it."""

__version__ = "1.0.0"
