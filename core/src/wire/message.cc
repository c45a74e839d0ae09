#include "wire/message.h"

#include <cassert>

namespace aero::wire {

namespace {

constexpr size_t fixed_size = frame_header_size + message_header_size;

size_t op_head_size(std::string_view name) noexcept { return 4 + op_fixed_size + name.size(); }

// What stands before an operation's value.
void write_op_head(uint8_t* at, op_code code, particle type, std::string_view name, size_t value_size, uint8_t flags) {
    assert(name.size() <= 255);
    store_be(at, static_cast<uint32_t>(op_fixed_size + name.size() + value_size));
    at[4] = static_cast<uint8_t>(code);
    at[5] = static_cast<uint8_t>(type);
    at[6] = flags;
    at[7] = static_cast<uint8_t>(name.size());
    copy_bytes(at + 8, as_bytes(name).data(), name.size());
}

}  // namespace

std::optional<frame_header> decode_frame_header(const uint8_t* bytes) noexcept {
    const auto word = load_be<uint64_t>(bytes);
    const auto version = static_cast<uint8_t>(word >> 56);
    const auto type = static_cast<uint8_t>(word >> 48);
    const auto body_size = static_cast<size_t>(word & 0xFFFF'FFFF'FFFF);
    if (version != protocol_version || type < 1 || type > 4 || body_size > body_size_max) return std::nullopt;
    return frame_header{static_cast<frame_type>(type), body_size};
}

void encode_frame_header(uint8_t* to, frame_type type, size_t body_size) noexcept {
    store_be(to, uint64_t{protocol_version} << 56 | uint64_t{static_cast<uint8_t>(type)} << 48 | uint64_t{body_size});
}

void encode_message_header(uint8_t* to, const message_header& header) noexcept {
    to[0] = static_cast<uint8_t>(message_header_size);
    to[1] = header.info1;
    to[2] = header.info2;
    to[3] = header.info3;
    to[4] = header.info4;
    to[5] = header.result_code;
    store_be(to + 6, header.generation);
    store_be(to + 10, header.ttl);
    store_be(to + 14, header.transaction_ttl);
    store_be(to + 18, header.fields);
    store_be(to + 20, header.ops);
}

field_view read_field(reader& from) noexcept {
    const auto size = from.be<uint32_t>();
    if (size == 0) {  // the size counts the type byte
        from.fail();
        return {};
    }
    const auto type = static_cast<field_type>(from.u8());
    return {type, from.take(size - 1)};
}

void skip_fields(reader& from, unsigned count) noexcept {
    for (; count != 0 && from.ok(); --count) {
        const auto size = from.be<uint32_t>();
        if (size == 0) from.fail();
        from.take(size);
    }
}

void append_field(buffer& to, field_type type, byte_view data) {
    assert(data.size() < body_size_max);
    const size_t size = 5 + data.size();
    uint8_t* at = to.room(size);
    store_be(at, static_cast<uint32_t>(data.size() + 1));
    at[4] = static_cast<uint8_t>(type);
    copy_bytes(at + 5, data.data(), data.size());
    to.commit(size);
}

void append_op(buffer& to, op_code code, particle type, std::string_view name, byte_view value, uint8_t flags) {
    assert(value.size() < body_size_max);
    const size_t head = op_head_size(name), size = head + value.size();
    uint8_t* at = to.room(size);
    write_op_head(at, code, type, name, value.size(), flags);
    copy_bytes(at + head, value.data(), value.size());
    to.commit(size);
}

size_t begin_op(buffer& to, op_code code, particle type, std::string_view name, uint8_t flags) {
    const size_t start = to.size(), size = op_head_size(name);
    write_op_head(to.room(size), code, type, name, 0, flags);
    to.commit(size);
    return start;
}

void end_op(buffer& to, size_t start) noexcept {
    assert(start + 4 + op_fixed_size <= to.size());
    store_be(to.data() + start, static_cast<uint32_t>(to.size() - start - 4));
}

message_writer::message_writer(buffer& to) : to_(to), start_(to.size()) {
    to_.room(fixed_size);
    to_.commit(fixed_size);
}

void message_writer::finish(frame_type type) {
    uint8_t* at = to_.data() + start_;
    encode_frame_header(at, type, to_.size() - start_ - frame_header_size);
    encode_message_header(at + frame_header_size, header_);
}

uint32_t ttl_from_void_time(uint32_t void_time, int64_t now_s) noexcept {
    if (void_time == 0) return ttl_never;
    const int64_t left = int64_t{void_time} + epoch_offset_s - now_s;
    if (left < 1) return 1;
    return left < ttl_never ? static_cast<uint32_t>(left) : ttl_never - 1;
}

}  // namespace aero::wire
