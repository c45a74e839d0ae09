#include "convert/bin_names.h"

#include <array>
#include <atomic>
#include <cstring>
#include <new>

namespace aero::py {

namespace {

constexpr size_t slots = 4096;      // a power of two
constexpr size_t names_max = 2048;  // half of them, so that probes stay short

constinit std::array<std::atomic<bin_name*>, slots> table{};
constinit std::atomic<size_t> names{0};

PyObject* new_interned(std::string_view name) {
    PyObject* text = new_text(name);
    if (text != nullptr) PyUnicode_InternInPlace(&text);
    return text;
}

bin_name* new_entry(std::string_view name) {
    ref text = ref::take(new_interned(name));
    if (!text) return nullptr;
    auto* entry = new (std::nothrow) bin_name;
    if (entry == nullptr) return PyErr_NoMemory(), nullptr;
    entry->hash = PyObject_Hash(text.get());
    entry->text = text.release();
    entry->size = static_cast<uint8_t>(name.size());
    std::memcpy(entry->bytes, name.data(), name.size());
    return entry;
}

}  // namespace

const bin_name* find_bin_name(std::string_view name) {
    if (name.size() > wire::bin_name_size_max) return nullptr;
    bin_name* made = nullptr;
    for (size_t slot = hash_short_text(name) & (slots - 1);; slot = (slot + 1) & (slots - 1)) {
        bin_name* entry = table[slot].load(std::memory_order_acquire);
        if (entry == nullptr) {
            if (made == nullptr) {
                if (names.load(std::memory_order_relaxed) >= names_max) return nullptr;
                made = new_entry(name);
                if (made == nullptr) return nullptr;
            }
            if (table[slot].compare_exchange_strong(entry, made, std::memory_order_acq_rel)) {
                names.fetch_add(1, std::memory_order_relaxed);
                return made;
            }
        }
        if (entry->is(name)) {
            if (made != nullptr) {  // another thread came first
                Py_DECREF(made->text);
                delete made;
            }
            return entry;
        }
    }
}

PyObject* new_bin_name(std::string_view name) {
    const bin_name* known = find_bin_name(name);
    if (known != nullptr) return new_ref(known->text);
    return PyErr_Occurred() != nullptr ? nullptr : new_text(name);
}

}  // namespace aero::py
