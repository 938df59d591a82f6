"""Measurements of speed, side by side with the published flimage."""
