// Whole batch requests: keys, what is asked of each row, and the bytes that back the views of a `batch_request`.
//
// A batch_call owns everything its request points to. Functions give false with an exception set.
#pragma once

#include <vector>

#include "convert/bins.h"
#include "convert/key.h"
#include "convert/policy.h"

namespace aero::py {

// What a batch asks for, whole; moves cheaply.
class batch_call {
  public:
    batch_keys keys;
    batch_options options;

    // keys, bins=None | list, policy
    bool read(PyObject* keys_given, PyObject* bins, PyObject* policy, bool strict);
    // [(key, bins) | (key, bins, meta)], policy
    bool write(PyObject* records, PyObject* policy, bool strict);
    // [key | (key, meta)], policy
    bool remove(PyObject* keys_given, PyObject* policy, bool strict);
    // data, namespace, set_name, dtype, key_field, policy
    bool write_numpy(PyObject* data, PyObject* name_space, PyObject* set, PyObject* dtype, PyObject* key_field,
                     PyObject* policy, bool strict);

    // Views into this object, which must not change while they are used.
    batch_request request() const noexcept;
    // A request of some of the rows, for retries; `part` backs it.
    struct part {
        std::vector<uint32_t> rows;  // indexes into the whole, in the order of the part
        std::vector<aero::digest> digests;
        std::vector<uint32_t> template_of;
        std::vector<std::span<const uint8_t>> key_fields;
    };
    batch_request request(part& of) const;  // REQUIRES: of.rows is set; the rest is filled here

  private:
    struct row_bytes;
    void finish_rows(const std::vector<row_bytes>& rows);
    void finish_groups();

    op_list shared_;                     // operations of every row, for reads
    buffer bytes_;                       // operations and key fields of single rows
    std::vector<row_template> templates_;
    std::vector<uint32_t> template_of_;  // one per row; empty when all rows use templates_[0]
    std::vector<std::span<const uint8_t>> key_fields_;  // one per row, or empty
    bool writes_ = false;
};

}  // namespace aero::py
