"""Secrets: which parameters are secret, and how they are kept out of every file of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_WORDS = frozenset({"token", "password", "passwd", "secret", "key", "apikey"})


def is_secret(name: str) -> bool:
    """Whether a string parameter of this name is a secret: its last word, split at `_`, says so.

    is_secret("api_key")   # True
    is_secret("hf_token")  # True
    is_secret("n_tokens")  # False: the last word is "tokens"
    is_secret("key_dim")   # False: the last word is "dim"
    """
    return name.rsplit("_", 1)[-1].lower() in _SECRET_WORDS


def redact_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with the string values of secret names replaced; an empty string hides nothing."""
    return {
        name: REDACTED if isinstance(value, str) and value and is_secret(name) else value
        for name, value in params.items()
    }


class Secrets:
    """The secret values of one run, for scrubbing text in which they may turn up.

    Values are also found as they are written inside Python and JSON strings. Values shorter than
    four characters are found only where their own parameter is assigned (the injected cell);
    elsewhere they would match by accident.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        spellings: set[str] = set()
        self._assignments: list[re.Pattern[str]] = []
        for name, value in values.items():
            if len(value) >= 4 and value != REDACTED:
                spellings |= {value, repr(value)[1:-1], json.dumps(value)[1:-1]}
            elif value and value != REDACTED:
                before = rf"^(\s*{re.escape(name)}\b[^=\n]*=\s*[\"'])"
                assigned = rf"{before}{re.escape(value)}(?=[\"'])"
                self._assignments.append(re.compile(assigned, re.MULTILINE))
        # Longest first, so that a secret that contains another is replaced whole.
        self._spellings = sorted(spellings, key=len, reverse=True)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Secrets:
        return cls({k: v for k, v in params.items() if isinstance(v, str) and is_secret(k)})

    def __or__(self, other: Secrets) -> Secrets:
        """The secrets of both."""
        both = Secrets({})
        spellings = {*self._spellings, *other._spellings}
        both._spellings = sorted(spellings, key=len, reverse=True)
        both._assignments = [*self._assignments, *other._assignments]
        return both

    def __bool__(self) -> bool:
        return bool(self._spellings or self._assignments)

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        for spelling in self._spellings:
            text = text.replace(spelling, REDACTED)
        for assignment in self._assignments:
            text = assignment.sub(rf"\g<1>{REDACTED}", text)
        return text

    def bytes(self, content: bytes) -> bytes:
        """`content`, text in whatever encoding, without the secrets."""
        text = content.decode(errors="surrogateescape")
        return self.text(text).encode(errors="surrogateescape")

    def value(self, value: Any) -> Any:
        """A JSON-like `value` (a notebook, an error) with every string in it scrubbed."""
        if not self:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value
