// Records of a batch, one by one: the native record of batch_read, and the NamedTuples of the writing calls.
//
// New references, or null with an exception.
#pragma once

#include "aero/request.h"
#include "convert/key.h"
#include "state.h"

namespace aero::py {

// .key (namespace, set, user key, digest), .result, .record (key, {'gen','ttl'}, bins) or None, .in_doubt. Pickles.
// Decodes when it is asked; keeps `batch`, a LazyBatchRecords, until then.
PyObject* new_native_record(PyObject* batch, uint32_t row);

// How the retries of a batch write went; the default is a call without them.
struct retry_report {
    int attempts = 1;
    int attempts_max = 1;
    bool truncated_by_timeout = false;
    int unresolved = 0;
};
// BatchWriteResult with one BatchRecord per row, in order.
PyObject* new_batch_write_result(const batch_reply& reply, const batch_keys& keys, const retry_report& retry = {});

bool init_batch_record(PyObject* module);  // part of init_conversions

}  // namespace aero::py
