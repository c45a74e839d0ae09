#include "calls/stages.h"

#include "base/time.h"

namespace aero::py {
namespace {

constexpr size_t index_of(stage s) noexcept { return static_cast<size_t>(s); }

PyObject* context_variable = nullptr;
PyObject* thread_key = nullptr;

}  // namespace

stage_durations stages_of(const stage_marks& marks, face whose) noexcept {
    stage_durations spent{};
    int64_t at = marks.began;
    // A mark that was not reached, or that another clock put before its neighbour, ends its stage where it began.
    const auto until = [&](stage s, int64_t mark) {
        if (mark <= at) return;
        spent[index_of(s)] += mark - at;
        at = mark;
    };
    until(stage::future_into_py_setup, marks.made);
    until(stage::key_parse, marks.parsed);
    until(stage::limiter_wait, marks.core.admitted);
    until(stage::tokio_schedule_delay, marks.core.sent);
    // A thread that waits in the kernel is woken by the arrival: there the reading is the arrival.
    until(stage::io, whose == face::sync ? marks.core.read : marks.core.received);
    if (marks.core.read != 0)
        until(stage::event_loop_resume_delay, marks.core.read);
    else
        until(marks.ended_in, marks.begun);
    until(stage::spawn_blocking_delay, marks.begun);
    until(stage::gil_wait, marks.attached);
    until(stage::into_pyobject, marks.converted);
    until(stage::event_loop_resume_delay, marks.resumed);

    int64_t& io = spent[index_of(stage::io)];
    const int64_t pauses = marks.core.retry_wait < io ? marks.core.retry_wait : io;
    io -= pauses;
    spent[index_of(stage::retry_wait)] += pauses;
    int64_t sum = 0;
    for (const int64_t each : spent) sum += each;
    spent[index_of(stage::unaccounted)] = at - marks.began - sum;
    return spent;
}

void report_stages(const char* operation, face whose, stage_durations& spent, int64_t final_mark, stage last,
                   PyObject* timings) noexcept {
    // All but the last first; what it lasts is read when nothing but that is left to do.
    const std::span<const stage> all = stages_of_face(whose);
    metrics::observe_stages(operation, all, spent, last);
    spent[index_of(last)] += monotonic_now() - final_mark;
    metrics::observe_stage(operation, last, spent[index_of(last)]);
    if (timings != nullptr) set_timings(timings, whose, spent);
}

void remember_for_task(PyObject* timings) noexcept {
    const ref token = ref::take(PyContextVar_Set(context_variable, timings));
    if (!token) PyErr_Clear();
}

void remember_for_thread(PyObject* timings) noexcept {
    PyObject* locals = PyThreadState_GetDict();
    if (locals != nullptr && PyDict_SetItem(locals, thread_key, timings) < 0) PyErr_Clear();
    // A task that also made asyncio calls finds its last call there.
    PyObject* of_task = nullptr;
    if (PyContextVar_Get(context_variable, nullptr, &of_task) < 0) PyErr_Clear();
    if (of_task == nullptr) return;
    Py_DECREF(of_task);
    remember_for_task(timings);
}

void tell_timings(PyObject* raised, PyObject* timings) noexcept {
    constexpr const char* place = "timings";
    if (PyObject_HasAttrString(raised, place) == 0) return;
    const ref told = ref::take(timings_dict(timings));
    if (!told || PyObject_SetAttrString(raised, place, told.get()) < 0) PyErr_Clear();
}

PyObject* last_timings() {
    PyObject* of_task = nullptr;
    if (PyContextVar_Get(context_variable, nullptr, &of_task) < 0) return nullptr;
    if (of_task != nullptr) return timings_dict(ref::take(of_task).get());
    PyObject* locals = PyThreadState_GetDict();
    ref of_thread;
    if (locals != nullptr && dict_item(locals, thread_key, of_thread) < 0) return nullptr;
    return of_thread ? timings_dict(of_thread.get()) : new_ref(Py_None);
}

bool init_stages() {
    if (context_variable != nullptr) return true;
    thread_key = PyUnicode_InternFromString("aerospike_py.timings");
    if (thread_key == nullptr) return false;
    context_variable = PyContextVar_New("aerospike_py.timings", nullptr);
    return context_variable != nullptr;
}

}  // namespace aero::py
