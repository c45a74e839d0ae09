// Replies about one record to the NamedTuples of the package.
//
// New references, or null with an exception. A reply whose code is not ok is raised by `check_reply` before.
#pragma once

#include "aero/request.h"
#include "convert/key.h"

namespace aero::py {

// True when the server said ok; otherwise raises the class of its code.
bool check_reply(const record_reply& reply, const char* operation);

PyObject* new_record(const record_reply& reply, const record_key& key);          // get, select
PyObject* new_operate_result(const record_reply& reply, const record_key& key);  // operate: one entry per bin
PyObject* new_ordered_result(const record_reply& reply, const record_key& key);  // operate_ordered
// exists: a missing record is an answer, with meta None. Other refusals raise.
PyObject* new_exists_result(const record_reply& reply, const record_key& key);

// RecordMetadata(gen, ttl); `now_s` is Unix time.
PyObject* new_metadata(uint32_t generation, uint32_t void_time, int64_t now_s);
int64_t unix_now() noexcept;

PyObject* new_info_result(const info_reply& reply);  // InfoNodeResult

// {name: value} of `count` operations.
PyObject* new_bins(byte_view ops, unsigned count);

}  // namespace aero::py
