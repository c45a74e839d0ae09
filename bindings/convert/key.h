// Keys: tuples of Python to digests, and the objects that come back in results.
//
//     (namespace, set, user_key)              user_key: str, int or bytes
//     (namespace, set, user_key | None, digest)
//
// Parsing never runs with a raw pointer into something Python code may change: every object that is needed later is
// owned. Functions that return bool give false with an exception set.
#pragma once

#include <vector>

#include "aero/request.h"
#include "base/buffer.h"
#include "compat.h"

namespace aero::py {

// The caller's own objects and the digest: what results carry. Owns its references.
struct record_key {
    ref name_space;
    ref set;
    ref user_key;  // None when the record was named by its digest only
    aero::digest digest{};
};

// One key ready for a request. The views point into `objects` and into this object: do not move it while they are used.
struct parsed_key {
    record_key objects;
    std::string_view name_space;
    std::string_view set;
};
bool parse_key(PyObject* key, parsed_key& to);
// Particle type byte and value, for POLICY_KEY_SEND; appends nothing for a key known by its digest only.
bool append_key_field(const record_key& key, buffer& to);

// An AerospikeKey; a new reference or null.
PyObject* new_aerospike_key(const record_key& key);
PyObject* new_aerospike_key(PyObject* name_space, PyObject* set, PyObject* user_key, const digest& which);

// Keys of a batch, column by column. Rows of equal (namespace, set) share a group. Owns its references: destroy it with
// an attached thread state.
class batch_keys {
  public:
    struct group {
        ref name_space;
        ref set;
        std::string_view name_space_text;
        std::string_view set_text;
    };

    batch_keys() = default;
    batch_keys(batch_keys&& other) noexcept = default;
    batch_keys& operator=(batch_keys&& other) noexcept;
    ~batch_keys() { clear(); }

    size_t size() const noexcept { return user_keys.size(); }
    const group& group_of(size_t row) const noexcept { return groups[group_index.empty() ? 0 : group_index[row]]; }
    void clear() noexcept;
    // A copy of the rows in `from` .. `from + count`.
    batch_keys slice(size_t from, size_t count) const;

    std::vector<PyObject*> user_keys;    // owned; None where only a digest is known
    std::vector<aero::digest> digests;
    std::vector<uint32_t> group_index;   // one per row, or empty when there is one group at most
    std::vector<group> groups;
};

// Reads a list, tuple or other iterable of key tuples in one pass and hashes them, without the GIL from some thousand
// rows on.
bool parse_keys(PyObject* keys, batch_keys& to);

// The same, row by row, for inputs that hold keys among other things. `add` takes the key tuple; `finish` hashes.
class key_collector {
  public:
    key_collector(batch_keys& to, size_t expected);
    ~key_collector();
    key_collector(const key_collector&) = delete;
    key_collector& operator=(const key_collector&) = delete;

    bool add(PyObject* key_tuple);
    // The same for rows of one namespace and set that are not tuples: `use_group` once, then a user key per row.
    bool use_group(PyObject* name_space, PyObject* set);
    bool add_user_key(PyObject* user_key);
    void finish();  // hashes what is not hashed yet

  private:
    struct pending;
    bool find_group(PyObject* name_space, PyObject* set);
    bool take_user_key(PyObject* user_key);
    void take_digest(PyObject* user_key, const uint8_t* bytes);
    void flush();

    batch_keys& to_;
    pending* pending_;
    uint32_t group_ = 0;
};

}  // namespace aero::py
