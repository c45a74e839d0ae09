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

#include <array>

#include "aero/metrics.h"
#include "aero/request.h"
#include "compat.h"

namespace aero::py {

enum class face : uint8_t { sync, loop };

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

using stage_durations = std::array<int64_t, static_cast<size_t>(stage::count_)>;

// Durations in nanoseconds; unaccounted is what the rest leaves of `began` .. the last mark.
stage_durations stages_of(const stage_marks& marks, face whose) noexcept;

// Feeds the histograms with every stage of a face but `last`, the one that is still running while we do so; its turn
// comes by `observe_last` with a clock reading taken after it, so that the cost of recording is accounted for as well.
void observe_stages(const char* operation, face whose, const stage_durations& spent, stage last) noexcept;
// Grows `last` and the total by what passed since the final mark, feeds it and gives the durations of the whole call.
void observe_last(const char* operation, int64_t final_mark, stage last, stage_durations& spent) noexcept;

// {label: seconds} of the stages of a face, written into `to`. False with an exception.
bool fill_timings(PyObject* to, face whose, const stage_durations& spent);
bool fill_timing(PyObject* to, stage which, const stage_durations& spent);

// `last_timings()`: remembered per thread by sync calls, per task (its context) by asyncio calls.
void remember_for_thread(PyObject* timings) noexcept;
void remember_for_task(PyObject* timings) noexcept;
PyObject* last_timings();  // a new reference; None when there is none

bool init_stages();  // labels and the context variable; false with an exception

}  // namespace aero::py
