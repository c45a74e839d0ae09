// Rows of a batch copied into a structured array. Touches no Python object, so it runs without the GIL.
//
// Errors are kept as numbers: the caller says them once it is attached again.
#pragma once

#include "aero/request.h"
#include "results/dtype.h"
#include "wire/protocol.h"

namespace aero::py {

struct fill_problem {
    enum class what : uint8_t { none, bad_bytes, unreadable, misfit };
    what kind = what::none;
    size_t row = 0;
    const dtype_field* field = nullptr;
    wire::particle particle = wire::particle::null;
};

struct fill_target {
    uint8_t* rows;   // reply.rows.size() rows of layout.row_size bytes, zeroed
    uint32_t* meta;  // generation and ttl, twice as many, zeroed
    int32_t* codes;
};

fill_problem fill_arrays(const batch_reply& reply, const dtype_layout& layout, const fill_target& to,
                         int64_t now_s) noexcept;

}  // namespace aero::py
