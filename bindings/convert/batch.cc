#include "convert/batch.h"

#include <cstring>

#include "errors.h"
#include "wire/protocol.h"

namespace aero::py {

namespace {

// The records of a batch as a tuple that nobody changes any more.
ref fixed_rows(PyObject* rows, const char* what) {
    if (PyUnicode_Check(rows) || PyBytes_Check(rows) || PyDict_Check(rows)) {
        PyErr_Format(PyExc_TypeError, "%s must be a list, not %.80s", what, Py_TYPE(rows)->tp_name);
        return {};
    }
    return ref::take(PySequence_Tuple(rows));
}

bool check_record(PyObject* record) {
    if (!PyTuple_Check(record)) {
        PyErr_Format(PyExc_TypeError, "a record must be a tuple (key, bins) or (key, bins, meta), not %.80s",
                     Py_TYPE(record)->tp_name);
        return false;
    }
    const Py_ssize_t size = PyTuple_GET_SIZE(record);
    if (size < 2) {
        PyErr_Format(PyExc_ValueError, "a record must have at least 2 elements, (key, bins), got %zd", size);
        return false;
    }
    if (size > 3) {
        PyErr_Format(PyExc_ValueError, "a record must have at most 3 elements, (key, bins, meta), got %zd", size);
        return false;
    }
    if (PyDict_Check(PyTuple_GET_ITEM(record, 1))) return true;
    PyErr_Format(PyExc_TypeError, "bins element must be a dict, not %.80s",
                 Py_TYPE(PyTuple_GET_ITEM(record, 1))->tp_name);
    return false;
}

// The rules of one row: those of the policy, changed by its meta, if it has one.
bool row_rules(PyObject* meta, bool (*parse)(PyObject*, bool, write_rules&), bool strict, write_rules& to) {
    if (meta == nullptr || meta == Py_None) return true;
    if (PyDict_Check(meta)) return parse(meta, strict, to);
    PyErr_Format(PyExc_TypeError, "meta element must be a dict, not %.80s", Py_TYPE(meta)->tp_name);
    return false;
}

bool is_key_and_meta(PyObject* item) noexcept {
    return PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2 && PyTuple_Check(PyTuple_GET_ITEM(item, 0));
}

}  // namespace

batch_request batch_call::request() const noexcept {
    batch_request made;
    made.digests = keys.digests;
    made.template_of = writes_ ? template_of_ : keys.group_index;
    made.templates = templates_;
    made.key_fields = key_fields_;
    made.flags = options.flags;
    made.is_write = writes_;
    return made;
}

batch_request batch_call::request(part& of) const {
    batch_request made = request();
    of.digests.clear();
    of.template_of.clear();
    of.key_fields.clear();
    for (const uint32_t row : of.rows) {
        of.digests.push_back(made.digests[row]);
        if (!made.template_of.empty()) of.template_of.push_back(made.template_of[row]);
        if (!made.key_fields.empty()) of.key_fields.push_back(made.key_fields[row]);
    }
    made.digests = of.digests;
    made.template_of = of.template_of;
    made.key_fields = of.key_fields;
    return made;
}

bool batch_call::read(PyObject* keys_given, PyObject* bins, PyObject* policy, bool strict) {
    if (!parse_keys(keys_given, keys) || !parse_bin_names(bins, shared_) ||
        !parse_batch_policy(policy, strict, options)) {
        return false;
    }
    templates_.resize(keys.groups.size());
    for (size_t i = 0; i < templates_.size(); ++i) {
        row_template& shape = templates_[i];
        shape.name_space = keys.groups[i].name_space_text;
        shape.set = keys.groups[i].set_text;
        shape.info1 = static_cast<uint8_t>(shared_.info1 | options.info1);
        shape.ttl = options.read_ttl;
        shape.ops = shared_.bytes.view();
        shape.op_count = shared_.count;
    }
    return true;
}

bool batch_call::write(PyObject* records, PyObject* policy, bool strict) {
    const ref fixed = fixed_rows(records, "records");
    if (!fixed || !parse_batch_policy(policy, strict, options)) return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(fixed.get());
    row_collector rows(*this, static_cast<size_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* const record = PyTuple_GET_ITEM(fixed.get(), i);
        if (!check_record(record)) return false;
        PyObject* const meta = PyTuple_GET_SIZE(record) == 3 ? PyTuple_GET_ITEM(record, 2) : nullptr;
        write_rules rules = options.rules;
        if (!rows.keys().add(PyTuple_GET_ITEM(record, 0)) || !parse_bins(PyTuple_GET_ITEM(record, 1), rows.ops()) ||
            !row_rules(meta, parse_write_meta, strict, rules) || !rows.end_row(rules)) {
            return false;
        }
    }
    rows.finish();
    return true;
}

bool batch_call::remove(PyObject* keys_given, PyObject* policy, bool strict) {
    const ref fixed = fixed_rows(keys_given, "keys");
    if (!fixed || !parse_batch_policy(policy, strict, options)) return false;
    const Py_ssize_t count = PyTuple_GET_SIZE(fixed.get());
    row_collector rows(*this, static_cast<size_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* const item = PyTuple_GET_ITEM(fixed.get(), i);
        const bool has_meta = is_key_and_meta(item);
        write_rules rules = options.rules;
        if (!rows.keys().add(has_meta ? PyTuple_GET_ITEM(item, 0) : item) ||
            !row_rules(has_meta ? PyTuple_GET_ITEM(item, 1) : nullptr, parse_delete_meta, strict, rules)) {
            return false;
        }
        rules.forget_existence();
        rules.ttl = 0;
        delete_record(rows.ops());
        if (!rows.end_row(rules)) return false;
    }
    rows.finish();
    return true;
}

row_collector::row_collector(batch_call& to, size_t rows_expected) : to_(to), keys_(to.keys, rows_expected) {
    to_.writes_ = true;
    to_.template_of_.reserve(rows_expected);
}

bool row_collector::repeats(const row& next) const noexcept {
    if (shapes_.empty()) return false;
    const row& last = shapes_.back();
    const uint8_t* const bytes = ops_.bytes.data();
    return next.group == last.group && next.info2 == last.info2 && next.rules.info2 == last.rules.info2 &&
           next.rules.info3 == last.rules.info3 && next.rules.generation == last.rules.generation &&
           next.rules.ttl == last.rules.ttl && next.op_count == last.op_count && next.ops_size == last.ops_size &&
           (next.ops_size == 0 || std::memcmp(bytes + next.ops_start, bytes + last.ops_start, next.ops_size) == 0);
}

bool row_collector::end_row(const write_rules& rules) {
    row next{rules, keys_.last_group(), row_start_, ops_.bytes.size() - row_start_, ops_.count, ops_.info2};
    if (repeats(next)) {
        ops_.bytes.resize(row_start_);
    } else {
        shapes_.push_back(next);
    }
    to_.template_of_.push_back(static_cast<uint32_t>(shapes_.size() - 1));
    row_start_ = ops_.bytes.size();
    ops_.count = 0;
    ops_.info2 = 0;

    const size_t key_start = to_.row_keys_.size();
    if (rules.send_key && !append_key_field(to_.keys.user_keys.back(), to_.row_keys_)) return false;
    any_key_field_ = any_key_field_ || to_.row_keys_.size() != key_start;
    key_fields_.emplace_back(key_start, to_.row_keys_.size() - key_start);
    return true;
}

void row_collector::finish() {
    keys_.finish();
    to_.row_ops_.swap(ops_.bytes);
    const byte_view ops = to_.row_ops_.view();
    to_.templates_.reserve(shapes_.size());
    for (const row& shape : shapes_) {
        const batch_keys::group& group = to_.keys.groups[shape.group];
        row_template& made = to_.templates_.emplace_back();
        made.name_space = group.name_space_text;
        made.set = group.set_text;
        made.info2 = static_cast<uint8_t>(shape.info2 | shape.rules.info2);
        made.info3 = shape.rules.info3;
        made.has_generation = true;
        made.generation = static_cast<uint16_t>(shape.rules.generation);
        made.ttl = shape.rules.ttl;
        made.ops = ops.subspan(shape.ops_start, shape.ops_size);
        made.op_count = shape.op_count;
    }
    if (!any_key_field_) return;
    const byte_view key_bytes = to_.row_keys_.view();
    to_.key_fields_.reserve(key_fields_.size());
    for (const auto& [start, size] : key_fields_) to_.key_fields_.push_back(key_bytes.subspan(start, size));
}

}  // namespace aero::py
