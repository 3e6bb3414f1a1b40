"""The text of a CSV file: its encoding, its separator, and the lines that hold something."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from siteems.errors import UserError

SEPARATORS = (";", "\t", "|", ",")
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LATIN = re.compile(rb"\xb0(?=[CFK])|[\xb2\xb3\xb5]")
"""Degrees, squares, cubes and micro in the western encoding; all else there would be Chinese."""


@dataclass(frozen=True)
class FileText:
    """Lines of a CSV file without comments and empty ones; the first has the names of columns."""

    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    """Of each line in the file, from 1 on."""
    separator: str


def read_text(path: Path) -> FileText:
    """The text of a file, gzipped or not. Raises `UserError` for a file without a line.

    UTF-8, UTF-16 and the Chinese encodings (GBK, GB 18030) are told apart by the bytes.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read as CSV or Parquet ({error})") from error
    text = _decoded(data, path)
    kept: list[str] = []
    numbers: list[int] = []
    separator: str | None = None
    for number, whole in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = _without_comment(whole) if "#" in whole else whole
        if not line.strip():
            continue
        if separator is None and not kept and re.fullmatch(r"sep=.", line.strip("\n")):
            separator = line[-1]
            continue
        kept.append(line)
        numbers.append(number)
    if not kept:
        raise UserError(f"{path}: is empty")
    return FileText(tuple(kept), tuple(numbers), separator or _separator(kept[0]))


def _without_comment(line: str) -> str:
    """The line up to a # that is not within quotes."""
    quoted = False
    for position, sign in enumerate(line):
        if sign == '"':
            quoted = not quoted
        elif sign == "#" and not quoted:
            return line[:position]
    return line


def _decoded(data: bytes, path: Path) -> str:
    encodings = [name for bom, name in BOMS if data.startswith(bom)]
    if not encodings and b"\x00" in data[:400]:
        little = data[1:400:2].count(0) > data[0:400:2].count(0)  # the high byte comes second
        encodings = ["utf-16-le" if little else "utf-16-be"]
    if not encodings:
        encodings = ["utf-8", "cp1252" if LATIN.sub(b"", data).isascii() else "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UserError(f"{path}: is neither UTF-8 nor UTF-16 nor GBK text")


def _separator(header: str) -> str:
    """The most frequent separator in the line of names, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=lambda mark: (bare.count(mark), -SEPARATORS.index(mark)))
