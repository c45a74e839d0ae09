// The way of log records into Python's `logging`, and the one line about errors that nobody expects.
#pragma once

#include <string>

#include "aero/log.h"
#include "compat.h"

namespace aero::py {

// Hands what the core has logged to `logging`; the exception that is being raised, if any, stays as it is.
void forward_logs() noexcept;
inline void forward_pending_logs() noexcept {
    if (log::pending()) forward_logs();
}
// One record on the logger `aerospike_py`, handed on at once. Costs nothing while the program has not imported
// `logging`.
void log_event(log::level severity, const std::string& text) noexcept;

// Reports the exception that is being raised when it is a defect of ours, once; it stays raised. `method` as in "get".
void report_unexpected(const char* owner, const char* method) noexcept;

}  // namespace aero::py
