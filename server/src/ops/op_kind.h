// What each operation code is, by family. One table, so that reads and writes agree on it.
#pragma once

#include "wire/protocol.h"

namespace aero_server {

inline bool is_modify(aero::wire::op_code op) noexcept {
    using aero::wire::op_code;
    return op == op_code::incr || op == op_code::append || op == op_code::prepend;
}
// Operations of lists and maps, bits, sketches and expressions, which this server does not carry out.
inline bool is_foreign_read(aero::wire::op_code op) noexcept {
    using aero::wire::op_code;
    return op == op_code::cdt_read || op == op_code::bits_read || op == op_code::hll_read || op == op_code::exp_read;
}
inline bool is_foreign_modify(aero::wire::op_code op) noexcept {
    using aero::wire::op_code;
    return op == op_code::cdt_modify || op == op_code::bits_modify || op == op_code::hll_modify ||
           op == op_code::exp_modify;
}

}  // namespace aero_server
