#include "convert/record.h"

#include <chrono>
#include <unordered_set>

#include "base/reader.h"
#include "convert/bin_names.h"
#include "convert/row_decoder.h"
#include "convert/value.h"
#include "errors.h"
#include "state.h"
#include "wire/message.h"

namespace aero::py {

namespace {

// Adds one result of an operation; several of one bin become a list, in order.
class result_dict {
  public:
    result_dict() : dict_(ref::take(PyDict_New())) {}
    explicit operator bool() const noexcept { return static_cast<bool>(dict_); }
    PyObject* release() noexcept { return dict_.release(); }

    bool add(std::string_view name, PyObject* value) {
        const ref text = ref::take(new_bin_name(name));
        ref before;
        if (!text) return false;
        const int found = dict_item(dict_.get(), text.get(), before);
        if (found < 0) return false;
        if (found == 0) return PyDict_SetItem(dict_.get(), text.get(), value) == 0;
        if (several_.contains(name)) return PyList_Append(before.get(), value) == 0;
        const ref list = ref::take(Py_BuildValue("[OO]", before.get(), value));
        if (!list || PyDict_SetItem(dict_.get(), text.get(), list.get()) != 0) return false;
        several_.insert(name);
        return true;
    }

  private:
    ref dict_;
    std::unordered_set<std::string_view> several_;  // bins whose entry is a list of results; views of the reply
};

// Calls `each(name, value)` for every operation of a reply.
template <class Each>
bool for_each_op(const record_reply& reply, Each&& each) {
    reader from(reply.ops);
    for (unsigned i = 0; i < reply.op_count; ++i) {
        const wire::op_view op = wire::read_op(from);
        if (!from.ok()) return raise_bad_reply("an operation longer than its message"), false;
        const ref value = ref::take(new_value(op.type, op.value));
        if (!value || !each(op.name, value.get())) return false;
    }
    return true;
}

// (key, meta, content) of a NamedTuple class; takes over `content`, which may be null with an exception.
PyObject* new_result(PyTypeObject* type, const record_reply& reply, const record_key& key, PyObject* content) {
    if (content == nullptr) return nullptr;
    return new_tuple(type,
                     {new_aerospike_key(key), new_metadata(reply.generation, reply.void_time, unix_now()), content});
}

}  // namespace

// Not by std::time: that may still be in the second before, and a record would live longer than it was told to.
int64_t unix_now() noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

bool check_reply(const record_reply& reply, const char* operation) {
    if (reply.code == code::ok) return true;
    return guarded([&] {
        error refused;
        refused.what = reply.code;
        refused.in_doubt = reply.in_doubt;
        refused.node = reply.node;
        refused.attempts = 1;
        raise(refused, operation);
        return false;
    });
}

PyObject* new_metadata(uint32_t generation, uint32_t void_time, int64_t now_s) {
    return new_tuple(the_state.record_metadata, {PyLong_FromUnsignedLong(generation),
                                                 PyLong_FromUnsignedLong(wire::ttl_from_void_time(void_time, now_s))});
}

PyObject* new_bins(byte_view ops, unsigned count) {
    // Kept from call to call: a thread that gets records of one set meets the same names in the same places.
    static thread_local row_decoder decoder;
    return decoder.bins(ops, count);
}

PyObject* new_record(const record_reply& reply, const record_key& key) {
    return new_result(the_state.record, reply, key, new_bins(reply.ops, reply.op_count));
}

PyObject* new_operate_result(const record_reply& reply, const record_key& key) {
    return guarded([&]() -> PyObject* {
        result_dict bins;
        if (!bins ||
            !for_each_op(reply, [&](std::string_view name, PyObject* value) { return bins.add(name, value); })) {
            return nullptr;
        }
        return new_result(the_state.record, reply, key, bins.release());
    });
}

PyObject* new_ordered_result(const record_reply& reply, const record_key& key) {
    ref list = ref::take(PyList_New(0));
    const auto append = [&](std::string_view name, PyObject* value) {
        const ref entry = ref::take(new_tuple(the_state.bin_tuple, {new_bin_name(name), new_ref(value)}));
        return entry && PyList_Append(list.get(), entry.get()) == 0;
    };
    if (!list || !for_each_op(reply, append)) return nullptr;
    return new_result(the_state.operate_ordered_result, reply, key, list.release());
}

PyObject* new_exists_result(const record_reply& reply, const record_key& key) {
    if (reply.code == code::record_not_found) {
        return new_tuple(the_state.exists_result, {new_aerospike_key(key), new_ref(Py_None)});
    }
    if (!check_reply(reply, "exists")) return nullptr;
    return new_tuple(the_state.exists_result,
                     {new_aerospike_key(key), new_metadata(reply.generation, reply.void_time, unix_now())});
}

PyObject* new_info_result(const info_reply& reply) {
    return new_tuple(the_state.info_node_result,
                     {new_text(reply.node), PyLong_FromLong(static_cast<int>(reply.code)), new_text(reply.text)});
}

}  // namespace aero::py
