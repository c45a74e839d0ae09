#include "wire/batch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/hex.h"

namespace aero::wire {
namespace {

using tests::from_hex;
using tests::hex;
using tests::to_hex;

digest digest_from(std::string_view text) {
    const auto bytes = from_hex(text);
    digest d{};
    std::copy(bytes.begin(), bytes.end(), d.begin());
    return d;
}
const digest alice = digest_from("da59d2c81357e4165b50cef5f1feaa053ae7fdf9");
const digest bob = digest_from("cdceb4b9df9323c3f21232db3b979ed9b3b61f03");
const digest order = digest_from("68019873521bc0721153c8548cca19f0d425b55a");

row_template read_all(std::string_view set) {
    row_template shape;
    shape.name_space = "test";
    shape.set = set;
    shape.info1 = info1::read | info1::get_all;
    return shape;
}

// Three keys of two sets, as the protocol's description works them out byte by byte.
constexpr std::string_view worked_request =
    "02 03 0000000000a8 16 08 00 00 00 00 00000000 00000000 000003e8 0001 0000"
    "0000008e 29 00000003 08"
    "00000000 da59d2c81357e4165b50cef5f1feaa053ae7fdf9 0a 03 00 00 00000000 0002 0000"
    "00000005 00 74657374 00000006 01 7573657273"
    "00000001 cdceb4b9df9323c3f21232db3b979ed9b3b61f03 01"
    "00000002 68019873521bc0721153c8548cca19f0d425b55a 0a 03 00 00 00000000 0002 0000"
    "00000005 00 74657374 00000007 01 6f7264657273";

TEST(batch_writer, writes_full_rows_and_repeats) {
    buffer to;
    batch_writer writer(to, batch_flag::report_error_row, 1000, 3);
    writer.row(0, alice, read_all("users"));
    writer.repeat(1, bob);
    writer.row(2, order, read_all("orders"));
    writer.finish();
    EXPECT_EQ(to_hex(to.view()), hex(worked_request));
}

TEST(batch_writer, a_repeat_is_25_bytes_and_needs_no_growth) {
    buffer to;
    batch_writer writer(to, 0, 0, 5000);
    writer.row(0, alice, read_all("users"));
    const size_t before = to.size(), capacity = to.capacity();
    for (uint32_t i = 1; i < 5000; ++i) writer.repeat(i, bob);
    writer.finish();
    EXPECT_EQ(to.size() - before, 4999u * 25);
    EXPECT_EQ(to.capacity(), capacity);
}

TEST(batch_writer, generation_key_and_filter_stand_where_the_protocol_wants_them) {
    row_template shape = read_all("s");
    shape.info1 = 0;
    shape.info2 = info2::write;
    shape.info3 = info3::update_only;
    shape.has_generation = true;
    shape.generation = 0x0102;
    shape.ttl = 0x03040506;
    const auto filter = from_hex("c3");
    shape.filter = filter;
    buffer ops;
    append_op(ops, op_code::write, particle::boolean, "b", from_hex("01"));
    shape.ops = ops.view();
    shape.op_count = 1;
    buffer to;
    batch_writer writer(to, 0x0d, 0, 1, from_hex("c2"));
    writer.row(7, alice, shape, from_hex("03 6b"));
    writer.finish();
    EXPECT_EQ(to_hex(to.view()), hex("02 03 000000000072 16 08 00 00 00 00 00000000 00000000 00000000 0002 0000"
                                     "00000002 2b c2"
                                     "00000052 29 00000001 0d"
                                     "00000007 da59d2c81357e4165b50cef5f1feaa053ae7fdf9 0e 00 01 08 0102 03040506"
                                     "0004 0001 00000005 00 74657374 00000002 01 73 00000002 2b c3 00000003 02 03 6b"
                                     "00000006 02 11 00 01 62 01"));
}

TEST(request_rows, resolve_repeats) {
    const auto bytes = from_hex(worked_request);
    request_rows rows(byte_view(bytes).subspan(35));  // behind both headers and the head of the field
    EXPECT_EQ(rows.count(), 3u);
    EXPECT_EQ(rows.flags(), batch_flag::report_error_row);
    request_row row;
    ASSERT_TRUE(rows.next(row));
    EXPECT_EQ(row.key, alice);
    EXPECT_FALSE(row.repeated);
    EXPECT_EQ(row.field_count, 2);
    const std::string shape = to_hex(row.fields);
    ASSERT_TRUE(rows.next(row));
    EXPECT_EQ(row.index, 1u);
    EXPECT_EQ(row.key, bob);
    EXPECT_TRUE(row.repeated);
    EXPECT_EQ(row.info1, info1::read | info1::get_all);
    EXPECT_EQ(to_hex(row.fields), shape);
    ASSERT_TRUE(rows.next(row));
    EXPECT_EQ(row.index, 2u);
    EXPECT_FALSE(row.repeated);
    EXPECT_NE(to_hex(row.fields), shape);
    EXPECT_FALSE(rows.next(row));
    EXPECT_TRUE(rows.ok());
}

bool reads_well(std::string_view text) {
    const auto bytes = from_hex(text);
    request_rows rows{byte_view(bytes)};
    request_row row;
    while (rows.next(row)) {}
    return rows.ok();
}

TEST(request_rows, refuse_what_a_server_refuses) {
    const std::string start = "00000000 da59d2c81357e4165b50cef5f1feaa053ae7fdf9 ";
    const std::string row = start + "0a 03 00 00 00000000 0001 0000 00000005 00 74657374";
    EXPECT_TRUE(reads_well("00000001 00" + row));
    EXPECT_TRUE(reads_well("00000002 00" + row + start + "01"));
    EXPECT_FALSE(reads_well("00000001 00" + start + "01")) << "the first row repeats nothing";
    EXPECT_FALSE(reads_well("00000002 00" + row)) << "a row is missing";
    EXPECT_FALSE(reads_well("00000001 00" + row + "00")) << "a byte is left over";
    EXPECT_FALSE(reads_well("ffffffff 00" + row)) << "more rows than bytes";
    EXPECT_FALSE(reads_well("00000001 00" + start + "0a 03 00 00 00000000 0001 0000 00000005 01 74657374"))
        << "the namespace is not first";
    EXPECT_FALSE(reads_well("00000002 00" + start +
                            "0a 03 00 00 00000000 0002 0000 00000005 00 74657374 00000003 02 03 6b" + start + "01"))
        << "a row with a key is repeated";
    EXPECT_FALSE(reads_well("000000")) << "no head";
}

TEST(request_rows, old_rows_without_info_bytes_are_read) {
    const auto bytes =
        from_hex("00000001 00 00000005 da59d2c81357e4165b50cef5f1feaa053ae7fdf9 00 03 0001 0000 00000005 00 74657374");
    request_rows rows{byte_view(bytes)};
    request_row row;
    ASSERT_TRUE(rows.next(row));
    EXPECT_EQ(row.info1, 3);
    EXPECT_EQ(row.info2, 0);
    EXPECT_EQ(row.ttl, 0u);
    EXPECT_EQ(row.flags, 0);
}

TEST(reply_rows, come_in_any_order_with_their_index) {
    const auto body = from_hex(
        "16 00000000 00 00000001 00000000 00000000 0000 0002"
        "0000000f 01 01 00 03 616765 000000000000001e 0000000a 01 03 00 04 6e616d65 416c"
        "16 00000000 02 00000000 00000000 00000002 0000 0000"
        "16 00000000 00 00000001 00000000 00000001 0000 0001"
        "0000000f 01 01 00 03 616765 0000000000000029");
    reply_rows rows{byte_view(body)};
    reply_row row;
    std::vector<uint32_t> indexes;
    std::vector<unsigned> results, ops;
    while (rows.next(row)) {
        indexes.push_back(row.header.transaction_ttl);
        results.push_back(row.header.result_code);
        ops.push_back(row.header.ops);
        reader from(row.ops);
        skip_ops(from, row.header.ops);
        EXPECT_TRUE(from.ok() && from.at_end());
    }
    EXPECT_TRUE(rows.ok());
    EXPECT_EQ(indexes, (std::vector<uint32_t>{0, 2, 1}));
    EXPECT_EQ(results, (std::vector<unsigned>{0, 2, 0}));
    EXPECT_EQ(ops, (std::vector<unsigned>{2, 0, 1}));
}

TEST(reply_rows, the_trailer_is_a_row_with_the_last_bit) {
    const auto body = from_hex("16 00 00 01 00 00 00000000 00000000 00000000 0000 0000");
    reply_rows rows{byte_view(body)};
    reply_row row;
    ASSERT_TRUE(rows.next(row));
    EXPECT_TRUE(row.header.info3 & info3::last);
    EXPECT_FALSE(rows.next(row));
    EXPECT_TRUE(rows.ok());
}

TEST(reply_rows, end_as_bad_at_every_cut) {
    const auto body = from_hex(
        "16 00000000 00 00000001 00000000 00000000 0001 0001 00000002 03 6b 0000000f 01 01 00 03 616765 "
        "000000000000001e");
    for (size_t size = 1; size < body.size(); ++size) {
        reply_rows rows(byte_view(body).first(size));
        reply_row row;
        EXPECT_FALSE(rows.next(row)) << size;
        EXPECT_FALSE(rows.ok()) << size;
    }
}

}  // namespace
}  // namespace aero::wire
