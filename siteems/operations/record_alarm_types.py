"""The alarms of the record."""

from __future__ import annotations

from typing import Final

from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType

RECORD_NOT_WRITTEN: Final = AlarmType(
    "record-not-written",
    "the record cannot be written, entries wait in memory: {detail}",
    "alarm",
    "For a minute nothing could be written to the record: the disk is full, read-only, too slow "
    "or broken, or another program locks the file. Control goes on. Samples and plans of two days "
    "wait in memory, commands, alarms and DR events of weeks; a stop of the daemon loses them.",
    "Read the detail. Make room, mount the disk writable, or end the program that locks the file.",
)
RECORD_WRITTEN: Final = AlarmType(
    "record-written",
    "the record is written again, with all that waited in memory",
    "info",
    "The record can be written again. Where something is missing, a `record-gap` says what.",
    NOTHING_TO_DO,
    clears=(RECORD_NOT_WRITTEN.code,),
)
RECORD_GAP: Final = AlarmType(
    "record-gap",
    "not recorded from {start} to {end}: {lost}",
    "warning",
    "More waited to be written than memory holds, or an entry broke the rules of the record, so "
    "entries of this span are missing.",
    "Look for a `record-not-written` before it, which says why.",
)
RECORD_REPLACED: Final = AlarmType(
    "record-replaced",
    "{detail}; the record goes on in a new file, what was there is kept as {kept}",
    "alarm",
    "The file of the record was damaged, not a record, of a newer version, or it was deleted or "
    "replaced while it was in use. What was there is renamed, never deleted; open DR events are "
    "carried over. A file that was deleted while it was in use is written again as it was.",
    "Check the disk or memory card. Copy the file that was kept, if its history is needed.",
)
RECORD_INVALID: Final = AlarmType(
    "record-invalid",
    "rows of the record are not valid and are skipped: {rows}",
    "warning",
    "The record holds rows of the last two weeks, or DR events, that siteems did not write so: "
    "another program, an earlier version or a damaged disk did. Such a DR event is not followed.",
    "Find out what else writes to the file. Place a DR event that is missing again.",
)
RECORD_VALID: Final = AlarmType(
    "record-valid",
    "the record holds no more rows that are not valid",
    "info",
    "Rows that were skipped were corrected or deleted, or are older than two weeks.",
    NOTHING_TO_DO,
    clears=(RECORD_INVALID.code,),
)

RECORD_ALARMS: Final = tuple(each for each in globals().values() if isinstance(each, AlarmType))
"""All of the above."""
