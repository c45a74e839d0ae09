"""Batch results as NumPy arrays.

`LazyBatchRecords.to_numpy(dtype)` fills the arrays natively and returns a `NumpyBatchRecords`. NumPy is imported only
when arrays are made, so the package works without it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from .types import UserKey

# A plain number, a text or blob of fixed width, or raw bytes: what a bin can be copied into.
_KINDS = "iufSV"


class NumpyBatchRecords:
    """One row per requested key, in the order of the request.

    Attributes:
        batch_records: structured array of the caller's dtype; the row of a record that was not found is all zero.
        meta: structured array with the fields `gen` and `ttl` (both u4).
        result_codes: int32 array; 0 = found.

    Iteration and `len` go over rows, `in` and `get` take user keys.
    """

    __slots__ = ("_map", "batch_records", "meta", "result_codes")

    batch_records: npt.NDArray[Any]
    meta: npt.NDArray[Any]
    result_codes: npt.NDArray[np.int32]
    _map: dict[UserKey | bytes, int]

    def __init__(
        self,
        batch_records: npt.NDArray[Any],
        meta: npt.NDArray[Any],
        result_codes: npt.NDArray[np.int32],
        _map: dict[UserKey | bytes, int],
    ) -> None:
        self.batch_records = batch_records
        self.meta = meta
        self.result_codes = result_codes
        self._map = _map

    def get(self, key: UserKey | bytes) -> np.void:
        """Return the row of a user key; `KeyError` when the key was not requested."""
        row = self._map.get(key)
        if row is None:
            raise KeyError(f"key {key!r} not found in NumpyBatchRecords ({len(self._map)} known keys)")
        found: np.void = self.batch_records[row]
        return found

    def __len__(self) -> int:
        return len(self.batch_records)

    def __iter__(self) -> Iterator[np.void]:
        return iter(self.batch_records)

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __repr__(self) -> str:
        found = int((self.result_codes == 0).sum())
        fields = list(self.batch_records.dtype.names or ())
        return f"NumpyBatchRecords(count={len(self)}, ok={found}, fields={fields})"


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Reject a dtype that bins cannot be copied into.

    Raises:
        TypeError: not a structured `np.dtype`, or a field of another kind than int, float, `S` or `V`.
    """
    import numpy as np

    if not isinstance(dtype, np.dtype):
        raise TypeError(f"dtype must be a numpy.dtype, got {type(dtype).__name__}")
    if dtype.names is None:
        raise TypeError(f"dtype must have named fields, one per bin, got {dtype}")
    for name in dtype.names:
        field = dtype[name]
        base = field.base
        if base.kind not in _KINDS or base.names is not None:
            described = f"{base.str} (kind={base.kind!r})" if base.names is None else f"{base} (a nested record)"
            raise TypeError(f"dtype field {name!r} must be numeric (int/float) or fixed-length bytes, got {described}")


def _batch_records_to_numpy(
    batch_records_obj: Any, dtype: np.dtype[Any], keys: Sequence[Any], *, strict: bool = False
) -> NumpyBatchRecords:
    """Copy a batch result, bin by bin, into arrays: the slow and plain counterpart of `to_numpy`.

    Args:
        batch_records_obj: anything with `.batch_records`, a list of batch records.
        dtype: the fields to copy; each is named after a bin.
        keys: the requested keys, for the map from user key to row.
        strict: warn also of fields that no record has, and of bins that the dtype lacks.
    """
    import numpy as np

    check_dtype(dtype)
    records = batch_records_obj.batch_records
    rows = np.zeros(len(records), dtype=dtype)
    meta = np.zeros(len(records), dtype=[("gen", "u4"), ("ttl", "u4")])
    codes = np.zeros(len(records), dtype=np.int32)
    mapping: dict[UserKey | bytes, int] = {}
    missing_fields: set[str] = set(dtype.names or ())
    extra_bins: set[str] = set()

    for row, batch_record in enumerate(records):
        user_key = _user_key(keys, row)
        if user_key in mapping:
            warnings.warn(f"key {user_key!r} occurs more than once; the later row wins", UserWarning, stacklevel=2)
        mapping[user_key] = row
        codes[row] = batch_record.result
        if batch_record.result != 0 or batch_record.record is None:
            continue
        _, record_meta, bins = batch_record.record
        if record_meta is not None:
            meta[row] = _gen_and_ttl(record_meta)
        missing_fields.difference_update(bins)
        extra_bins.update(name for name in bins if name not in rows.dtype.fields)
        _fill_row(rows, row, bins, user_key)

    if strict and missing_fields:
        warnings.warn(f"no record has the bins {sorted(missing_fields)} of the dtype", UserWarning, stacklevel=2)
    if strict and extra_bins:
        warnings.warn(f"the dtype lacks the bins {sorted(extra_bins)}", UserWarning, stacklevel=2)
    return NumpyBatchRecords(rows, meta, codes, mapping)


def _user_key(keys: Sequence[Any], row: int) -> Any:
    key = keys[row] if row < len(keys) else None
    if key is None or len(key) < 3 or key[2] is None:
        warnings.warn(f"row {row} has no user key; the row number stands in for it", UserWarning, stacklevel=3)
        return row
    return key[2]


def _gen_and_ttl(meta: Any) -> tuple[int, int]:
    return (meta["gen"], meta["ttl"]) if isinstance(meta, dict) else (meta.gen, meta.ttl)


def _fill_row(rows: npt.NDArray[Any], row: int, bins: dict[str, Any], user_key: object) -> None:
    import numpy as np

    for name in rows.dtype.names or ():
        value = bins.get(name)
        if value is None:
            continue
        field = rows.dtype[name]
        try:
            if isinstance(value, (bytes, bytearray)) and (field.subdtype is not None or field.kind == "V"):
                raw = bytes(value[: field.itemsize]).ljust(field.itemsize, b"\0")
                rows[name][row] = np.frombuffer(raw, dtype=field.base).reshape(field.shape) if field.subdtype else raw
            elif isinstance(value, str) and field.kind == "S":
                rows[name][row] = value.encode()
            else:
                rows[name][row] = value
        except (TypeError, ValueError, OverflowError) as error:
            kind = next(base for base in (TypeError, OverflowError, ValueError) if isinstance(error, base))
            raise kind(f"field {name!r} of row {row} (key {user_key!r}): {error}") from error


__all__ = ["NumpyBatchRecords"]
