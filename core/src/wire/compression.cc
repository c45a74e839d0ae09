#include "wire/compression.h"

#ifdef AERO_HAVE_ZLIB
#include <zlib.h>
#endif

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <new>

namespace aero::wire {

#ifdef AERO_HAVE_ZLIB

namespace {

constexpr size_t packed_head_size = frame_header_size + sizeof(uint64_t);
// Room that is made for what comes out of a stream; more only once this is full.
constexpr size_t room_first = 16 << 10;

// Memory for a compressor is proportional to the window, and a small message needs a small one.
struct effort {
    int window_bits;
    int memory_level;
};
effort effort_for(size_t size) noexcept {
    const int bits = std::clamp(static_cast<int>(std::bit_width(size)), 9, 15);
    return {bits, std::clamp(bits - 6, 3, 8)};
}

// What zlib said of bytes. Its want of memory is nothing that a peer did.
int unless_starved(int said) {
    if (said == Z_MEM_ERROR) throw std::bad_alloc();
    return said;
}

}  // namespace

bool can_compress() noexcept { return true; }

std::optional<buffer> compress_frame(byte_view frame) {
    assert(frame.size() >= frame_header_size && frame.size() <= frame_header_size + body_size_max);
    if (frame.size() <= compress_above) return std::nullopt;
    const effort how = effort_for(frame.size());
    // One byte short of the frame: what needs more is sent as it is.
    buffer packed(frame.size() - 1);
    z_stream stream{};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, how.window_bits, how.memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
        return std::nullopt;
    stream.next_in = const_cast<uint8_t*>(frame.data());
    stream.avail_in = static_cast<uInt>(frame.size());
    stream.next_out = packed.data() + packed_head_size;
    stream.avail_out = static_cast<uInt>(packed.capacity() - packed_head_size);
    const bool fits = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    const size_t size = packed_head_size + stream.total_out;
    deflateEnd(&stream);
    if (!fits) return std::nullopt;
    encode_frame_header(packed.data(), frame_type::compressed, size - frame_header_size);
    store_be(packed.data() + frame_header_size, uint64_t{frame.size()});
    packed.resize(size);
    return packed;
}

struct unpacker::inflation {
    z_stream stream{};
    bool ready = false;    // the stream is initialised
    bool ended = false;    // the stream under way has said so itself
    bool checked = false;  // the frame inside was looked at
    size_t announced = 0;
    size_t produced = 0;

    ~inflation() {
        if (ready) inflateEnd(&stream);
    }
    bool begin(uint64_t size) {
        if (size < frame_header_size + message_header_size || size > frame_header_size + body_size_max) return false;
        announced = static_cast<size_t>(size);
        produced = 0;
        ended = checked = false;
        if (ready) return inflateReset(&stream) == Z_OK;
        return ready = unless_starved(inflateInit(&stream)) == Z_OK;
    }
    // What comes out is one record message that fills the announced size. Looked at as soon as its header is there.
    bool is_allowed(const buffer& to) {
        if (checked || produced < frame_header_size) return true;
        const auto inside = decode_frame_header(to.data() + to.size() - produced);
        checked = true;
        return inside && inside->type == frame_type::message && frame_header_size + inside->body_size == announced;
    }
    bool run(byte_view bytes, buffer& to);
};

// Everything of `bytes` is used up, or the stream is not what was announced.
bool unpacker::inflation::run(byte_view bytes, buffer& to) {
    stream.next_in = const_cast<uint8_t*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    while (!ended) {
        const size_t wanted = announced - produced;
        uint8_t beyond = 0;  // where the first byte too many would land
        if (wanted == 0) {
            stream.next_out = &beyond;
            stream.avail_out = 1;
        } else {
            if (to.capacity() == to.size())
                to.reserve_exactly(to.size() + std::min(wanted, std::max(room_first, produced)));
            stream.next_out = to.data() + to.size();
            stream.avail_out = static_cast<uInt>(std::min(wanted, to.capacity() - to.size()));
        }
        const uInt room = stream.avail_out;
        const int said = unless_starved(inflate(&stream, Z_NO_FLUSH));
        const size_t made = room - stream.avail_out;
        if (wanted == 0 && made != 0) return false;
        to.commit(made);
        produced += made;
        if (!is_allowed(to)) return false;
        if (said == Z_STREAM_END)
            ended = true;
        else if (said != Z_OK && said != Z_BUF_ERROR)
            return false;
        else if (stream.avail_out != 0)
            break;  // it has taken all there is
    }
    return stream.avail_in == 0;
}

bool unpacker::read_head(byte_view& bytes, buffer& to) {
    const size_t wanted = compressed_ ? head_size_max : frame_header_size;
    const size_t count = std::min(bytes.size(), wanted - head_size_);
    std::copy_n(bytes.data(), count, head_ + head_size_);
    head_size_ += count;
    bytes = bytes.subspan(count);
    if (head_size_ < wanted) return true;
    if (compressed_) {
        if (!how_) how_ = std::make_unique<inflation>();
        return how_->begin(load_be<uint64_t>(head_ + frame_header_size));
    }
    const auto header = decode_frame_header(head_);
    if (!header) return false;
    left_ = header->body_size;
    if (header->type != frame_type::compressed) {
        to.append({head_, frame_header_size});
        if (left_ == 0) head_size_ = 0;
        return true;
    }
    if (left_ <= sizeof(uint64_t)) return false;
    left_ -= sizeof(uint64_t);
    compressed_ = true;
    if (how_) how_->produced = 0;
    return true;
}

bool unpacker::inflate_some(byte_view bytes, buffer& to) {
    if (!how_->run(bytes, to)) return false;
    left_ -= bytes.size();
    if (left_ != 0) return true;
    if (!how_->ended || how_->produced != how_->announced) return false;
    compressed_ = false;
    head_size_ = 0;
    return true;
}

size_t unpacker::unproven() const noexcept { return compressed_ && how_ ? how_->produced : 0; }

bool unpacker::feed(byte_view bytes, buffer& to) {
    while (!bytes.empty()) {
        if (head_size_ < (compressed_ ? head_size_max : frame_header_size)) {
            if (!read_head(bytes, to)) return false;
            continue;
        }
        const byte_view part = bytes.first(std::min(bytes.size(), left_));
        bytes = bytes.subspan(part.size());
        if (compressed_) {
            if (!inflate_some(part, to)) return false;
            continue;
        }
        to.append(part);
        left_ -= part.size();
        if (left_ == 0) head_size_ = 0;
    }
    return true;
}

#else

bool can_compress() noexcept { return false; }
std::optional<buffer> compress_frame(byte_view) { return std::nullopt; }
struct unpacker::inflation {};
bool unpacker::feed(byte_view, buffer&) { return false; }
size_t unpacker::unproven() const noexcept { return 0; }

#endif

void compress_from(buffer& to, size_t start) {
    const auto packed = compress_frame(to.view().subspan(start));
    if (!packed) return;
    to.resize(start);
    to.append(packed->view());
}

unpacker::unpacker() noexcept = default;
unpacker::~unpacker() = default;
unpacker::unpacker(unpacker&&) noexcept = default;
unpacker& unpacker::operator=(unpacker&&) noexcept = default;

}  // namespace aero::wire
