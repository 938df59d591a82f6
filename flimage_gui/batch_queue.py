"""The recordings of a batch as a table: what becomes of each, and how far it is."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from flimage.batch import Outcome
from flimage.quantities import format_number, format_percent

from .labels import SIGNS
from .plain_words import without_options

__all__ = ["BatchQueue", "Column", "Recording", "State", "rows_of"]


class State(enum.Enum):
    """What becomes of a recording; what is finished has the name of its outcome's status."""

    WAITING = "waiting"
    RUNNING = "running"
    CORRECTED = "corrected"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def is_done(self) -> bool:
        """Whether nothing more happens to the recording."""
        return self not in (State.WAITING, State.RUNNING)


class Column(enum.IntEnum):
    """Columns of the table."""

    RECORDING = 0
    STATE = 1
    GAIN = 2
    VERDICT = 3


_TITLES = {
    Column.RECORDING: "Recording",
    Column.STATE: "State",
    Column.GAIN: "Largest gain",
    Column.VERDICT: "Verdict",
}


@dataclass
class Recording:
    """One row.

    Parameters
    ----------
    path
        The series file.
    state
        What becomes of it.
    share
        Part of it that is done, from 0 to 1.
    outcome
        What came of it; None before.
    """

    path: Path
    state: State = State.WAITING
    share: float = 0.0
    outcome: Outcome | None = None

    @property
    def result(self) -> Path | None:
        """The corrected file, where there is one."""
        if self.outcome is None or self.outcome.status == "failed":
            return None
        return self.outcome.job.out


class BatchQueue(QAbstractTableModel):
    """Recordings in the order in which they are corrected."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.recordings: list[Recording] = []

    # ------------------------------------------------------------------ changes

    def add(self, paths: Iterable[Path]) -> int:
        """Add recordings that are not in the list yet; return how many were added."""
        known = {recording.path for recording in self.recordings}
        new = [path for path in dict.fromkeys(p.absolute() for p in paths) if path not in known]
        if new:
            first = len(self.recordings)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.recordings += [Recording(path) for path in new]
            self.endInsertRows()
        return len(new)

    def remove(self, rows: Iterable[int]) -> None:
        """Take recordings out of the list; their files stay."""
        for row in sorted(set(rows), reverse=True):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self.recordings[row]
            self.endRemoveRows()

    def begin(self) -> None:
        """Let all recordings wait."""
        for recording in self.recordings:
            recording.state, recording.share, recording.outcome = State.WAITING, 0.0, None
        self._tell(0, len(self.recordings) - 1)

    def advance(self, row: int, share: float) -> None:
        """Show how far a recording is."""
        recording = self.recordings[row]
        if not recording.state.is_done:
            recording.state, recording.share = State.RUNNING, share
            self._tell(row, row)

    def finish(self, outcome: Outcome) -> None:
        """Show what came of a recording."""
        for row, recording in enumerate(self.recordings):
            if recording.path == outcome.job.source:
                recording.state, recording.share = State(outcome.status), 1.0
                recording.outcome = outcome
                self._tell(row, row)

    def stop(self) -> None:
        """Let what was not finished wait again."""
        for row, recording in enumerate(self.recordings):
            if recording.state is State.RUNNING:
                recording.state, recording.share = State.WAITING, 0.0
                self._tell(row, row)

    def _tell(self, first: int, last: int) -> None:
        if last >= first:
            end = len(Column) - 1
            self.dataChanged.emit(self.index(first, 0), self.index(last, end))

    # ------------------------------------------------------------------ what Qt asks

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's name
        """Return the number of recordings."""
        return 0 if parent.isValid() else len(self.recordings)

    def columnCount(  # noqa: N802 - Qt's name
        self,
        parent: QModelIndex = QModelIndex(),  # noqa: B008 - never changed
    ) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the titles of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _TITLES[Column(section)]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        recording = self.recordings[index.row()]
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(recording, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            text = str(recording.path) if column is Column.RECORDING else _text(recording, column)
            return f"<p>{_escaped(text)}</p>" if text else None
        if role == Qt.ItemDataRole.UserRole and column is Column.STATE:
            return recording.share if recording.state is State.RUNNING else None
        if role == Qt.ItemDataRole.TextAlignmentRole and column is Column.GAIN:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def _text(recording: Recording, column: Column) -> str:
    outcome = recording.outcome
    if column is Column.RECORDING:
        return recording.path.name
    if column is Column.STATE:
        if outcome is not None:
            return f"{SIGNS[outcome.grade]} {outcome.words.capitalize()}"
        running = recording.state is State.RUNNING
        return format_percent(recording.share, 0) if running else recording.state.value.capitalize()
    if outcome is None:
        return ""
    if column is Column.VERDICT:
        return _reason(recording, outcome.sentence)
    return format_number(outcome.facts["gain"], 3) if outcome.facts else ""


def _reason(recording: Recording, sentence: str) -> str:
    """Tell what became of a recording without its name, which the first column has."""
    text = without_options(sentence)
    for name in (str(recording.path), recording.path.name):
        if text.startswith(f"{name}: "):
            rest = text[len(name) + 2 :]
            return rest[:1].upper() + rest[1:]
        if text.startswith(f"{name} "):
            return f"It{text[len(name) :]}"
    return text.replace(str(recording.path), recording.path.name)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def rows_of(indexes: Sequence[QModelIndex]) -> list[int]:
    """Return the rows of some cells, each once and in order."""
    return sorted({index.row() for index in indexes})
