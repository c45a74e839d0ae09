#include "results/timings.h"

#include "state.h"

namespace aero::py {
namespace {

constexpr size_t stage_count = static_cast<size_t>(stage::count_);
static_assert(stage_count <= 16);

constexpr size_t index_of(stage s) noexcept { return static_cast<size_t>(s); }

struct timings_object {
    PyObject_HEAD stage_durations spent;
    uint16_t shown;  // one bit per stage
    PyObject* dict;  // null before somebody looked
};

timings_object* as_timings(PyObject* object) noexcept { return reinterpret_cast<timings_object*>(object); }

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

std::array<PyObject*, stage_count> labels{};

bool write_entry(PyObject* dict, size_t index, int64_t ns) {
    const ref seconds = ref::take(PyFloat_FromDouble(static_cast<double>(ns) * 1e-9));
    return seconds && PyDict_SetItem(dict, labels[index], seconds.get()) == 0;
}

// What a user did to the dict stays, but for the entry that grows.
bool add_to_entry(PyObject* dict, size_t index, int64_t ns) {
    ref before;
    if (dict_item(dict, labels[index], before) < 0) return false;
    const double seconds = (before ? PyFloat_AsDouble(before.get()) : 0.0) + static_cast<double>(ns) * 1e-9;
    if (PyErr_Occurred() != nullptr) return false;
    const ref sum = ref::take(PyFloat_FromDouble(seconds));
    return sum && PyDict_SetItem(dict, labels[index], sum.get()) == 0;
}

void free_timings(PyObject* object) {
    Py_CLEAR(as_timings(object)->dict);
    free_object(object);
}

PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(free_timings)}, {0, nullptr}};
PyType_Spec spec = {"aerospike_py._aerospike._Timings", sizeof(timings_object), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

std::span<const stage> stages_of_face(face whose) noexcept {
    return whose == face::sync ? std::span<const stage>(sync_stages) : std::span<const stage>(loop_stages);
}

PyObject* new_timings() { return the_state.timings->tp_alloc(the_state.timings, 0); }

PyObject* new_timings(PyObject* dict) {
    PyObject* made = new_timings();
    if (made != nullptr) as_timings(made)->dict = new_ref(dict);
    return made;
}

void set_timings(PyObject* timings, face whose, const stage_durations& spent) noexcept {
    const critical_section alone(timings);
    timings_object& self = *as_timings(timings);
    for (const stage each : stages_of_face(whose)) {
        self.spent[index_of(each)] = spent[index_of(each)];
        self.shown = static_cast<uint16_t>(self.shown | 1u << index_of(each));
        // Somebody looked before the call was over.
        if (self.dict != nullptr && !write_entry(self.dict, index_of(each), spent[index_of(each)])) PyErr_Clear();
    }
}

bool add_timing(PyObject* timings, stage which, int64_t ns) {
    const critical_section alone(timings);
    timings_object& self = *as_timings(timings);
    self.spent[index_of(which)] += ns;
    self.shown = static_cast<uint16_t>(self.shown | 1u << index_of(which));
    return self.dict == nullptr || add_to_entry(self.dict, index_of(which), ns);
}

PyObject* timings_dict(PyObject* timings) {
    const critical_section alone(timings);
    timings_object& self = *as_timings(timings);
    if (self.dict != nullptr) return new_ref(self.dict);
    ref dict = ref::take(PyDict_New());
    for (size_t index = 0; dict && index < stage_count; ++index)
        if ((self.shown >> index & 1) != 0 && !write_entry(dict.get(), index, self.spent[index])) return nullptr;
    self.dict = dict.new_ref();
    return dict.release();
}

bool init_timings(PyObject* module) {
    for (size_t i = 0; i < labels.size(); ++i) {
        const std::string_view name = name_of(static_cast<stage>(i));
        labels[i] = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
        if (labels[i] == nullptr) return false;
        PyUnicode_InternInPlace(&labels[i]);
    }
    the_state.timings = new_type(module, spec);
    return the_state.timings != nullptr;
}

}  // namespace aero::py
