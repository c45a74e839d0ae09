// A LazyBatchRecords in a pickle: its bytes and its keys, not yet decoded on the other side either.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/buffer_pool.h"
#include "errors.h"
#include "results/lazy_batch.h"
#include "results/lazy_batch_object.h"
#include "results/timings.h"

namespace aero::py {

namespace {

constexpr int form = 2;  // changes with the meaning of the tuple or of the bytes in it

template <class Item>
PyObject* as_blob(const std::vector<Item>& items) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(items.data()),
                                     static_cast<Py_ssize_t>(items.size() * sizeof(Item)));
}

template <class Item>
bool from_blob(PyObject* blob, std::vector<Item>& items) {
    const auto size = static_cast<size_t>(PyBytes_GET_SIZE(blob));
    if (size % sizeof(Item) != 0) return false;
    items.resize(size / sizeof(Item));
    if (size != 0) std::memcpy(items.data(), PyBytes_AS_STRING(blob), size);
    return true;
}

PyObject* chunks_of(const batch_reply& reply) {
    ref chunks = ref::take(PyTuple_New(static_cast<Py_ssize_t>(reply.chunks.size())));
    for (size_t i = 0; chunks && i < reply.chunks.size(); ++i) {
        const auto bytes = reply.chunks[i].view();
        PyObject* blob = PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                                   static_cast<Py_ssize_t>(bytes.size()));
        if (blob == nullptr) return nullptr;
        PyTuple_SET_ITEM(chunks.get(), static_cast<Py_ssize_t>(i), blob);
    }
    return chunks.release();
}

PyObject* groups_of(const batch_keys& keys) {
    ref groups = ref::take(PyTuple_New(static_cast<Py_ssize_t>(keys.groups.size())));
    for (size_t i = 0; groups && i < keys.groups.size(); ++i) {
        PyObject* pair = PyTuple_Pack(2, keys.groups[i].name_space.get(), keys.groups[i].set.get());
        if (pair == nullptr) return nullptr;
        PyTuple_SET_ITEM(groups.get(), static_cast<Py_ssize_t>(i), pair);
    }
    return groups.release();
}

PyObject* user_keys_of(const batch_keys& keys) {
    PyObject* list = PyTuple_New(static_cast<Py_ssize_t>(keys.size()));
    for (size_t i = 0; list != nullptr && i < keys.size(); ++i) {
        PyTuple_SET_ITEM(list, static_cast<Py_ssize_t>(i), new_ref(keys.user_keys[i]));
    }
    return list;
}

bool restore_chunks(PyObject* chunks, batch_reply& reply) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(chunks); ++i) {
        PyObject* const blob = PyTuple_GET_ITEM(chunks, i);
        if (!PyBytes_Check(blob)) return false;
        const byte_view bytes{reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(blob)),
                              static_cast<size_t>(PyBytes_GET_SIZE(blob))};
        buffer own = take_buffer(bytes.size());
        own.append(bytes);
        const size_t size = own.size(), capacity = own.capacity();
        reply.chunks.emplace_back(own.release(), size, capacity);
    }
    return true;
}

bool restore_groups(PyObject* groups, batch_keys& keys) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(groups); ++i) {
        PyObject *name_space = nullptr, *set = nullptr;
        PyObject* const pair = PyTuple_GET_ITEM(groups, i);
        if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "UU", &name_space, &set)) return false;
        batch_keys::group& made = keys.groups.emplace_back();
        made.name_space = ref::share(name_space);
        made.set = ref::share(set);
        if (!text_of(name_space, made.name_space_text) || !text_of(set, made.set_text)) return false;
    }
    return true;
}

// Whether every index points to something: a pickle is input like any other.
bool is_consistent(const batch_reply& reply, const batch_keys& keys) noexcept {
    const size_t count = keys.user_keys.size();
    if (reply.rows.size() != count || (keys.digests.size() != count && !keys.digests.empty())) return false;
    // Keys that are to give their digests back must be such as have one.
    const auto has_digest = [](PyObject* key) {
        return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key);
    };
    if (keys.digests.empty() && !std::all_of(keys.user_keys.begin(), keys.user_keys.end(), has_digest)) return false;
    if (keys.group_index.empty() ? keys.groups.size() > 1 || (count != 0 && keys.groups.empty())
                                 : keys.group_index.size() != count) {
        return false;
    }
    for (const uint32_t group : keys.group_index) {
        if (group >= keys.groups.size()) return false;
    }
    for (const row_result& row : reply.rows) {
        if (row.size == 0) continue;
        if (row.chunk >= reply.chunks.size()) return false;
        const size_t held = reply.chunks[row.chunk].view().size();
        if (row.offset > held || row.size > held - row.offset) return false;
    }
    return true;
}

bool restore(PyObject* state, batch_reply& reply, batch_keys& keys, PyObject*& timings, long long& made_at_s) {
    int version = 0;
    PyObject *rows = nullptr, *chunks = nullptr, *user_keys = nullptr, *digests = nullptr, *indexes = nullptr,
             *groups = nullptr;
    if (!PyArg_ParseTuple(state, "iSO!O!SSO!OL:_restore", &version, &rows, &PyTuple_Type, &chunks, &PyTuple_Type,
                          &user_keys, &digests, &indexes, &PyTuple_Type, &groups, &timings, &made_at_s)) {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(user_keys); ++i) {
        keys.user_keys.push_back(new_ref(PyTuple_GET_ITEM(user_keys, i)));
    }
    keys.plain = false;  // not looked at
    const bool whole = version == form && from_blob(rows, reply.rows) && from_blob(digests, keys.digests) &&
                       from_blob(indexes, keys.group_index) && restore_chunks(chunks, reply) &&
                       restore_groups(groups, keys) && is_consistent(reply, keys) &&
                       (timings == Py_None || PyDict_Check(timings));
    if (!whole && PyErr_Occurred() == nullptr) {
        PyErr_SetString(PyExc_ValueError, "not a LazyBatchRecords of this version of aerospike_py");
    }
    return whole;
}

}  // namespace

PyObject* reduce_lazy_batch(PyObject* object, PyObject*) {
    const lazy_batch* const self = as_lazy(object);
    const ref restorer = ref::take(PyObject_GetAttrString(as_object(Py_TYPE(object)), "_restore"));
    if (!restorer) return nullptr;
    PyObject* const timings = self->timings == nullptr ? new_ref(Py_None) : timings_dict(self->timings);
    return Py_BuildValue("O(iNNNNNNNL)", restorer.get(), form, as_blob(self->reply.rows), chunks_of(self->reply),
                         user_keys_of(self->keys), as_blob(self->keys.digests), as_blob(self->keys.group_index),
                         groups_of(self->keys), timings, static_cast<long long>(self->made_at_s));
}

PyObject* restore_lazy_batch(PyObject*, PyObject* state) {
    return guarded([&]() -> PyObject* {
        batch_reply reply;
        batch_keys keys;
        PyObject* dict = nullptr;
        long long made_at_s = 0;
        if (!restore(state, reply, keys, dict, made_at_s)) return nullptr;
        ref timings;
        if (dict != Py_None) {
            timings = ref::take(new_timings(dict));
            if (!timings) return nullptr;
        }
        PyObject* made = make_lazy_batch(the_state, std::move(reply), std::move(keys), timings.get());
        if (made != nullptr) as_lazy(made)->made_at_s = made_at_s;
        return made;
    });
}

}  // namespace aero::py
