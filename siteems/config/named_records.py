"""Records that a site file may refer to by name, as in `carbon = "china-2022"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siteems.config.validation_error import choices
from siteems.errors import SiteFileError


@dataclass(frozen=True)
class NamedRecords:
    """The records of one kind, and the key of the site file that may name one of them."""

    key: str
    kind: str
    """The kind in an error message, such as "emission factor"."""
    names: Callable[[], Iterable[str]]
    """Names of the records that come with siteems."""
    find: Callable[[str, Path], Any | None]
    """The record for a name in a site file of the given folder; None if there is none."""
    also_allowed: str = ""
    """What may be written instead of such a name, for the error message."""

    def resolve(self, data: dict[str, Any], site_file: Path) -> dict[str, Any]:
        """The content of a site file, with the record in place of its name.

        Content without a name at this key is returned unchanged. Raises `SiteFileError` for an
        unknown name.
        """
        name = data.get(self.key)
        if not isinstance(name, str):
            return data
        record = self.find(name, site_file.parent)
        if record is None:
            allowed = choices(name, self.names()) + self.also_allowed
            raise SiteFileError(
                f'{site_file}: {self.key} = "{name}": no such {self.kind}; {allowed}'
            )
        return data | {self.key: record}
