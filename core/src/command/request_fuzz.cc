// Input: what a call asks for. Whatever that is, the requests it makes are whole messages that read as what was asked,
// and every byte of them was written by us.
#include "command/batch_call.h"
#include "command/machine_fixture.h"
#include "command/record_call.h"
#include "testing/fuzz.h"
#include "wire/compression.h"

using namespace aero;
using namespace aero::command;
using aero::tests::leaves;

namespace {

// Small choices, drawn from the input until it ends; then zeros.
class choices {
  public:
    explicit choices(byte_view from) : from_(from) {}
    uint8_t byte() { return from_.remaining() == 0 ? 0 : from_.u8(); }
    bool yes() { return (byte() & 1) != 0; }
    size_t below(size_t limit) { return byte() % limit; }
    uint32_t number() { return uint32_t{byte()} << 24 | uint32_t{byte()} << 8 | byte(); }
    byte_view bytes(size_t most) { return from_.take(std::min(from_.remaining(), below(most + 1))); }
    std::string_view text(size_t most) { return as_text(bytes(most)); }

  private:
    reader from_;
};

struct operations {
    buffer bytes;
    uint16_t count = 0;

    void draw(choices& from) {
        for (size_t left = from.below(4); left != 0; --left, ++count) {
            const auto code = static_cast<wire::op_code>(from.byte());
            const auto type = static_cast<wire::particle>(from.byte());
            const std::string_view name = from.text(wire::bin_name_size_max);
            if (from.yes()) {
                wire::append_op(bytes, code, type, name, from.bytes(200), from.byte());
                continue;
            }
            const size_t at = wire::begin_op(bytes, code, type, name, from.byte());
            bytes.append_be(from.number());
            wire::end_op(bytes, at);
        }
    }
};

transport_policy policy_of(choices& from) {
    transport_policy policy;
    policy.total_timeout_ms = from.byte();
    policy.socket_timeout_ms = from.byte();
    policy.compress = wire::can_compress() && from.yes();
    return policy;
}

// The message inside what would be sent, whole and with nothing behind it.
wire::message_header check_message(byte_view output, buffer& plain) {
    leaves(output);
    const auto outer = wire::decode_frame_header(output.data());
    FUZZ_CHECK(outer && wire::frame_header_size + outer->body_size == output.size());
    if (outer->type == wire::frame_type::compressed) {
        wire::unpacker unpack;
        FUZZ_CHECK(unpack.feed(output, plain) && unpack.between_frames());
    } else {
        plain.append(output);
    }
    const auto frame = wire::decode_frame_header(plain.data());
    FUZZ_CHECK(frame && frame->type == wire::frame_type::message);
    const byte_view body = plain.view().subspan(wire::frame_header_size);
    const wire::message_header header = wire::decode_message_header(body.data());
    reader rest(body.subspan(wire::message_header_size));
    wire::skip_fields(rest, header.fields);
    wire::skip_ops(rest, header.ops);
    FUZZ_CHECK(rest.ok() && rest.at_end());
    return header;
}

const cluster::view_ptr& the_view() {
    static const cluster::view_ptr view = command::testing::view_of(3, 2);
    return view;
}

void ask_one(choices& from) {
    operations ops;
    ops.draw(from);
    record_request request;
    request.name_space = "test";
    request.set = from.text(wire::set_size_max);
    request.digest[0] = from.byte();
    request.key_field = from.bytes(50);
    request.filter = from.bytes(50);
    request.info1 = from.byte() & static_cast<uint8_t>(~wire::info1::compress_response);
    request.info2 = from.byte();
    request.info3 = from.byte();
    request.generation = from.number();
    request.ttl = from.number();
    request.is_write = from.yes();
    request.ops = ops.bytes.view();
    request.op_count = ops.count;
    record_call call;
    const transport_policy policy = policy_of(from);
    call.prepare(request, policy);
    call.start(the_view(), 1);
    auto sent = call.next_launch();
    FUZZ_CHECK(sent != nullptr);
    buffer plain;
    const auto header = check_message(sent->resume({.what = event::kind::start}, 1).output, plain);
    FUZZ_CHECK((header.info1 & ~wire::info1::compress_response) == request.info1 && header.info2 == request.info2);
    FUZZ_CHECK(header.generation == request.generation && header.ttl == request.ttl && header.ops == ops.count);
    FUZZ_CHECK(aero::tests::same_bytes(plain.view().last(ops.bytes.size()), ops.bytes.view()));
    call.abandon(code::cancelled, "", 1);
}

void ask_many(choices& from) {
    std::array<operations, 3> ops;
    std::array<row_template, 3> shapes;
    for (size_t i = 0; i < shapes.size(); ++i) {
        ops[i].draw(from);
        shapes[i].name_space = "test";
        shapes[i].set = from.text(wire::set_size_max);
        shapes[i].info1 = from.byte() & static_cast<uint8_t>(~wire::info1::compress_response);
        shapes[i].info2 = from.byte();
        shapes[i].info3 = from.byte();
        shapes[i].has_generation = from.yes();
        shapes[i].generation = from.byte();
        shapes[i].ttl = from.number();
        shapes[i].filter = from.bytes(20);
        shapes[i].ops = ops[i].bytes.view();
        shapes[i].op_count = ops[i].count;
    }
    const size_t rows = 1 + from.below(60);
    std::vector<digest> digests(rows);
    std::vector<uint32_t> template_of(rows);
    std::vector<byte_view> keys(rows);
    for (size_t i = 0; i < rows; ++i) {
        digests[i] = {from.byte(), from.byte()};
        template_of[i] = static_cast<uint32_t>(from.below(shapes.size()));
        keys[i] = from.bytes(3);
    }
    batch_request request;
    request.digests = digests;
    request.template_of = template_of;
    request.templates = shapes;
    if (from.yes()) request.key_fields = keys;
    request.filter = from.bytes(30);
    request.flags = from.byte();
    request.is_write = from.yes();
    batch_call call;
    call.prepare(request, policy_of(from));
    call.start(the_view(), 1);
    size_t asked = 0;
    std::vector<std::unique_ptr<attempt>> all;
    while (auto sent = call.next_launch()) {
        buffer plain;
        const auto header = check_message(sent->resume({.what = event::kind::start}, 1).output, plain);
        FUZZ_CHECK((header.info1 & wire::info1::batch) != 0 && header.ops == 0);
        asked += sent->rows.size();
        all.push_back(std::move(sent));
    }
    FUZZ_CHECK(asked == rows);
    call.abandon(code::cancelled, "", 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    choices from({data, size});
    from.yes() ? ask_many(from) : ask_one(from);
    return 0;
}
