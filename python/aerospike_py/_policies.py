"""What the native module asks about policies: the warning for a key nobody knows.

The native parser knows the keys it understands; a key it does not know lands here, once per name, on a path that is
taken only for mistakes. The known names are those of the TypedDicts in `types`.
"""

from __future__ import annotations

import warnings

from . import types as _types
from .exception import InvalidArgError

_KINDS: dict[str, type] = {
    "config": _types.ClientConfig,
    "tls": _types.TlsConfig,
    "read": _types.ReadPolicy,
    "write": _types.WritePolicy,
    "batch": _types.BatchPolicy,
    "admin": _types.AdminPolicy,
    "meta": _types.WriteMeta,
    "write_meta": _types.WriteMeta,
    "delete_meta": _types.BatchDeleteMeta,
}
_NAMES = {
    "config": "client config",
    "tls": "tls config",
    "meta": "meta",
    "write_meta": "meta",
    "delete_meta": "meta of batch_remove",
}

_warned: set[tuple[str, str]] = set()


def known_keys(kind: str) -> frozenset[str]:
    """Return the keys that a policy dict of this kind may hold."""
    policy = _KINDS.get(kind)
    if policy is None:
        return frozenset().union(*(known_keys(each) for each in _KINDS))
    keys: frozenset[str] = policy.__required_keys__ | policy.__optional_keys__  # type: ignore[attr-defined]
    return keys


def unknown_key(kind: str, key: str, strict: bool) -> None:
    """Say that a policy holds a key nobody knows: an `InvalidArgError` when strict, one `UserWarning` otherwise."""
    known = known_keys(kind)
    if key in known:
        return
    where = _NAMES.get(kind, f"{kind} policy")
    text = f"unknown key {key!r} in the {where}{_hint(key, known)}"
    if strict:
        raise InvalidArgError(f"AEROSPIKE_ERR (-1): {text}")
    if (kind, key) in _warned:
        return
    _warned.add((kind, key))
    warnings.warn(f"{text}; it is ignored", UserWarning, stacklevel=2)


def _hint(key: str, known: frozenset[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)
    return f"; did you mean {near[0]!r}?" if near else ""
