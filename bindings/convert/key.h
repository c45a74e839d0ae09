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
#include "wire/digest.h"

namespace aero::py {

// The caller's own objects and the digest: what results carry. Owns its references.
struct record_key {
    ref name_space;
    ref set;
    ref user_key;  // None when the record was named by its digest only
    aero::digest digest{};
};

// One key ready for a request. The views are of strs that `objects` owns.
struct parsed_key {
    record_key objects;
    std::string_view name_space;
    std::string_view set;
};
bool parse_key(PyObject* key, parsed_key& to);
// Particle type byte and value, for POLICY_KEY_SEND; appends nothing for a key known by its digest only.
bool append_key_field(PyObject* user_key, buffer& to);

PyObject* new_digest(const digest& which);  // bytes
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
    // The digest of a row, hashed anew where it was forgotten. False with an exception.
    bool digest_of(size_t row, aero::digest& to) const;
    // Lets go of the digests where the keys give them back: they would be a tenth of what a kept result holds.
    void forget_digests() noexcept;

    std::vector<PyObject*> user_keys;   // owned; None where only a digest is known
    std::vector<aero::digest> digests;  // one per row, or empty once forgotten
    std::vector<uint32_t> group_index;  // one per row, or empty when there is one group at most
    std::vector<group> groups;
    bool plain = true;   // every user key is exactly a str, int, bytes or None: nothing for the collector
    bool hashed = true;  // every digest is that of its key; none came with it
};

// Reads a list, tuple or other iterable of key tuples in one pass and hashes them, without the GIL from some thousand
// rows on.
bool parse_keys(PyObject* keys, batch_keys& to);

// The same, row by row, for inputs that hold keys among other things.
class key_collector {
  public:
    key_collector(batch_keys& to, size_t expected);

    bool add(PyObject* key_tuple);
    // For rows of one namespace and set that come without tuples: `use_group` once, then a user key per row.
    bool use_group(PyObject* name_space, PyObject* set);
    bool add_user_key(PyObject* user_key);
    void finish() { flush(); }  // hashes what is not hashed yet
    uint32_t last_group() const noexcept { return group_; }

  private:
    bool find_group(PyObject* name_space, PyObject* set);
    void note_group();
    void grow_slots();
    void flush();

    batch_keys& to_;
    size_t chunk_;                                  // keys hashed together
    std::vector<wire::key_view> views_;             // of the last views_.size() rows, not hashed yet
    std::vector<std::array<uint8_t, 8>> integers_;  // bytes of integer keys among them; never grows
    std::vector<uint32_t> slots_;                   // open addressing: group + 1 by content, 0 = free
    uint32_t group_ = 0;
};

}  // namespace aero::py
