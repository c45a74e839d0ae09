#include "wire/message.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "testing/hex.h"

namespace aero::wire {
namespace {

using tests::from_hex;
using tests::hex;
using tests::to_hex;

constexpr std::string_view alice = "da59d2c81357e4165b50cef5f1feaa053ae7fdf9";

TEST(frame_header, reads_type_and_length) {
    const auto frame = decode_frame_header(from_hex("02 03 000000000063").data());
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, frame_type::message);
    EXPECT_EQ(frame->body_size, 99u);
}

TEST(frame_header, refuses_what_the_protocol_does_not_allow) {
    EXPECT_FALSE(decode_frame_header(from_hex("03 03 000000000063").data())) << "version";
    EXPECT_FALSE(decode_frame_header(from_hex("02 00 000000000063").data())) << "type";
    EXPECT_FALSE(decode_frame_header(from_hex("02 05 000000000063").data())) << "type";
    EXPECT_FALSE(decode_frame_header(from_hex("02 03 000008000001").data())) << "length";
    EXPECT_FALSE(decode_frame_header(from_hex("16 03 010200010001").data())) << "a TLS hello";
    EXPECT_TRUE(decode_frame_header(from_hex("02 03 000008000000").data())) << "the greatest length";
}

TEST(frame_header, writes_what_it_reads) {
    uint8_t bytes[8];
    encode_frame_header(bytes, frame_type::compressed, 0x07654321);
    EXPECT_EQ(to_hex(bytes), hex("02 04 000007654321"));
    const auto frame = decode_frame_header(bytes);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, frame_type::compressed);
    EXPECT_EQ(frame->body_size, 0x07654321u);
}

TEST(message_header, every_field_has_its_place) {
    const message_header header{1, 2, 3, 4, 250, 0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e, 0x0f10};
    uint8_t bytes[message_header_size];
    encode_message_header(bytes, header);
    EXPECT_EQ(to_hex(bytes), hex("16 01 02 03 04 fa 01020304 05060708 090a0b0c 0d0e 0f10"));
    EXPECT_EQ(decode_message_header(bytes), header);
}

TEST(message_writer, writes_a_put_of_two_bins) {
    buffer to;
    message_writer writer(to);
    writer.header().info2 = info2::write;
    writer.header().transaction_ttl = 1000;
    writer.field(field_type::name_space, "test");
    writer.field(field_type::set, "users");
    writer.field(field_type::digest, byte_view(from_hex(alice)));
    append_op(writer.ops(2), op_code::write, particle::integer, "age", from_hex("000000000000001e"));
    append_op(to, op_code::write, particle::string, "name", as_bytes("Al"));
    writer.finish();
    EXPECT_EQ(to_hex(to.view()), hex("02 03 000000000063 16 00 01 00 00 00 00000000 00000000 000003e8 0003 0002"
                                     "00000005 00 74657374"
                                     "00000006 01 7573657273"
                                     "00000015 04 da59d2c81357e4165b50cef5f1feaa053ae7fdf9"
                                     "0000000f 02 01 00 03 616765 000000000000001e"
                                     "0000000a 02 03 00 04 6e616d65 416c"));
}

TEST(message_writer, appends_behind_what_the_buffer_holds) {
    buffer to;
    to.append("before");
    message_writer writer(to);
    writer.header().info1 = info1::read | info1::get_all;
    writer.field(field_type::name_space, "test");
    writer.finish();
    EXPECT_EQ(as_text(to.view().subspan(0, 6)), "before");
    const auto frame = decode_frame_header(to.data() + 6);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->body_size, message_header_size + 9);
    EXPECT_EQ(decode_message_header(to.data() + 14).fields, 1);
}

TEST(message, reads_a_get_reply) {
    const std::vector<uint8_t> body = from_hex(
        "16 00000000 00 00000001 00000000 00000000 0000 0002"
        "0000000f 01 01 00 03 616765 000000000000001e"
        "0000000a 01 03 00 04 6e616d65 416c");
    const message_header header = decode_message_header(body.data());
    EXPECT_EQ(header.generation, 1u);
    EXPECT_EQ(header.ops, 2);
    reader from(byte_view(body).subspan(message_header_size));
    const op_view age = read_op(from);
    EXPECT_EQ(age.code, op_code::read);
    EXPECT_EQ(age.type, particle::integer);
    EXPECT_EQ(age.name, "age");
    EXPECT_EQ(load_be<int64_t>(age.value.data()), 30);
    const op_view name = read_op(from);
    EXPECT_EQ(name.name, "name");
    EXPECT_EQ(as_text(name.value), "Al");
    EXPECT_TRUE(from.ok() && from.at_end());
}

TEST(field, lengths_that_overrun_or_leave_no_type_fail) {
    for (const std::string_view bytes :
         {"", "000000", "00000000", "00000001", "00000006 01 75736572", "ffffffff 01 75"}) {
        const auto field = from_hex(bytes);
        reader read(field), skip(field);
        read_field(read);
        skip_fields(skip, 1);
        EXPECT_FALSE(read.ok()) << bytes;
        EXPECT_FALSE(skip.ok()) << bytes;
    }
}

TEST(op, lengths_that_overrun_or_do_not_hold_the_name_fail) {
    for (const std::string_view bytes : {"", "00000004 010100", "00000003 010100", "00000004 01010001",
                                         "00000006 01010003 6161", "0000000a 0101000161", "ffffffff 0101000161"}) {
        const auto op = from_hex(bytes);
        reader read(op), skip(op);
        read_op(read);
        skip_ops(skip, 1);
        EXPECT_FALSE(read.ok()) << bytes;
        EXPECT_FALSE(skip.ok()) << bytes;
    }
}

TEST(op, an_empty_name_and_an_empty_value_are_legal) {
    buffer to;
    append_op(to, op_code::touch, particle::null, "", {});
    EXPECT_EQ(to_hex(to.view()), hex("00000004 0b 00 00 00"));
    reader from(to.view());
    const op_view op = read_op(from);
    EXPECT_TRUE(from.ok() && from.at_end());
    EXPECT_EQ(op.code, op_code::touch);
    EXPECT_TRUE(op.name.empty() && op.value.empty());
}

TEST(op, a_value_written_in_place_equals_one_handed_over) {
    buffer whole, steps;
    append_op(whole, op_code::write, particle::blob, "bin", from_hex("0102"), 1);
    const size_t start = begin_op(steps, op_code::write, particle::blob, "bin", 1);
    steps.append_u8(1);
    steps.append_u8(2);
    end_op(steps, start);
    EXPECT_EQ(to_hex(steps.view()), to_hex(whole.view()));
}

TEST(ttl, counts_from_now_and_never_reaches_zero) {
    EXPECT_EQ(ttl_from_void_time(0, 1'700'000'000), ttl_never);
    const int64_t now = 1'700'000'000;
    const auto void_time = static_cast<uint32_t>(now - epoch_offset_s + 60);
    EXPECT_EQ(ttl_from_void_time(void_time, now), 60u);
    EXPECT_EQ(ttl_from_void_time(void_time, now + 60), 1u) << "just past";
    EXPECT_EQ(ttl_from_void_time(void_time, now + 3600), 1u) << "long past";
    EXPECT_EQ(ttl_from_void_time(0xffffffff, 0), ttl_never - 1) << "a clock that is wrong does not make it eternal";
}

}  // namespace
}  // namespace aero::wire
