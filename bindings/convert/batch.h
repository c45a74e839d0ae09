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
    // data, namespace, set_name, dtype, key_field ("_key" when null), policy
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
    friend class row_collector;

    op_list shared_;   // operations of every row, for reads
    buffer row_ops_;   // operations of single rows
    buffer row_keys_;  // key fields of single rows
    std::vector<row_template> templates_;
    std::vector<uint32_t> template_of_;                 // one per row; empty when all rows use templates_[0]
    std::vector<std::span<const uint8_t>> key_fields_;  // one per row, or empty
    bool writes_ = false;
};

// Collects the rows of a writing batch into a batch_call. A row equal to the one before it shares its template, which
// the wire then repeats in 25 bytes.
class row_collector {
  public:
    row_collector(batch_call& to, size_t rows_expected);

    // One row: its key is added to `keys()` first, then its operations to `ops()`, then `end_row` with how it writes.
    key_collector& keys() noexcept { return keys_; }
    op_list& ops() noexcept { return ops_; }
    bool end_row(const write_rules& rules);
    void finish();  // hashes the keys and makes the views of the request

  private:
    struct row {
        write_rules rules;
        uint32_t group = 0;
        size_t ops_start = 0, ops_size = 0;
        uint16_t op_count = 0;
        uint8_t info2 = 0;
    };
    bool repeats(const row& next) const noexcept;

    batch_call& to_;
    key_collector keys_;
    op_list ops_;                                        // bytes of all rows; the rest is of the row being made
    std::vector<row> shapes_;                            // one per template
    std::vector<std::pair<size_t, size_t>> key_fields_;  // start and size, one per row
    size_t row_start_ = 0;
    bool any_key_field_ = false;
};

}  // namespace aero::py
