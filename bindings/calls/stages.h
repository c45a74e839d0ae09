// Where the time of one call went: its marks, and the stages between them.
//
// A mark is one reading of the monotonic clock and bounds two neighbours, so stages neither overlap nor leave a gap:
//
//   sync      began  parsed          admitted  sent      read      begun       attached    converted
//              | key_parse | limiter_wait | tokio_... | io | spawn_... | gil_wait  | into_pyobject |
//   asyncio   began  made        parsed      admitted  sent      received  read      begun       converted resumed
//              | future_... | key_parse | limiter_wait | tokio_... | io | event_loop_... | spawn_... | into_... |
//              event_loop_...
//
// Pauses between attempts are taken out of `io` and stand as `retry_wait`. Nothing here is shared between threads.
#pragma once

#include "aero/metrics.h"
#include "aero/request.h"
#include "compat.h"
#include "results/timings.h"

namespace aero::py {

struct stage_marks {
    int64_t began = 0;
    int64_t parsed = 0;
    int64_t made = 0;            // asyncio: the awaitable exists
    call_times core;             // what the core saw; zero where it was not reached
    int64_t begun = 0;           // somebody takes the reply up
    int64_t attached = 0;        // sync: the GIL is held again
    int64_t converted = 0;       // the result object exists
    int64_t resumed = 0;         // asyncio: the coroutine goes on
    stage ended_in = stage::io;  // where a failed call was
};

// Durations in nanoseconds; unaccounted is what the rest leaves of `began` .. the last mark.
stage_durations stages_of(const stage_marks& marks, face whose) noexcept;

// Feeds the histograms and sets the timings, with `last`, the stage that is still running while we do so, up to now: so
// the cost of recording is accounted for as well. `timings` may be null.
void report_stages(const char* operation, face whose, stage_durations& spent, int64_t final_mark, stage last,
                   PyObject* timings) noexcept;

// `last_timings()`: remembered per thread by sync calls, per task (its context) by asyncio calls.
void remember_for_thread(PyObject* timings) noexcept;
void remember_for_task(PyObject* timings) noexcept;
PyObject* last_timings();  // the dict, a new reference; None when there is none

// Gives an error of this package that ended a profiled call the stages of that call; others are left as they are.
void tell_timings(PyObject* raised, PyObject* timings) noexcept;

bool init_stages();  // the context variable; false with an exception

}  // namespace aero::py
