// Input: bytes from a socket. Headers, fields and operations that can be read are written again, byte for byte.
#include "testing/fuzz.h"
#include "wire/message.h"

using namespace aero;
using namespace aero::wire;

namespace {

void copy_fields(reader& from, unsigned count, message_writer& to) {
    for (; count != 0 && from.ok(); --count) {
        const field_view field = read_field(from);
        if (from.ok()) to.field(field.type, field.data);
    }
}

void copy_ops(reader& from, unsigned count, message_writer& to) {
    for (; count != 0 && from.ok(); --count) {
        const op_view op = read_op(from);
        if (from.ok()) append_op(to.ops(1), op.code, op.type, op.name, op.value, op.flags);
    }
}

// Passing over must fail and stop exactly where reading does.
void check_skipping(byte_view body, const message_header& header, const reader& read) {
    reader skip(body);
    skip.take(message_header_size);
    skip_fields(skip, header.fields);
    skip_ops(skip, header.ops);
    FUZZ_CHECK(skip.ok() == read.ok());
    FUZZ_CHECK(!skip.ok() || skip.position() == read.position());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < frame_header_size) return 0;
    const auto frame = decode_frame_header(data);
    if (!frame) return 0;
    uint8_t again[frame_header_size];
    encode_frame_header(again, frame->type, frame->body_size);
    FUZZ_CHECK(tests::same_bytes(again, {data, frame_header_size}));

    const byte_view body{data + frame_header_size, size - frame_header_size};
    if (body.size() < message_header_size) return 0;
    const message_header header = decode_message_header(body.data());
    reader from(body);
    from.take(message_header_size);
    buffer written;
    message_writer writer(written);
    writer.header() = header;
    writer.header().fields = writer.header().ops = 0;
    copy_fields(from, header.fields, writer);
    copy_ops(from, header.ops, writer);
    check_skipping(body, header, from);
    if (!from.ok()) return 0;
    writer.finish(frame->type);
    tests::leaves(written.view());
    FUZZ_CHECK(decode_message_header(written.data() + frame_header_size) == header);
    const byte_view copied = written.view().subspan(frame_header_size + 1);  // the size byte is not looked at
    FUZZ_CHECK(tests::same_bytes(copied, body.subspan(1, copied.size())));
    return 0;
}
