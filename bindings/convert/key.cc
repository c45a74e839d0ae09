#include "convert/key.h"

#include <algorithm>
#include <cstring>

#include "base/short_bytes.h"
#include "errors.h"
#include "state.h"

namespace aero::py {

namespace {

// Hashing a key costs about 0.03 us, letting the GIL go and getting it back more than 1 us when others want it.
constexpr size_t release_from = 4096;
constexpr size_t small_chunk = 256;  // views of a chunk stay in the first-level cache
constexpr size_t large_chunk = 16384;

bool text_argument(PyObject* object, const char* what, std::string_view& to) {
    if (PyUnicode_Check(object)) return text_of(object, to);
    PyErr_Format(PyExc_TypeError, "%s of a key must be a str, not %.80s", what, Py_TYPE(object)->tp_name);
    return false;
}

bool read_integer_key(PyObject* number, wire::key_view& to, std::array<uint8_t, 8>& storage) {
    int overflow = 0;
    const int64_t value = small_int(number, overflow);
    if (overflow != 0) return raise_integer_range(number), false;
    store_be(storage.data(), value);
    to.type = wire::particle::integer;
    to.value = storage;
    return true;
}

// What is hashed of a user key. Fills type and value; `storage` backs integers.
bool read_user_key(PyObject* key, wire::key_view& to, std::array<uint8_t, 8>& storage) {
    to.type = wire::particle::string;
    if (PyUnicode_Check(key)) {
        std::string_view text;
        if (!text_of(key, text)) return false;
        to.value = as_bytes(text);
        return true;
    }
    if (PyLong_CheckExact(key)) return read_integer_key(key, to, storage);
    if (PyBytes_Check(key)) {  // by contract of the same type as strings
        to.value = {reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(key)),
                    static_cast<size_t>(PyBytes_GET_SIZE(key))};
        return true;
    }
    if (!PyBool_Check(key) && PyIndex_Check(key)) {
        const ref number = ref::take(PyNumber_Index(key));
        return number && read_integer_key(number.get(), to, storage);
    }
    if (key == Py_None) {
        PyErr_SetString(PyExc_ValueError, "Invalid key: None names a record only beside a digest, as fourth element");
    } else {
        PyErr_Format(PyExc_ValueError, "Invalid key: a user key is a str, int or bytes, not %.80s",
                     Py_TYPE(key)->tp_name);
    }
    return false;
}

bool check_key_tuple(PyObject* key) {
    if (!PyTuple_Check(key)) {
        PyErr_Format(PyExc_TypeError, "a key must be a tuple (namespace, set, user_key), not %.80s",
                     Py_TYPE(key)->tp_name);
        return false;
    }
    const Py_ssize_t size = PyTuple_GET_SIZE(key);
    if (size == 3 || size == 4) return true;
    PyErr_Format(PyExc_ValueError,
                 "a key must be (namespace, set, user_key) or (namespace, set, user_key, digest), got %zd elements",
                 size);
    return false;
}

// The digest a tuple carries, as a view of its bytes; empty when it has none. REQUIRES: a checked tuple
bool given_digest(PyObject* key, byte_view& to) {
    to = {};
    if (PyTuple_GET_SIZE(key) == 3) return true;
    PyObject* given = PyTuple_GET_ITEM(key, 3);
    if (given == Py_None) return true;
    if (!PyBytes_Check(given)) {
        PyErr_Format(PyExc_TypeError, "the digest of a key must be bytes, not %.80s", Py_TYPE(given)->tp_name);
        return false;
    }
    if (PyBytes_GET_SIZE(given) != static_cast<Py_ssize_t>(wire::digest_size)) {
        PyErr_Format(PyExc_ValueError, "the digest of a key must be 20 bytes, got %zd", PyBytes_GET_SIZE(given));
        return false;
    }
    to = {reinterpret_cast<const uint8_t*>(PyBytes_AS_STRING(given)), wire::digest_size};
    return true;
}

bool is_plain(PyObject* key) noexcept {
    return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key) || key == Py_None;
}

size_t content_hash(std::string_view name_space, std::string_view set) noexcept {
    return hash_short_text(set) ^ (hash_short_text(name_space) * 31);
}

// The very object that backs `text`, or another of equal content.
bool is_text(PyObject* object, const ref& backing, std::string_view text) noexcept {
    if (object == backing.get()) return true;
    if (!PyUnicode_Check(object) || !PyUnicode_IS_COMPACT_ASCII(object)) return false;
    const auto size = static_cast<size_t>(PyUnicode_GET_LENGTH(object));
    return size == text.size() && same_short_bytes(PyUnicode_1BYTE_DATA(object), text.data(), size);
}

}  // namespace

bool parse_key(PyObject* key, parsed_key& to) {
    if (!check_key_tuple(key)) return false;
    record_key& objects = to.objects;
    objects.name_space = ref::share(PyTuple_GET_ITEM(key, 0));
    objects.set = ref::share(PyTuple_GET_ITEM(key, 1));
    objects.user_key = ref::share(PyTuple_GET_ITEM(key, 2));
    byte_view digest_bytes;
    if (!text_argument(objects.name_space.get(), "the namespace", to.name_space) ||
        !text_argument(objects.set.get(), "the set", to.set) || !given_digest(key, digest_bytes)) {
        return false;
    }
    wire::key_view view;
    std::array<uint8_t, 8> storage;
    const bool digest_only = !digest_bytes.empty() && objects.user_key.get() == Py_None;
    if (!digest_only && !read_user_key(objects.user_key.get(), view, storage)) return false;
    if (!digest_bytes.empty()) {
        std::memcpy(objects.digest.data(), digest_bytes.data(), wire::digest_size);
        return true;
    }
    view.set = to.set;
    objects.digest = wire::digest_of(view);
    return true;
}

bool append_key_field(PyObject* user_key, buffer& to) {
    if (user_key == Py_None) return true;
    wire::key_view view;
    std::array<uint8_t, 8> storage;
    if (!read_user_key(user_key, view, storage)) return false;
    to.append_u8(static_cast<uint8_t>(view.type));
    to.append(view.value);
    return true;
}

PyObject* new_digest(const digest& which) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(which.data()),
                                     static_cast<Py_ssize_t>(which.size()));
}

PyObject* new_aerospike_key(PyObject* name_space, PyObject* set, PyObject* user_key, const digest& which) {
    return new_tuple(the_state.aerospike_key,
                     {new_ref(name_space), new_ref(set), new_ref(user_key), new_digest(which)});
}

PyObject* new_aerospike_key(const record_key& key) {
    return new_aerospike_key(key.name_space.get(), key.set.get(), key.user_key.get(), key.digest);
}

batch_keys& batch_keys::operator=(batch_keys&& other) noexcept {
    if (this == &other) return *this;
    clear();
    user_keys.swap(other.user_keys);
    digests.swap(other.digests);
    group_index.swap(other.group_index);
    groups.swap(other.groups);
    std::swap(plain, other.plain);
    std::swap(hashed, other.hashed);
    return *this;
}

void batch_keys::clear() noexcept {
    // Letting go of a key may run Python code that looks at this object: it must see it empty.
    const std::vector<PyObject*> let_go = std::exchange(user_keys, {});
    const std::vector<group> groups_let_go = std::exchange(groups, {});
    digests.clear();
    group_index.clear();
    for (PyObject* key : let_go) Py_DECREF(key);
}

bool batch_keys::digest_of(size_t row, aero::digest& to) const {
    if (!digests.empty()) return to = digests[row], true;
    wire::key_view view;
    std::array<uint8_t, 8> storage;
    if (!read_user_key(user_keys[row], view, storage)) return false;
    view.set = group_of(row).set_text;
    to = wire::digest_of(view);
    return true;
}

void batch_keys::forget_digests() noexcept {
    if (plain && hashed) std::vector<aero::digest>().swap(digests);
}

key_collector::key_collector(batch_keys& to, size_t expected)
    : to_(to), chunk_(expected < release_from ? small_chunk : large_chunk) {
    to.user_keys.reserve(expected);
    to.digests.reserve(expected);
    views_.reserve(std::min(chunk_, expected + 1));
}

bool key_collector::add(PyObject* key_tuple) {
    if (!check_key_tuple(key_tuple)) return false;
    byte_view digest_bytes;
    if (!find_group(PyTuple_GET_ITEM(key_tuple, 0), PyTuple_GET_ITEM(key_tuple, 1)) ||
        !given_digest(key_tuple, digest_bytes)) {
        return false;
    }
    PyObject* user_key = PyTuple_GET_ITEM(key_tuple, 2);
    if (digest_bytes.empty()) return add_user_key(user_key);
    wire::key_view unused;
    std::array<uint8_t, 8> storage;
    if (user_key != Py_None && !read_user_key(user_key, unused, storage)) return false;
    flush();
    note_group();
    to_.hashed = false;
    to_.plain = to_.plain && is_plain(user_key);
    digest given;
    std::memcpy(given.data(), digest_bytes.data(), given.size());
    to_.digests.push_back(given);
    to_.user_keys.push_back(new_ref(user_key));
    return true;
}

bool key_collector::use_group(PyObject* name_space, PyObject* set) { return find_group(name_space, set); }

bool key_collector::add_user_key(PyObject* user_key) {
    if (views_.size() == chunk_) flush();
    wire::key_view view;
    if (PyUnicode_CheckExact(user_key)) [[likely]] {
        std::string_view text;
        if (!text_of(user_key, text)) return false;
        view.value = as_bytes(text);
    } else {
        to_.plain = to_.plain && is_plain(user_key);
        if (integers_.capacity() == 0) integers_.reserve(chunk_);
        if (!read_user_key(user_key, view, integers_.emplace_back())) return false;
    }
    view.set = to_.groups[group_].set_text;
    note_group();
    views_.push_back(view);
    to_.user_keys.push_back(new_ref(user_key));
    return true;
}

// Appends the group of the row that is being added; the column starts with the second group.
void key_collector::note_group() {
    if (!to_.group_index.empty()) {
        to_.group_index.push_back(group_);
    } else if (group_ != 0) {
        to_.group_index.reserve(to_.user_keys.capacity());
        to_.group_index.assign(to_.user_keys.size(), 0);
        to_.group_index.push_back(group_);
    }
}

bool key_collector::find_group(PyObject* name_space, PyObject* set) {
    if (!to_.groups.empty()) {
        const batch_keys::group& last = to_.groups[group_];
        if (is_text(set, last.set, last.set_text) && is_text(name_space, last.name_space, last.name_space_text))
            return true;
    }
    std::string_view name_space_text, set_text;
    if (!text_argument(name_space, "the namespace", name_space_text) || !text_argument(set, "the set", set_text)) {
        return false;
    }
    if (slots_.size() < 2 * (to_.groups.size() + 1)) grow_slots();
    size_t slot = content_hash(name_space_text, set_text) & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
        const batch_keys::group& candidate = to_.groups[slots_[slot] - 1];
        if (candidate.set_text == set_text && candidate.name_space_text == name_space_text) {
            group_ = slots_[slot] - 1;
            return true;
        }
    }
    to_.groups.push_back({ref::share(name_space), ref::share(set), name_space_text, set_text});
    group_ = static_cast<uint32_t>(to_.groups.size() - 1);
    slots_[slot] = group_ + 1;
    return true;
}

void key_collector::grow_slots() {
    std::vector<uint32_t> wider(std::max<size_t>(32, slots_.size() * 2));
    for (uint32_t number = 0; number < to_.groups.size(); ++number) {
        const batch_keys::group& group = to_.groups[number];
        size_t slot = content_hash(group.name_space_text, group.set_text) & (wider.size() - 1);
        while (wider[slot] != 0) slot = (slot + 1) & (wider.size() - 1);
        wider[slot] = number + 1;
    }
    slots_.swap(wider);
}

void key_collector::flush() {
    if (views_.empty()) return;
    const size_t start = to_.digests.size();
    to_.digests.resize(start + views_.size());
    const std::span<digest> into{to_.digests.data() + start, views_.size()};
    if (views_.size() < release_from) {
        wire::digests_of(views_, into);
    } else {
        const gil_released others_run;  // the views are of immutable objects that user_keys and groups own
        wire::digests_of(views_, into);
    }
    views_.clear();
    integers_.clear();
}

bool parse_keys(PyObject* keys, batch_keys& to) {
    const bool is_list = PyList_Check(keys);
    ref held = ref::share(keys);
    if (!is_list && !PyTuple_Check(keys)) {
        if (PyUnicode_Check(keys) || PyBytes_Check(keys) || PyDict_Check(keys)) {
            PyErr_Format(PyExc_TypeError, "keys must be a list of key tuples, not %.80s", Py_TYPE(keys)->tp_name);
            return false;
        }
        held = ref::take(PySequence_Tuple(keys));
        if (!held) return false;
    }
    const Py_ssize_t count = is_list ? PyList_GET_SIZE(keys) : PyTuple_GET_SIZE(held.get());
    key_collector collector(to, static_cast<size_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        const ref key = is_list ? ref::take(list_item(keys, i)) : ref::share(PyTuple_GET_ITEM(held.get(), i));
        if (!key) {
            PyErr_SetString(PyExc_RuntimeError, "the list of keys changed size while it was read");
            return false;
        }
        if (!collector.add(key.get())) return false;
    }
    collector.finish();
    return true;
}

}  // namespace aero::py
