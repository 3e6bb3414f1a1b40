"""What goes wrong with a grid operator's server."""

from __future__ import annotations


class VtnError(Exception):
    """The VTN cannot be reached, or does not answer as the standard says. The text says why."""

    def __init__(
        self, text: str, retry_after_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        """How long the server asks to wait."""
        self.status = status
        """Of the answer, where there was one."""

    @property
    def is_refusal(self) -> bool:
        """Whether the same request will fail again."""
        return self.status is not None and 400 <= self.status < 500 and self.status != 429
