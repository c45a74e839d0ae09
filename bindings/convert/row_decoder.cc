#include "convert/row_decoder.h"

#include "base/reader.h"
#include "convert/value.h"
#include "errors.h"
#include "wire/message.h"

namespace aero::py {

PyObject* row_decoder::bins(byte_view ops, unsigned count) {
    ref dict = ref::take(new_dict(count));
    if (!dict) return nullptr;
    reader from(ops);
    for (unsigned place = 0; place < count; ++place) {
        const wire::op_view op = wire::read_op(from);
        if (!from.ok()) return raise_bad_reply("an operation longer than its message");
        const ref value = ref::take(new_value(op.type, op.value));
        if (!value || !set_bin(dict.get(), place, op.name, value.get())) return nullptr;
    }
    return dict.release();
}

bool row_decoder::set_bin(PyObject* dict, unsigned place, std::string_view name, PyObject* value) {
    if (place < places) {
        const bin_name*& before = before_[place];
        if (before == nullptr || !before->is(name)) before = find_bin_name(name);
        if (before != nullptr) [[likely]]
            return set_new_item(dict, before->text, value, before->hash) == 0;
        if (PyErr_Occurred() != nullptr) return false;
    }
    const ref text = ref::take(new_bin_name(name));
    return text && PyDict_SetItem(dict, text.get(), value) == 0;
}

}  // namespace aero::py
