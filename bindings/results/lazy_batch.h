// LazyBatchRecords: the result of batch_read. Keeps the bytes that arrived and decodes them when asked.
//
// Threads: one object may be used from several threads; the dict it caches is filled under a critical section.
#pragma once

#include "aero/request.h"
#include "convert/key.h"
#include "results/batch_dicts.h"
#include "state.h"

namespace aero::py {

// A new LazyBatchRecords. `timings` is that of a profiled call (shared with it: conversions add their stage) or
// null. REQUIRES: reply.rows.size() == keys.size()
PyObject* make_lazy_batch(module_state& in, batch_reply&& reply, batch_keys&& keys, PyObject* timings);

bool init_lazy_batch(PyObject* module);  // part of init_conversions

}  // namespace aero::py
