"""Records that a site file may name instead of spelling them out, as in `carbon = "china-2022"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteems.config.validation_error import choices
from siteems.errors import SiteFileError


@dataclass(frozen=True)
class NamedRecords:
    """One kind of record, and the key of the site file that may name one."""

    key: str
    kind: str
    """In words, for the message."""
    names: Callable[[], Iterable[str]]
    """Those that come with siteems."""
    find: Callable[[str, Path], Any | None]
    """What a name stands for in a site file of that folder; none = nothing."""
    or_else: str = ""
    """What is allowed beside the names."""

    def in_place(self, data: dict[str, Any], site_file: Path) -> dict[str, Any]:
        """A site file's content, the record that it names put where the name stood. Raises
        `SiteFileError`.
        """
        name = data.get(self.key)
        if not isinstance(name, str):
            return data
        found = self.find(name, site_file.parent)
        if found is None:
            allowed = choices(name, self.names()) + self.or_else
            raise SiteFileError(
                f'{site_file}: {self.key} = "{name}": no such {self.kind}; {allowed}'
            )
        return data | {self.key: found}
