// Input: a step, then a stream of frames, some compressed. All at once, in pieces of the step and byte by byte it means
// the same; what comes out are record messages that pack and unpack to themselves.
#include "testing/fuzz.h"
#include "wire/compression.h"

using namespace aero;
using namespace aero::wire;

namespace {

// What a stream may at most become per byte of it, by the nature of deflate, and what is fixed.
constexpr size_t growth_max = 1040;

bool unpack(byte_view bytes, size_t step, buffer& to, bool& whole) {
    unpacker how;
    while (!bytes.empty()) {
        const size_t count = std::min(step, bytes.size());
        if (!how.feed(bytes.first(count), to)) return false;
        bytes = bytes.subspan(count);
    }
    whole = how.between_frames();
    return true;
}

// A frame of ours is read as what it was made of.
void check_packing(byte_view frame) {
    const auto packed = compress_frame(frame);
    if (!packed) return;
    FUZZ_CHECK(frame.size() > compress_above && packed->size() < frame.size());
    buffer back;
    bool whole = false;
    FUZZ_CHECK(unpack(packed->view(), packed->size(), back, whole) && whole);
    FUZZ_CHECK(aero::tests::same_bytes(back.view(), frame));
}

void check_frames(byte_view frames) {
    while (frames.size() >= frame_header_size) {
        const auto header = decode_frame_header(frames.data());
        FUZZ_CHECK(header && header->type != frame_type::compressed);
        const size_t size = frame_header_size + header->body_size;
        if (size > frames.size()) return;
        if (header->type == frame_type::message && header->body_size >= message_header_size)
            check_packing(frames.first(size));
        frames = frames.subspan(size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const byte_view stream{data + 1, size - 1};
    const size_t step = data[0] % 64 + 1;
    buffer at_once, in_pieces;
    bool whole = false, also_whole = false;
    const bool good = unpack(stream, SIZE_MAX, at_once, whole);
    FUZZ_CHECK(unpack(stream, step, in_pieces, also_whole) == good);
    FUZZ_CHECK(at_once.capacity() <= stream.size() * growth_max * 2 + (64 << 10));
    if (!good) return 0;
    FUZZ_CHECK(whole == also_whole && aero::tests::same_bytes(at_once.view(), in_pieces.view()));
    check_frames(at_once.view());
    return 0;
}
