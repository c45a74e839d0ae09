// Record messages (type 3): the framing header, the message header, fields and operations.
//
//     | version | type | body length (48 bits) |  22 bytes of header | fields ... | operations ... |
//     `------------ 8 bytes ------------------'`------------------- body -----------------------'
//
// Views point into the caller's bytes and own nothing. Decoders check every length and never trust one; encoders write
// exactly what a decoder of ours reads back.
#pragma once

#include <optional>

#include "base/buffer.h"
#include "base/reader.h"
#include "wire/protocol.h"

namespace aero::wire {

struct frame_header {
    frame_type type;
    size_t body_size;
};
// Nothing when the version, the type or the length is not one the protocol allows. REQUIRES: 8 bytes.
std::optional<frame_header> decode_frame_header(const uint8_t* bytes) noexcept;
void encode_frame_header(uint8_t* to, frame_type type, size_t body_size) noexcept;

// The 22 bytes, request and response alike.
struct message_header {
    uint8_t info1 = 0;
    uint8_t info2 = 0;
    uint8_t info3 = 0;
    uint8_t info4 = 0;
    uint8_t result_code = 0;
    uint32_t generation = 0;
    uint32_t ttl = 0;              // request: seconds; response: void time
    uint32_t transaction_ttl = 0;  // request: timeout in ms; batch row of a response: row index
    uint16_t fields = 0;
    uint16_t ops = 0;

    bool operator==(const message_header&) const = default;
};
// REQUIRES: 22 bytes
inline message_header decode_message_header(const uint8_t* bytes) noexcept {
    message_header header;
    header.info1 = bytes[1];
    header.info2 = bytes[2];
    header.info3 = bytes[3];
    header.info4 = bytes[4];
    header.result_code = bytes[5];
    header.generation = load_be<uint32_t>(bytes + 6);
    header.ttl = load_be<uint32_t>(bytes + 10);
    header.transaction_ttl = load_be<uint32_t>(bytes + 14);
    header.fields = load_be<uint16_t>(bytes + 18);
    header.ops = load_be<uint16_t>(bytes + 20);
    return header;
}
void encode_message_header(uint8_t* to, const message_header& header) noexcept;

struct field_view {
    field_type type = field_type::name_space;
    byte_view data;
};
struct op_view {
    op_code code = op_code::read;
    particle type = particle::null;
    uint8_t flags = 0;
    std::string_view name;
    byte_view value;
};
inline constexpr size_t op_fixed_size = 4;  // code, particle type, flags, name length: counted by the op's size

// Fail the reader when a length overruns it.
field_view read_field(reader& from) noexcept;
// Inline: it is the inner loop of every conversion of a batch.
inline op_view read_op(reader& from) noexcept {
    const auto size = from.be<uint32_t>();
    if (size < op_fixed_size || size > from.remaining()) {
        from.fail();
        return {};
    }
    const uint8_t* at = from.take(size).data();
    const size_t name_size = at[3];
    if (op_fixed_size + name_size > size) {
        from.fail();
        return {};
    }
    return {static_cast<op_code>(at[0]),
            static_cast<particle>(at[1]),
            at[2],
            as_text({at + op_fixed_size, name_size}),
            {at + op_fixed_size + name_size, size - op_fixed_size - name_size}};
}
// Pass over `count` fields or operations without looking inside.
void skip_fields(reader& from, unsigned count) noexcept;
// Inline: it is the inner loop of indexing a batch. An operation's size, name length and end are checked at once.
inline void skip_ops(reader& from, unsigned count) noexcept {
    const uint8_t* at = from.position();
    size_t left = from.remaining();
    for (; count != 0; --count) {
        if (left < 4 + op_fixed_size) return from.fail();
        const size_t size = 4 + size_t{load_be<uint32_t>(at)};
        if (size < 4 + op_fixed_size + at[7] || size > left) return from.fail();
        at += size;
        left -= size;
    }
    from.go_on_at(at);
}

void append_field(buffer& to, field_type type, byte_view data);
inline void append_field(buffer& to, field_type type, std::string_view text) { append_field(to, type, as_bytes(text)); }
// An operation with a finished value. REQUIRES: name.size() <= 255
void append_op(buffer& to, op_code code, particle type, std::string_view name, byte_view value, uint8_t flags = 0);
// The same in two steps, for values written in place: `begin_op`, append the value's bytes, `end_op(start)`.
size_t begin_op(buffer& to, op_code code, particle type, std::string_view name, uint8_t flags = 0);
void end_op(buffer& to, size_t start) noexcept;

// Writes a message in place: reserves the headers, lets fields and operations be appended, then fills in the lengths.
class message_writer {
  public:
    explicit message_writer(buffer& to);  // appends to `to`
    void field(field_type type, byte_view data) { append_field(to_, type, data), ++header_.fields; }
    void field(field_type type, std::string_view text) { field(type, as_bytes(text)); }
    message_header& header() noexcept { return header_; }  // counts of fields and ops are kept by the writer
    buffer& ops(unsigned count) noexcept {                 // where the caller appends `count` finished operations
        header_.ops = static_cast<uint16_t>(header_.ops + count);
        return to_;
    }
    void finish(frame_type type = frame_type::message);

  private:
    buffer& to_;
    size_t start_;
    message_header header_;
};

// Client ttl of a void time: seconds left, at least 1; `ttl_never` for 0. `now_s` is Unix time.
uint32_t ttl_from_void_time(uint32_t void_time, int64_t now_s) noexcept;

}  // namespace aero::wire
