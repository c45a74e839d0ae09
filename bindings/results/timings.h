// What a profiled call says of its stages: numbers as long as nobody looks, a dict {label: seconds} from then on.
//
// Making a dict of ten floats would cost more than the rest of profiling, and hardly any call is looked at. The object
// never reaches Python code; its dict does, is made once, and hears of conversions that come later.
//
// Threads: wants an attached thread state. Changes and the making of the dict happen under a critical section.
#pragma once

#include <array>
#include <span>

#include "aero/error.h"
#include "compat.h"

namespace aero::py {

enum class face : uint8_t { sync, loop };

// Nanoseconds by stage.
using stage_durations = std::array<int64_t, static_cast<size_t>(stage::count_)>;

// The stages every profiled call of a face has, in their order.
std::span<const stage> stages_of_face(face whose) noexcept;

// A new object without stages; null with an exception.
PyObject* new_timings();
// Around a dict, which a pickle has kept; null with an exception.
PyObject* new_timings(PyObject* dict);
// Sets the stages of a face.
void set_timings(PyObject* timings, face whose, const stage_durations& spent) noexcept;
// Lengthens one stage, which is shown from now on. False with an exception.
bool add_timing(PyObject* timings, stage which, int64_t ns);
// The dict: always the same one. A new reference, or null with an exception.
PyObject* timings_dict(PyObject* timings);

bool init_timings(PyObject* module);  // part of init_conversions

}  // namespace aero::py
