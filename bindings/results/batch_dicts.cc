#include "results/batch_dicts.h"

#include <algorithm>

#include "errors.h"

namespace aero::py {

namespace {

bool set_by_user_key(PyObject* dict, PyObject* user_key, PyObject* bins) {
    const Py_hash_t hash = PyObject_Hash(user_key);
    return (hash != -1 || PyErr_Occurred() == nullptr) && set_new_item(dict, user_key, bins, hash) == 0;
}

// Adds the found rows of `from` .. `to` under their user keys and counts them.
bool fill_user_keys(PyObject* dict, batch_decoder& decoder, const batch_reply& reply, const batch_keys& keys,
                    size_t from, size_t to, Py_ssize_t& filled) {
    for (size_t row = from; row < to; ++row) {
        if (!in_dict(reply, keys, row)) continue;
        const ref bins = ref::take(decoder.bins(row));
        if (!bins || !set_by_user_key(dict, keys.user_keys[row], bins.get())) return false;
        ++filled;
    }
    return true;
}

// Whether found rows of different sets have equal user keys. Asked only when some rows collapsed.
int sets_collide(const batch_reply& reply, const batch_keys& keys) {
    const ref seen = ref::take(PyDict_New());  // user key -> group
    if (!seen) return -1;
    for (size_t row = 0; row < keys.size(); ++row) {
        if (!in_dict(reply, keys, row)) continue;
        const ref group = ref::take(PyLong_FromUnsignedLong(keys.group_index[row]));
        ref before;
        const int found = group ? dict_item(seen.get(), keys.user_keys[row], before) : -1;
        if (found < 0) return -1;
        if (found == 0 && PyDict_SetItem(seen.get(), keys.user_keys[row], group.get()) != 0) return -1;
        if (found == 1 && PyLong_AsUnsignedLong(before.get()) != keys.group_index[row]) return 1;
    }
    return 0;
}

}  // namespace

batch_decoder::batch_decoder(const batch_reply& reply, const batch_keys& keys)
    : reply_(reply), keys_(keys), decoders_(std::clamp<size_t>(keys.groups.size(), 1, decoders_max)) {}

PyObject* batch_decoder::bins(size_t row) {
    const row_result& found = reply_.rows[row];
    if (found.op_count == 0) return PyDict_New();
    const size_t group = keys_.group_index.empty() ? 0 : keys_.group_index[row] % decoders_max;
    return decoders_[group].bins(reply_.ops_of(found), found.op_count);
}

PyObject* new_user_key_dict(const batch_reply& reply, const batch_keys& keys, bool& collided) {
    return guarded([&]() -> PyObject* {
        ref dict = ref::take(new_dict(static_cast<Py_ssize_t>(keys.size())));
        batch_decoder decoder(reply, keys);
        Py_ssize_t filled = 0;
        if (!dict || !fill_user_keys(dict.get(), decoder, reply, keys, 0, keys.size(), filled)) return nullptr;
        if (filled != PyDict_GET_SIZE(dict.get()) && !keys.group_index.empty()) {
            const int answer = sets_collide(reply, keys);
            if (answer < 0) return nullptr;
            collided = answer == 1;
        }
        return dict.release();
    });
}

PyObject* new_key_dict(const batch_reply& reply, const batch_keys& keys) {
    return guarded([&]() -> PyObject* {
        ref dict = ref::take(new_dict(static_cast<Py_ssize_t>(keys.size())));
        batch_decoder decoder(reply, keys);
        for (size_t row = 0; dict && row < keys.size(); ++row) {
            if (!in_dict(reply, keys, row)) continue;
            const batch_keys::group& group = keys.group_of(row);
            const ref key = ref::take(PyTuple_Pack(3, group.name_space.get(), group.set.get(), keys.user_keys[row]));
            const ref bins = ref::take(key ? decoder.bins(row) : nullptr);
            if (!bins || PyDict_SetItem(dict.get(), key.get(), bins.get()) != 0) return nullptr;
        }
        return dict.release();
    });
}

PyObject* new_set_dict(const batch_reply& reply, const batch_keys& keys) {
    return guarded([&]() -> PyObject* {
        ref dict = ref::take(PyDict_New());
        batch_decoder decoder(reply, keys);
        for (size_t row = 0; dict && row < keys.size(); ++row) {
            if (!in_dict(reply, keys, row)) continue;
            PyObject* const set = keys.group_of(row).set.get();
            ref of_set;
            const int found = dict_item(dict.get(), set, of_set);
            if (found < 0) return nullptr;
            if (found == 0) {
                of_set = ref::take(PyDict_New());
                if (!of_set || PyDict_SetItem(dict.get(), set, of_set.get()) != 0) return nullptr;
            }
            const ref bins = ref::take(decoder.bins(row));
            if (!bins || PyDict_SetItem(of_set.get(), keys.user_keys[row], bins.get()) != 0) return nullptr;
        }
        return dict.release();
    });
}

PyObject* new_dict_list(const batch_reply& reply, const batch_keys& keys) {
    return guarded([&]() -> PyObject* {
        ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(keys.size())));
        batch_decoder decoder(reply, keys);
        for (size_t row = 0; list && row < keys.size(); ++row) {
            PyObject* const slot = reply.rows[row].ok() ? decoder.bins(row) : new_ref(Py_None);
            if (slot == nullptr) return nullptr;
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(row), slot);
        }
        return list.release();
    });
}

PyObject* new_dicts(const batch_reply& reply, const batch_keys& keys, std::span<const size_t> sizes) {
    return guarded([&]() -> PyObject* {
        ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(sizes.size())));
        batch_decoder decoder(reply, keys);
        size_t row = 0;
        for (size_t i = 0; list && i < sizes.size(); ++i) {
            ref dict = ref::take(new_dict(static_cast<Py_ssize_t>(sizes[i])));
            Py_ssize_t filled = 0;
            if (!dict || !fill_user_keys(dict.get(), decoder, reply, keys, row, row + sizes[i], filled)) return nullptr;
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), dict.release());
            row += sizes[i];
        }
        return list.release();
    });
}

Py_ssize_t count_user_keys(const batch_reply& reply, const batch_keys& keys) {
    const ref seen = ref::take(PySet_New(nullptr));
    if (!seen) return -1;
    for (size_t row = 0; row < keys.size(); ++row) {
        if (in_dict(reply, keys, row) && PySet_Add(seen.get(), keys.user_keys[row]) != 0) return -1;
    }
    return PySet_GET_SIZE(seen.get());
}

}  // namespace aero::py
