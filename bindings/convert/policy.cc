#include "convert/policy.h"

#include <array>
#include <iterator>

#include "convert/policy_fields.h"
#include "errors.h"
#include "state.h"

namespace aero::py {

namespace {

constexpr int64_t u32_max = UINT32_MAX;
constexpr int64_t ttl_client_default = -3;  // "use the policy's value"

bool apply_u32(const policy_fields& given, policy_field which, uint32_t& to) {
    if (!given.has(which)) return true;
    const int64_t value = given[which];
    if (value >= 0 && value <= u32_max) return to = static_cast<uint32_t>(value), true;
    raise_invalid_argument("%s out of range: %lld (0 .. 4294967295)", name_of_field(which),
                           static_cast<long long>(value));
    return false;
}

bool apply_transport(const policy_fields& given, transport_policy& to) {
    if (given.has(policy_field::replica)) {
        const int64_t value = given[policy_field::replica];
        to.replica = value >= 0 && value <= 2 ? static_cast<replica_policy>(value) : replica_policy::sequence;
    }
    if (given.has(policy_field::compress)) to.compress = given[policy_field::compress] != 0;
    return apply_u32(given, policy_field::socket_timeout, to.socket_timeout_ms) &&
           apply_u32(given, policy_field::total_timeout, to.total_timeout_ms) &&
           apply_u32(given, policy_field::max_retries, to.max_retries) &&
           apply_u32(given, policy_field::sleep_between_retries, to.sleep_between_retries_ms) &&
           apply_u32(given, policy_field::timeout_delay, to.timeout_delay_ms);
}

// The read mode and the read-touch percentage.
bool apply_read(const policy_fields& given, uint8_t& info1, uint32_t& ttl) {
    if (given.has(policy_field::read_mode_ap) && given[policy_field::read_mode_ap] == 1) {
        info1 |= wire::info1::read_all_replicas;
    }
    if (!given.has(policy_field::read_touch_ttl_percent)) return true;
    const int64_t percent = given[policy_field::read_touch_ttl_percent];
    if (percent < -1 || percent > 100) {
        raise_invalid_argument("read_touch_ttl_percent out of range: %lld (-1 .. 100)",
                               static_cast<long long>(percent));
        return false;
    }
    ttl = static_cast<uint32_t>(percent);
    return true;
}

bool check_ttl(int64_t value, uint32_t& to) {
    if (value < ttl_client_default || value > u32_max) {
        raise_invalid_argument("ttl out of range: %lld (-3 .. 4294967295)", static_cast<long long>(value));
        return false;
    }
    if (value != ttl_client_default) to = static_cast<uint32_t>(value);
    return true;
}

// Numbers beyond the known ones mean the default, by contract.
void apply_exists(int64_t value, write_rules& to) noexcept {
    to.forget_existence();
    switch (value) {
        case 1: to.info3 |= wire::info3::update_only; break;
        case 2: to.info3 |= wire::info3::create_or_replace; break;
        case 3: to.info3 |= wire::info3::replace_only; break;
        case 4: to.info2 |= wire::info2::create_only; break;
        default: break;
    }
}

void apply_generation_mode(int64_t mode, write_rules& to) noexcept {
    to.info2 &= static_cast<uint8_t>(~(wire::info2::generation | wire::info2::generation_gt));
    if (mode == 1) to.info2 |= wire::info2::generation;
    if (mode == 2) to.info2 |= wire::info2::generation_gt;
}

// What policies and metas of writes share: all but the generation, which is a mode in one and a number in the other.
bool apply_write(const policy_fields& given, write_rules& to) {
    const auto bit = [&](policy_field which, int64_t meaning, uint8_t& bits, uint8_t mask) {
        if (!given.has(which)) return;
        bits = static_cast<uint8_t>(given[which] == meaning ? bits | mask : bits & ~mask);
    };
    if (given.has(policy_field::exists)) apply_exists(given[policy_field::exists], to);
    if (given.has(policy_field::key)) to.send_key = given[policy_field::key] == 1;
    bit(policy_field::commit_level, 1, to.info3, wire::info3::commit_master);
    if (given.has(policy_field::durable_delete)) {
        const int64_t durable = given[policy_field::durable_delete] != 0 ? 1 : 0;
        to.info2 =
            static_cast<uint8_t>((to.info2 & ~wire::info2::durable_delete) | durable * wire::info2::durable_delete);
    }
    return !given.has(policy_field::ttl) || check_ttl(given[policy_field::ttl], to.ttl);
}

bool apply_generation_number(const policy_fields& meta, int64_t largest, write_rules& to) {
    const int64_t number = meta[policy_field::gen];
    if (number < 0 || number > largest) {
        raise_invalid_argument("gen out of range: %lld (0 .. %lld)", static_cast<long long>(number),
                               static_cast<long long>(largest));
        return false;
    }
    to.generation = static_cast<uint32_t>(number);
    return true;
}

bool apply_row_meta(PyObject* meta, const policy_kind& kind, bool strict, write_rules& to) {
    constexpr int64_t row_generation_max = 65535;  // two bytes in a row of a batch
    policy_fields given;
    if (!read_fields(meta, kind, strict, given) || !apply_write(given, to)) return false;
    if (!given.has(policy_field::gen)) return true;
    apply_generation_mode(1, to);
    return apply_generation_number(given, row_generation_max, to);
}

bool is_empty(PyObject* policy) noexcept {
    return policy == nullptr || policy == Py_None || (PyDict_CheckExact(policy) && PyDict_GET_SIZE(policy) == 0);
}

bool apply_batch(const policy_fields& given, batch_options& to) {
    const auto flag = [&](policy_field which, uint8_t mask) {
        if (!given.has(which)) return;
        to.flags = static_cast<uint8_t>(given[which] != 0 ? to.flags | mask : to.flags & ~mask);
    };
    flag(policy_field::allow_inline, wire::batch_flag::in_line);
    flag(policy_field::allow_inline_ssd, wire::batch_flag::in_line_ssd);
    flag(policy_field::respond_all_keys, wire::batch_flag::respond_all_keys);
    if (given.has(policy_field::concurrency)) {
        const int64_t value = given[policy_field::concurrency];
        if (value != 0 && value != 1) {
            PyErr_Format(
                PyExc_ValueError,
                "concurrency must be BATCH_CONCURRENCY_SEQUENTIAL (0) or BATCH_CONCURRENCY_PARALLEL (1), not %lld",
                static_cast<long long>(value));
            return false;
        }
    }
    if (given.has(policy_field::gen)) apply_generation_mode(given[policy_field::gen], to.rules);
    return apply_transport(given, to.transport) && apply_read(given, to.info1, to.read_ttl) &&
           apply_write(given, to.rules);
}

// ---- BatchPolicyInstance --------------------------------------------------------------------------------------------

struct policy_instance {
    PyObject_HEAD batch_options options;
    PyObject* fields;  // the keyword arguments, for repr, comparison and pickling; never changed
};

policy_instance* as_instance(PyObject* self) noexcept { return reinterpret_cast<policy_instance*>(self); }

PyObject* instance_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    if (PyTuple_GET_SIZE(arguments) != 0) {
        PyErr_Format(PyExc_TypeError, "BatchPolicyInstance() takes keyword arguments only (%zd positional given)",
                     PyTuple_GET_SIZE(arguments));
        return nullptr;
    }
    ref fields = ref::take(keywords == nullptr ? PyDict_New() : PyDict_Copy(keywords));
    if (!fields) return nullptr;
    Py_ssize_t position = 0;
    PyObject *name = nullptr, *value = nullptr;
    while (PyDict_Next(fields.get(), &position, &name, &value)) {
        if (!batch_kind.knows(name)) {
            return PyErr_Format(PyExc_TypeError, "BatchPolicyInstance() got an unexpected keyword argument %R", name);
        }
    }
    batch_options options;
    if (!parse_batch_policy(fields.get(), true, options)) return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    as_instance(self)->options = options;
    as_instance(self)->fields = fields.release();
    return self;
}

void instance_free(PyObject* self) {
    Py_CLEAR(as_instance(self)->fields);
    free_object(self);
}

PyObject* instance_get(PyObject* self, PyObject* name) {
    ref value;
    const int found = dict_item(as_instance(self)->fields, name, value);
    if (found != 0) return value.release();
    return PyObject_GenericGetAttr(self, name);
}

int instance_set(PyObject*, PyObject* name, PyObject*) {
    PyErr_Format(PyExc_AttributeError, "BatchPolicyInstance is frozen: cannot change %R", name);
    return -1;
}

PyObject* instance_repr(PyObject* self) {
    const ref text = ref::take(PyUnicode_FromString("BatchPolicyInstance("));
    const ref parts = ref::take(PyList_New(0));
    if (!text || !parts) return nullptr;
    Py_ssize_t position = 0;
    PyObject *name = nullptr, *value = nullptr;
    while (PyDict_Next(as_instance(self)->fields, &position, &name, &value)) {
        const ref part = ref::take(PyUnicode_FromFormat("%U=%R", name, value));
        if (!part || PyList_Append(parts.get(), part.get()) != 0) return nullptr;
    }
    const ref comma = ref::take(PyUnicode_FromString(", "));
    const ref joined = ref::take(comma ? PyUnicode_Join(comma.get(), parts.get()) : nullptr);
    return joined ? PyUnicode_FromFormat("%U%U)", text.get(), joined.get()) : nullptr;
}

PyObject* instance_compare(PyObject* self, PyObject* other, int how) {
    if ((how != Py_EQ && how != Py_NE) || !Py_IS_TYPE(other, Py_TYPE(self))) Py_RETURN_NOTIMPLEMENTED;
    return PyObject_RichCompare(as_instance(self)->fields, as_instance(other)->fields, how);
}

Py_hash_t instance_hash(PyObject* self) {
    const ref items = ref::take(PyDict_Items(as_instance(self)->fields));
    const ref frozen = ref::take(items ? PyFrozenSet_New(items.get()) : nullptr);
    return frozen ? PyObject_Hash(frozen.get()) : -1;
}

PyObject* instance_arguments(PyObject* self, PyObject*) { return Py_BuildValue("(()O)", as_instance(self)->fields); }

PyMethodDef instance_methods[] = {
    {"__getnewargs_ex__", instance_arguments, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot instance_slots[] = {
    {Py_tp_doc,
     const_cast<char*>("A batch policy parsed once: keyword arguments are the keys of BatchPolicy. Frozen.")},
    {Py_tp_new, reinterpret_cast<void*>(instance_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(instance_free)},
    {Py_tp_getattro, reinterpret_cast<void*>(instance_get)},
    {Py_tp_setattro, reinterpret_cast<void*>(instance_set)},
    {Py_tp_repr, reinterpret_cast<void*>(instance_repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(instance_compare)},
    {Py_tp_hash, reinterpret_cast<void*>(instance_hash)},
    {Py_tp_methods, instance_methods},
    {0, nullptr},
};

PyType_Spec instance_spec = {"aerospike_py._aerospike.BatchPolicyInstance", sizeof(policy_instance), 0,
                             Py_TPFLAGS_DEFAULT, instance_slots};

}  // namespace

bool parse_read_policy(PyObject* policy, bool strict, read_options& to) {
    if (is_empty(policy)) return true;
    policy_fields given;
    return read_fields(policy, read_kind, strict, given) && apply_transport(given, to.transport) &&
           apply_read(given, to.info1, to.ttl);
}

bool parse_write_policy(PyObject* policy, PyObject* meta, bool strict, write_options& to) {
    to.transport.max_retries = 0;  // a write is repeated only when the caller says so
    policy_fields of_policy, of_meta;
    if (!is_empty(meta)) {
        if (!read_fields(meta, meta_kind, strict, of_meta)) return false;
        if (of_meta.has(policy_field::gen)) {
            apply_generation_mode(1, to.rules);
            if (!apply_generation_number(of_meta, u32_max, to.rules)) return false;
        }
        if (!apply_write(of_meta, to.rules)) return false;
    }
    if (is_empty(policy)) return true;
    if (!read_fields(policy, write_kind, strict, of_policy)) return false;
    if (of_policy.has(policy_field::gen)) apply_generation_mode(of_policy[policy_field::gen], to.rules);
    return apply_transport(of_policy, to.transport) && apply_read(of_policy, to.info1, to.read_ttl) &&
           apply_write(of_policy, to.rules);
}

bool parse_batch_policy(PyObject* policy, bool strict, batch_options& to) {
    if (is_empty(policy)) return true;
    if (Py_IS_TYPE(policy, the_state.batch_policy_instance)) return to = as_instance(policy)->options, true;
    policy_fields given;
    return read_fields(policy, batch_kind, strict, given) && apply_batch(given, to);
}

bool parse_write_meta(PyObject* meta, bool strict, write_rules& to) {
    return apply_row_meta(meta, meta_kind, strict, to);
}

bool parse_delete_meta(PyObject* meta, bool strict, write_rules& to) {
    return apply_row_meta(meta, delete_meta_kind, strict, to);
}

bool parse_ttl(PyObject* ttl, uint32_t& to) {
    int64_t value = 0;
    return field_value(ttl, value) && check_ttl(value, to);
}

bool parse_admin_policy(PyObject* policy, bool strict, admin_options& to) {
    if (is_empty(policy)) return true;
    policy_fields given;
    return read_fields(policy, admin_kind, strict, given) && apply_u32(given, policy_field::timeout, to.timeout_ms);
}

bool check_replica(const transport_policy& policy, const client_config& config) {
    if (policy.replica != replica_policy::prefer_rack || !config.rack_ids.empty()) return true;
    raise_invalid_argument(
        "replica=POLICY_REPLICA_PREFER_RACK needs to know the racks to prefer: give the config rack_ids");
    return false;
}

bool init_policies(PyObject* module) {
    if (!intern_fields()) return false;
    the_state.batch_policy_instance = new_type(module, instance_spec);
    return the_state.batch_policy_instance != nullptr && PyModule_AddType(module, the_state.batch_policy_instance) == 0;
}

}  // namespace aero::py
