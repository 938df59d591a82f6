"""The least that shows a recording: a PyQt5 window that reads with h5py and paints a QImage.

It reads, converts and paints in one thread, keeps nothing, and can do nothing else. Run by
:mod:`benchmarks.window` in a process of its own.
"""

import sys
import time

import h5py
import numpy as np
from PyQt5.QtCore import QTimer
from PyQt5.QtGui import QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import QApplication, QWidget
from window_probe import Beat, Probe, browsed, peak_memory, report


class BareWindow(QWidget):
    """Shows one frame."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.resize(1280, 820)
        self.file = h5py.File(path, "r")
        self.probe = Probe(self)
        self.first = 0.0
        self.task = ""
        self.begin = lambda: None
        self.low = self.high = 0.0
        self.go(0)

    def count(self) -> int:
        """Return the number of frames."""
        return len(self.file)

    def go(self, index: int) -> None:
        """Read and show a frame."""
        image = self.file[f"fli_{index}/fluorescence/raw"][()]
        if self.high <= self.low:
            self.low, self.high = float(image.min()), float(image.max())
        gray = np.clip((image - self.low) * (255 / (self.high - self.low)), 0, 255)
        self.gray = gray.astype(np.uint8)
        height, width = self.gray.shape
        self.image = QImage(self.gray.data, width, height, width, QImage.Format_Grayscale8)
        self.index = index
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the frame as large as it fits."""
        side = min(self.width(), self.height())
        painter = QPainter(self)
        painter.drawImage(self.rect().adjusted(0, 0, side - self.width(), 0), self.image)
        painter.end()
        if not self.first:
            self.first = time.time()
            QTimer.singleShot(0 if self.task == "first" else 300, self.begin)
        self.probe.on_painted(self.index)


def main() -> None:
    """Do what the first argument says with the recording that the second one names."""
    task, path = sys.argv[1:3]
    app = QApplication(sys.argv)
    window = BareWindow(path)
    probe = window.probe
    rng = np.random.default_rng(1)

    def finish(**results: object) -> None:
        report(first=window.first, peak=peak_memory(), **results)
        app.quit()

    def begin() -> None:
        last = window.count() - 1
        if task == "first":
            finish()
        elif task == "step":
            frames = rng.permutation(np.arange(1, last + 1))[:200].tolist()
            probe.visit(frames, 10, lambda took: finish(jumps=took))
        elif task == "swing":
            probe.swing(list(range(4)), 4.0, lambda counted: finish(**counted))
        elif task == "browse":
            probe.visit(browsed(window.count()), 10, lambda took: finish(steps=took))
        elif task == "scrub":
            beat = Beat()
            beat.start()
            probe.scrub(60, 6.0, lambda painted: finish(painted=painted, **beat.stop()))
        else:
            raise SystemExit(f"There is no task {task}.")

    window.task, window.begin = task, begin
    window.show()
    app.exec()


if __name__ == "__main__":
    main()
