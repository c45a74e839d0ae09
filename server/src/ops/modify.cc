// INCR, APPEND and PREPEND.
#include <bit>

#include "ops/apply.h"
#include "values/particle.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::code;
using wire::particle;

namespace {

code increment(bin& b, byte_view by, arena& memory) {
    uint8_t* to = memory.take(8);
    const auto held = aero::load_be<uint64_t>(b.value.data());
    const auto operand = aero::load_be<uint64_t>(by.data());
    if (b.type == particle::integer) {
        aero::store_be(to, held + operand);  // wraps around without an error
    } else {
        aero::store_be(to, std::bit_cast<uint64_t>(std::bit_cast<double>(held) + std::bit_cast<double>(operand)));
    }
    b.value = {to, 8};
    return code::ok;
}

code join(bin& b, byte_view first, byte_view second, arena& memory) {
    uint8_t* to = memory.take(first.size() + second.size());
    if (!first.empty()) std::memcpy(to, first.data(), first.size());
    if (!second.empty()) std::memcpy(to + first.size(), second.data(), second.size());
    b.value = {to, first.size() + second.size()};
    return code::ok;
}

}  // namespace

code apply_modify(write_work& work, const wire::op_view& op) {
    const bool counts = op.code == wire::op_code::incr;
    const bool fits = counts ? op.type == particle::integer || op.type == particle::floating
                             : op.type == particle::string || op.type == particle::blob;
    if (!fits) return code::bin_type;
    byte_view value = op.value;
    if (const code bad = accept_value(op.type, value, work.memory); bad != code::ok) return bad;
    bin* held = work.bins.find(op.name);
    if (held == nullptr) {  // a missing bin starts from the operand
        bin& made = work.bins.find_or_add(op.name);
        made.type = op.type;
        made.value = value;
        return code::ok;
    }
    if (held->type != op.type) return code::bin_type;
    if (counts) return increment(*held, value, work.memory);
    if (op.code == wire::op_code::append) return join(*held, held->value, value, work.memory);
    return join(*held, value, held->value, work.memory);
}

}  // namespace aero_server
