"""Who opened which MCP session: an application that does not compare principals would let another user's token into a
session whose id leaked.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable

from scopegate._scopegate import AccessToken

MAX_SESSIONS = 65_536
"""The sessions that one middleware remembers. The one that its owner left alone for longest is forgotten first, and
then belongs to whoever uses it.
"""


def owner_of(token: AccessToken, authorization: bytes) -> str:
    """The owner of what a request with this token opens: its principal and client. A token that names neither is an
    owner of its own.
    """
    if token.principal is not None:
        return f"{token.client_id or ''}\0{token.principal}"  # no claim that is read holds U+0000
    return hashlib.sha256(authorization).hexdigest()


class Sessions:
    """The owners of sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def are_foreign(self, ids: Iterable[str], owner: str) -> bool:
        """Whether one of these is known to be another's; if none is, they count as used."""
        with self._lock:
            known = [name for name in ids if name in self._owners]
            if any(self._owners[name] != owner for name in known):
                return True
            for name in known:
                self._owners.move_to_end(name)
            return False

    def opened(self, name: str, owner: str) -> None:
        """Notes the session that the application opened for this owner."""
        with self._lock:
            self._owners.setdefault(name, owner)
            if len(self._owners) > MAX_SESSIONS:
                self._owners.popitem(last=False)
