#include "errors.h"

#include <atomic>
#include <cstdarg>
#include <string>

#include "state.h"

namespace aero::py {

namespace {

constexpr int class_offset = 32;  // the lowest code that has a place in `classes` is -32

// The exception class of a code; borrowed, null with an exception.
PyObject* class_of(code what) {
    if (what == code::no_memory) return PyExc_MemoryError;
    const int number = static_cast<int>(what);
    const int place = number + class_offset;
    const size_t index = place < 0 ? the_state.classes.size() : static_cast<size_t>(place);
    const bool has_place = index < the_state.classes.size();
    if (has_place) {
        PyObject* known = std::atomic_ref(the_state.classes[index]).load(std::memory_order_relaxed);
        if (known != nullptr) return known;
    }
    PyObject* found = PyObject_CallFunction(the_state.class_for, "i", number);
    if (found == nullptr) return nullptr;
    if (has_place) {
        // Kept for good; a racing thread stores the same class.
        std::atomic_ref(the_state.classes[index]).store(found, std::memory_order_relaxed);
    } else {
        Py_DECREF(found);  // the module of exceptions keeps it alive
    }
    return found;
}

std::string message_of(const error& what, const char* operation) {
    const int number = static_cast<int>(what.what);
    std::string text = "AEROSPIKE_ERR (" + std::to_string(number > 0 ? number : -1) + "): ";
    if (number > 0) {
        text += "Server error: ";
        text += name_of(what.what);
        text += what.in_doubt ? ", In Doubt: true" : ", In Doubt: false";
        if (!what.node.empty()) text += ", Node: " + what.node;
        if (!what.text.empty()) text += ": " + what.text;
        return text;
    }
    if (what.what == code::backpressure && what.text.find(operation) == std::string::npos) {
        text += operation;
        text += ": ";
    }
    text += what.text.empty() ? std::string(name_of(what.what)) : what.text;
    if (what.what == code::backpressure && what.text.find("max_concurrent_operations") == std::string::npos) {
        text += " (max_concurrent_operations)";
    }
    const bool names_node = what.node.empty() || what.text.find(what.node) != std::string::npos;
    if (!names_node) text += ", Node: " + what.node;
    if (what.in_doubt) text += " [in_doubt]";
    return text;
}

bool set_attribute(PyObject* exception, const char* name, PyObject* owned) {
    const ref value = ref::take(owned);
    return value && PyObject_SetAttrString(exception, name, value.get()) == 0;
}

bool set_attributes(PyObject* exception, const error& what) {
    const int number = static_cast<int>(what.what);
    if (number > 0 && !set_attribute(exception, "result_code", PyLong_FromLong(number))) return false;
    if (what.in_doubt && !set_attribute(exception, "in_doubt", new_ref(Py_True))) return false;
    if (!what.node.empty() && !set_attribute(exception, "node", new_text(what.node))) return false;
    if (what.attempts == 0) return true;  // nothing was sent: the class defaults hold
    const std::string_view stage = name_of(what.where);
    return set_attribute(exception, "attempts", PyLong_FromLong(what.attempts)) &&
           set_attribute(exception, "stage", new_text(stage));
}

PyObject* raise_formatted(PyObject* type, const char* format, va_list values) {
    const ref text = ref::take(PyUnicode_FromFormatV(format, values));
    if (text) PyErr_SetObject(type, text.get());
    return nullptr;
}

}  // namespace

PyObject* make_exception(const error& what, const char* operation) {
    return guarded([&]() -> PyObject* {
        PyObject* type = class_of(what.what);
        if (type == nullptr) return nullptr;
        const ref text = ref::take(new_text(message_of(what, operation)));
        if (!text) return nullptr;
        ref exception = ref::take(PyObject_CallOneArg(type, text.get()));
        if (!exception || !set_attributes(exception.get(), what)) return nullptr;
        return exception.release();
    });
}

PyObject* raise(const error& what, const char* operation) {
    const ref exception = ref::take(make_exception(what, operation));
    if (exception) PyErr_SetObject(as_object(Py_TYPE(exception.get())), exception.get());
    return nullptr;
}

PyObject* raise_client_error(const char* format, ...) {
    va_list values;
    va_start(values, format);
    raise_formatted(the_state.client_error, format, values);
    va_end(values);
    return nullptr;
}

PyObject* raise_invalid_argument(const char* format, ...) {
    va_list values;
    va_start(values, format);
    raise_formatted(the_state.invalid_argument, format, values);
    va_end(values);
    return nullptr;
}

PyObject* raise_integer_range(PyObject* value) {
    const ref text = ref::take(PyObject_Str(value));
    if (!text) PyErr_Clear();  // thousands of digits have no text by default
    if (text && PyUnicode_GET_LENGTH(text.get()) <= 48) {
        PyErr_Format(the_state.integer_range, "int out of range: %U does not fit 64 bits (-2**63 .. 2**63-1)",
                     text.get());
    } else {
        PyErr_SetString(the_state.integer_range, "int out of range: it does not fit 64 bits (-2**63 .. 2**63-1)");
    }
    return nullptr;
}

PyObject* raise_unreadable(unsigned particle_type) {
    const bool of_language = particle_type == 5 || (particle_type >= 7 && particle_type <= 12) || particle_type == 22;
    if (!of_language) return raise_bad_reply("a value of a type it does not know");
    return PyErr_Format(the_state.rust_panic,
                        "a bin holds a blob tagged by another language (particle type %u), which this client does not "
                        "interpret; read the other bins by name, or write the bin again",
                        particle_type);
}

PyObject* raise_bad_reply(const char* what) {
    return guarded([&]() -> PyObject* {
        error bad;
        bad.what = code::bad_reply;
        bad.text = std::string("the server sent bytes that the protocol does not allow: ") + what;
        return raise(bad, "");
    });
}

bool init_errors() {
    const ref module = ref::take(PyImport_ImportModule("aerospike_py.exception"));
    if (!module) return false;
    const auto load = [&](const char* name, PyObject*& to) {
        to = PyObject_GetAttrString(module.get(), name);
        return to != nullptr;
    };
    return load("class_for", the_state.class_for) && load("ClientError", the_state.client_error) &&
           load("InvalidArgError", the_state.invalid_argument) && load("IntegerRangeError", the_state.integer_range) &&
           load("RustPanicError", the_state.rust_panic);
}

}  // namespace aero::py
