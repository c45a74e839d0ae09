#include "testing/sim_packing.h"

#include <zlib.h>

#include <cstdlib>

namespace aero::tests {
namespace {

constexpr size_t header_size = 8, packed_header_size = header_size + 8;
constexpr uint8_t version = 2, compressed = 4;

}  // namespace

std::optional<buffer> unpacked_frame(byte_view frame) {
    if (frame.size() < packed_header_size || frame[1] != compressed) return std::nullopt;
    const auto announced = load_be<uint64_t>(frame.data() + header_size);
    constexpr uint64_t announced_max = 1 << 20;  // no client of a simulation asks for more
    if (announced > announced_max) return std::nullopt;
    buffer made;
    uLongf size = static_cast<uLongf>(announced);
    const int done = uncompress(made.room(size), &size, frame.data() + packed_header_size,
                                static_cast<uLong>(frame.size() - packed_header_size));
    if (done != Z_OK || size != announced) return std::nullopt;
    made.commit(size);
    return made;
}

buffer packed_frame(byte_view frame, packing_lie how) {
    buffer inside;
    inside.append(frame);
    if (how == packing_lie::holds_too_much) inside.append("more than was announced");
    uLongf size = compressBound(static_cast<uLong>(inside.size()));
    buffer made;
    made.room(packed_header_size + size);
    if (compress(made.data() + packed_header_size, &size, inside.data(), static_cast<uLong>(inside.size())) != Z_OK)
        std::abort();                           // there is room for any
    if (how == packing_lie::is_cut) size -= 5;  // what sums it up, and the last of it
    uint64_t announced = frame.size();
    if (how == packing_lie::announces_less) announced -= 1;
    if (how == packing_lie::announces_more) announced += 1;
    if (how == packing_lie::is_damaged) made.data()[packed_header_size + size / 2] ^= 0x10;
    store_be(made.data(), uint64_t{version} << 56 | uint64_t{compressed} << 48 | (8 + size));
    store_be(made.data() + header_size, announced);
    made.commit(packed_header_size + size);
    return made;
}

}  // namespace aero::tests
