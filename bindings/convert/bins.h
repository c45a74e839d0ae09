// Bins and operations: dicts and lists of Python to the operations of a request.
//
// Functions give false with an exception set; what was appended by then is of no use.
#pragma once

#include "base/buffer.h"
#include "compat.h"
#include "wire/protocol.h"

namespace aero::py {

// Finished operations and the header bits they need.
struct op_list {
    buffer bytes;
    uint16_t count = 0;
    uint8_t info1 = 0;
    uint8_t info2 = 0;
    bool writes() const noexcept { return (info2 & wire::info2::write) != 0; }
    void clear() noexcept {
        bytes.clear();
        count = 0;
        info1 = info2 = 0;
    }
};

// put: WRITE per bin; None deletes the bin.
bool parse_bins(PyObject* bins, op_list& to);
// select and the `bins` of batch_read: READ per name. None: every bin; an empty list: no bins at all (metadata only).
bool parse_bin_names(PyObject* names, op_list& to);
// remove_bin: WRITE of nothing per name.
bool parse_removed_bins(PyObject* names, op_list& to);
// append, prepend (str, bytes) and increment (int, float): one operation.
bool parse_modification(wire::op_code code, PyObject* bin, PyObject* value, op_list& to);
// operate: a list of operation dicts. `every_op_answers` asks for one response per operation (operate_ordered).
bool parse_ops(PyObject* ops, bool every_op_answers, op_list& to);
// get, exists, touch, remove: no Python values involved.
void every_bin(op_list& to) noexcept;  // READ | GET_ALL
void no_bins(op_list& to) noexcept;    // READ | GET_NO_BINS
void touch_op(op_list& to);
void delete_record(op_list& to) noexcept;  // WRITE | DELETE

}  // namespace aero::py
