// The rows of a batch as dicts and lists. Pure conversions: they keep nothing and change nothing.
//
// The caller owns reply and keys for the length of the call. New references, or null with an exception.
#pragma once

#include <span>
#include <vector>

#include "aero/request.h"
#include "convert/key.h"
#include "convert/row_decoder.h"

namespace aero::py {

// Decodes rows one after the other; keeps a decoder per set, so that sets with other bins do not disturb each other.
class batch_decoder {
  public:
    batch_decoder(const batch_reply& reply, const batch_keys& keys);
    PyObject* bins(size_t row);  // {name: value} of a row. REQUIRES: the row is ok

  private:
    static constexpr size_t decoders_max = 16;

    const batch_reply& reply_;
    const batch_keys& keys_;
    std::vector<row_decoder> decoders_;
};

// A found row with a user key is part of the dict forms.
inline bool in_dict(const batch_reply& reply, const batch_keys& keys, size_t row) noexcept {
    return reply.rows[row].ok() && keys.user_keys[row] != Py_None;
}

// {user_key: bins}. Equal user keys collapse, the last row wins; `collided` tells whether rows of different sets did.
PyObject* new_user_key_dict(const batch_reply& reply, const batch_keys& keys, bool& collided);
PyObject* new_key_dict(const batch_reply& reply, const batch_keys& keys);  // {(namespace, set, user_key): bins}
PyObject* new_set_dict(const batch_reply& reply, const batch_keys& keys);  // {set: {user_key: bins}}
// One dict or None per row; also batch_read_ordered.
PyObject* new_dict_list(const batch_reply& reply, const batch_keys& keys);
// batch_read_many: one dict per group of keys out of one wire batch. `sizes` are the numbers of keys of the groups.
PyObject* new_dicts(const batch_reply& reply, const batch_keys& keys, std::span<const size_t> sizes);
// How many entries new_user_key_dict would have; -1 with an exception.
Py_ssize_t count_user_keys(const batch_reply& reply, const batch_keys& keys);

}  // namespace aero::py
