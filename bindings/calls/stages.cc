#include "calls/stages.h"

#include <span>

#include "base/time.h"

namespace aero::py {
namespace {

constexpr size_t index_of(stage s) noexcept { return static_cast<size_t>(s); }

constexpr stage sync_stages[] = {stage::key_parse, stage::limiter_wait,  stage::tokio_schedule_delay,
                                 stage::io,        stage::retry_wait,    stage::spawn_blocking_delay,
                                 stage::gil_wait,  stage::into_pyobject, stage::unaccounted};
constexpr stage loop_stages[] = {stage::key_parse,
                                 stage::limiter_wait,
                                 stage::future_into_py_setup,
                                 stage::tokio_schedule_delay,
                                 stage::io,
                                 stage::retry_wait,
                                 stage::event_loop_resume_delay,
                                 stage::spawn_blocking_delay,
                                 stage::into_pyobject,
                                 stage::unaccounted};

std::span<const stage> stages_of_face(face whose) noexcept {
    return whose == face::sync ? std::span<const stage>(sync_stages) : std::span<const stage>(loop_stages);
}

std::array<PyObject*, index_of(stage::count_)> labels{};
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

void observe_stages(const char* operation, face whose, const stage_durations& spent, stage last) noexcept {
    for (const stage each : stages_of_face(whose))
        if (each != last) metrics::observe_stage(operation, each, spent[index_of(each)]);
}

void observe_last(const char* operation, int64_t final_mark, stage last, stage_durations& spent) noexcept {
    spent[index_of(last)] += monotonic_now() - final_mark;
    metrics::observe_stage(operation, last, spent[index_of(last)]);
}

bool fill_timing(PyObject* to, stage which, const stage_durations& spent) {
    const ref seconds = ref::take(PyFloat_FromDouble(static_cast<double>(spent[index_of(which)]) * 1e-9));
    return seconds && PyDict_SetItem(to, labels[index_of(which)], seconds.get()) == 0;
}

bool fill_timings(PyObject* to, face whose, const stage_durations& spent) {
    for (const stage each : stages_of_face(whose))
        if (!fill_timing(to, each, spent)) return false;
    return true;
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

PyObject* last_timings() {
    PyObject* of_task = nullptr;
    if (PyContextVar_Get(context_variable, nullptr, &of_task) < 0) return nullptr;
    if (of_task != nullptr) return of_task;
    PyObject* locals = PyThreadState_GetDict();
    ref of_thread;
    if (locals != nullptr && dict_item(locals, thread_key, of_thread) < 0) return nullptr;
    return of_thread ? of_thread.release() : new_ref(Py_None);
}

bool init_stages() {
    if (context_variable != nullptr) return true;
    for (size_t i = 0; i < labels.size(); ++i) {
        const std::string_view name = name_of(static_cast<stage>(i));
        labels[i] = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
        if (labels[i] == nullptr) return false;
        PyUnicode_InternInPlace(&labels[i]);
    }
    thread_key = PyUnicode_InternFromString("aerospike_py.timings");
    if (thread_key == nullptr) return false;
    context_variable = PyContextVar_New("aerospike_py.timings", nullptr);
    return context_variable != nullptr;
}

}  // namespace aero::py
