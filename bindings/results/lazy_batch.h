// LazyBatchRecords: the result of batch_read. Keeps the bytes that arrived and decodes them when asked.
//
// Threads: one object may be used from several threads; the dict it caches is filled under a critical section.
#pragma once

#include "aero/request.h"
#include "convert/key.h"
#include "state.h"

namespace aero::py {

// A new LazyBatchRecords. `timings` is the dict of a profiled call (shared with it: conversions add their stage) or null.
// REQUIRES: reply.rows.size() == keys.size()
PyObject* make_lazy_batch(module_state& in, batch_reply&& reply, batch_keys&& keys, PyObject* timings);

// batch_read_many: one dict per group of keys out of one wire batch. `sizes` are the numbers of keys of the groups.
PyObject* new_dicts(const batch_reply& reply, const batch_keys& keys, std::span<const size_t> sizes);
// batch_read_ordered: one dict or None per key.
PyObject* new_dict_list(const batch_reply& reply, const batch_keys& keys);

bool init_lazy_batch(PyObject* module);  // part of init_conversions

}  // namespace aero::py
