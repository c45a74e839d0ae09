// Every recorded frame of a real server is decoded down to its values and encoded again; the bytes must not differ.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testing/hex.h"
#include "testing/json.h"
#include "wire/batch.h"
#include "wire/info_text.h"
#include "wire/message.h"
#include "wire/msgpack.h"
#include "wire/particle.h"
#include "wire/partition_map.h"

namespace aero::wire {
namespace {

using tests::from_hex;
using tests::json;
using tests::to_hex;

byte_view view_of(const std::vector<uint8_t>& bytes) { return bytes; }

const std::vector<json>& stories() {
    static const std::vector<json> lines = tests::read_json_lines(AERO_GOLDEN_DIR "/real_server_8.1.2.jsonl");
    return lines;
}
const std::vector<json>& moments() {
    static const std::vector<json> lines = tests::read_json_lines(AERO_GOLDEN_DIR "/cluster_8.1.2.jsonl");
    return lines;
}

void expect_same(byte_view encoded, byte_view original) { EXPECT_EQ(to_hex(encoded), to_hex(original)); }

// MessagePack to values and back.
void expect_repacks(byte_view packed) {
    reader from(packed);
    const result<value> unpacked = unpack_value(from);
    ASSERT_TRUE(unpacked) << unpacked.error().text << " in " << to_hex(packed);
    EXPECT_TRUE(from.at_end()) << to_hex(packed);
    buffer again;
    const result<void> done = pack_value(again, *unpacked);
    ASSERT_TRUE(done) << done.error().text;
    expect_same(again.view(), packed);
}

bool is_command(op_code code) {
    switch (code) {
        case op_code::cdt_read:
        case op_code::cdt_modify:
        case op_code::exp_read:
        case op_code::exp_modify:
        case op_code::bits_read:
        case op_code::bits_modify:
        case op_code::hll_read:
        case op_code::hll_modify: return true;
        default: return false;
    }
}

// Reads `count` operations and appends them again, each value by way of `value`.
void copy_ops(byte_view ops, unsigned count, bool is_request, buffer& to) {
    reader from(ops);
    for (unsigned i = 0; i < count; ++i) {
        const op_view op = read_op(from);
        ASSERT_TRUE(from.ok());
        const result<value> decoded = decode_particle(op.type, op.value);
        ASSERT_TRUE(decoded) << decoded.error().text << ": " << to_hex(op.value);
        const size_t start = begin_op(to, op.code, op.type, op.name, op.flags);
        const result<particle> type = append_particle(to, *decoded);
        ASSERT_TRUE(type) << type.error().text;
        EXPECT_EQ(*type, op.type);
        end_op(to, start);
        if (is_request && is_command(op.code)) expect_repacks(op.value);
    }
    EXPECT_TRUE(from.at_end());
}

// Reads `count` fields and appends them again, taking apart what has parts.
void copy_fields(byte_view fields, unsigned count, buffer& to) {
    reader from(fields);
    std::string_view set;
    digest sent{};
    for (unsigned i = 0; i < count; ++i) {
        const field_view field = read_field(from);
        ASSERT_TRUE(from.ok());
        append_field(to, field.type, field.data);
        if (field.type == field_type::set) set = as_text(field.data);
        if (field.type == field_type::digest) std::copy(field.data.begin(), field.data.end(), sent.begin());
        if (field.type == field_type::filter || field.type == field_type::udf_arguments) expect_repacks(field.data);
        if (field.type == field_type::key) {
            const auto type = static_cast<particle>(field.data[0]);
            const result<value> key = decode_particle(type, field.data.subspan(1));
            ASSERT_TRUE(key);
            buffer again;
            again.append_u8(field.data[0]);
            ASSERT_TRUE(append_particle(again, *key));
            expect_same(again.view(), field.data);
            EXPECT_EQ(to_hex(digest_of({set, type, field.data.subspan(1)})), to_hex(sent));
        }
    }
    EXPECT_TRUE(from.at_end());
}

byte_view field_of(byte_view fields, unsigned count, field_type wanted) {
    reader from(fields);
    for (unsigned i = 0; i < count; ++i) {
        const field_view field = read_field(from);
        if (field.type == wanted) return field.data;
    }
    return {};
}

void expect_batch_encodes_again(const message_header& header, byte_view fields, byte_view original) {
    request_rows rows(field_of(fields, header.fields, field_type::batch));
    buffer again;
    batch_writer writer(again, rows.flags(), header.transaction_ttl, rows.count(),
                        field_of(fields, header.fields, field_type::filter));
    request_row row;
    unsigned count = 0;
    while (rows.next(row)) {
        ++count;
        if (row.repeated) {
            writer.repeat(row.index, row.key);
            continue;
        }
        buffer ops;
        copy_ops(row.ops, row.op_count, true, ops);
        row_template shape;
        shape.name_space = as_text(field_of(row.fields, row.field_count, field_type::name_space));
        shape.set = as_text(field_of(row.fields, row.field_count, field_type::set));
        shape.info1 = row.info1;
        shape.info2 = row.info2;
        shape.info3 = row.info3;
        shape.has_generation = (row.flags & row_flag::has_generation) != 0;
        shape.generation = row.generation;
        shape.ttl = row.ttl;
        shape.filter = field_of(row.fields, row.field_count, field_type::filter);
        shape.ops = ops.view();
        shape.op_count = row.op_count;
        writer.row(row.index, row.key, shape, field_of(row.fields, row.field_count, field_type::key));
    }
    EXPECT_TRUE(rows.ok());
    EXPECT_EQ(count, rows.count());
    EXPECT_GT(count, 0u);
    writer.finish();
    expect_same(again.view(), original);
}

void expect_request_encodes_again(byte_view frame) {
    const byte_view body = frame.subspan(frame_header_size);
    ASSERT_GE(body.size(), message_header_size);
    const message_header header = decode_message_header(body.data());
    reader from(body.subspan(message_header_size));
    const uint8_t* const fields = from.position();
    skip_fields(from, header.fields);
    const uint8_t* const ops = from.position();
    skip_ops(from, header.ops);
    ASSERT_TRUE(from.ok() && from.at_end());
    if (header.info1 & info1::batch) return expect_batch_encodes_again(header, {fields, ops}, frame);

    buffer again;
    message_writer writer(again);
    writer.header() = header;
    copy_fields({fields, ops}, header.fields, again);
    copy_ops({ops, from.position()}, header.ops, true, again);
    writer.finish();
    expect_same(again.view(), frame);
}

void expect_info_encodes_again(byte_view frame, bool is_request) {
    const std::string_view body = as_text(frame.subspan(frame_header_size));
    buffer again;
    if (is_request) {
        ASSERT_TRUE(body.empty() || body.ends_with('\n'));
        append_info_request(again, split(body.substr(0, body.empty() ? 0 : body.size() - 1), '\n'));
    } else {
        append_info_reply(again, split_info_reply(body));
    }
    expect_same(again.view(), frame);
}

void expect_reply_encodes_again(byte_view frame, unsigned& rows_seen) {
    reply_rows rows(frame.subspan(frame_header_size));
    reply_row row;
    buffer again;
    again.room(frame_header_size);
    again.commit(frame_header_size);
    while (rows.next(row)) {
        ++rows_seen;
        encode_message_header(again.room(message_header_size), row.header);
        again.commit(message_header_size);
        copy_fields(row.fields, row.header.fields, again);
        copy_ops(row.ops, row.header.ops, false, again);
    }
    EXPECT_TRUE(rows.ok());
    encode_frame_header(again.data(), frame_type::message, again.size() - frame_header_size);
    expect_same(again.view(), frame);
}

TEST(golden, every_request_encodes_to_the_bytes_it_was_decoded_from) {
    unsigned messages = 0, infos = 0;
    for (const json& story : stories()) {
        for (const json& step : story["steps"].items) {
            SCOPED_TRACE(story["story"].text + ": " + step["do"].text);
            const std::vector<uint8_t> bytes = from_hex(step["request"].text);
            const auto frame = decode_frame_header(bytes.data());
            ASSERT_TRUE(frame);
            ASSERT_EQ(frame->body_size, bytes.size() - frame_header_size);
            if (frame->type == frame_type::info) {
                ++infos;
                expect_info_encodes_again(view_of(bytes), true);
            } else {
                ASSERT_EQ(frame->type, frame_type::message);
                ++messages;
                expect_request_encodes_again(view_of(bytes));
            }
        }
    }
    EXPECT_GT(messages, 1000u);
    EXPECT_GT(infos, 10u);
}

TEST(golden, every_reply_encodes_to_the_bytes_it_was_decoded_from) {
    unsigned rows = 0, infos = 0;
    for (const json& story : stories()) {
        for (const json& step : story["steps"].items) {
            for (const json& reply : step["reply"].items) {
                SCOPED_TRACE(story["story"].text + ": " + step["do"].text);
                const std::vector<uint8_t> bytes = from_hex(reply.text);
                const auto frame = decode_frame_header(bytes.data());
                ASSERT_TRUE(frame);
                ASSERT_EQ(frame->body_size, bytes.size() - frame_header_size);
                if (frame->type == frame_type::info) {
                    ++infos;
                    expect_info_encodes_again(view_of(bytes), false);
                } else {
                    ASSERT_EQ(frame->type, frame_type::message);
                    expect_reply_encodes_again(view_of(bytes), rows);
                }
            }
        }
    }
    EXPECT_GT(rows, 1000u);
    EXPECT_GT(infos, 10u);
}

TEST(golden, every_answer_of_a_cluster_encodes_to_the_text_it_was_decoded_from) {
    unsigned maps = 0, lists = 0, services = 0;
    for (const json& moment : moments()) {
        for (const auto& [port, answers] : moment["nodes"].members) {
            for (const auto& [command, reply] : answers.members) {
                if (command == "error") continue;  // the node was dead: what the one who asked saw
                SCOPED_TRACE(::testing::Message() << moment["when"].text << ", node " << port << ", " << command);
                const std::vector<info_line> lines = split_info_reply(reply.text);
                ASSERT_EQ(lines.size(), 1u);
                EXPECT_EQ(lines[0].command, command);
                buffer again;
                append_info_reply(again, lines);
                EXPECT_EQ(as_text(again.view().subspan(frame_header_size)), reply.text);
                const std::string_view text = lines[0].value;
                if (command == "replicas") {
                    const auto claims = decode_replicas(text);
                    ASSERT_TRUE(claims) << claims.error().text;
                    EXPECT_EQ(encode_replicas(*claims), text);
                    ++maps;
                } else if (command.starts_with("peers-clear")) {
                    const auto peers = decode_peers(text);
                    ASSERT_TRUE(peers) << peers.error().text;
                    EXPECT_EQ(encode_peers(*peers), text);
                    ++lists;
                } else if (command.starts_with("service-")) {
                    const auto hosts = decode_service(text);
                    ASSERT_TRUE(hosts) << hosts.error().text;
                    EXPECT_EQ(encode_service(*hosts), text);
                    ++services;
                } else if (text.starts_with("ERROR")) {
                    EXPECT_TRUE(info_error_of(text));
                }
            }
        }
    }
    EXPECT_GT(maps, 20u);
    EXPECT_GT(lists, 40u);
    EXPECT_GT(services, 40u);
}

// At rest every partition has one master and one replica, on different nodes.
TEST(golden, a_cluster_at_rest_owns_every_partition_twice) {
    const json& rest = moments().front();
    std::array<unsigned, partitions> masters{}, copies{};
    for (const auto& [port, answers] : rest["nodes"].members) {
        const auto claims = decode_replicas(split_info_reply(answers["replicas"].text).at(0).value);
        ASSERT_TRUE(claims) << claims.error().text;
        ASSERT_EQ(claims->size(), 1u);
        EXPECT_EQ(claims->front().name_space, "test");
        EXPECT_EQ(claims->front().regime, 0u);
        ASSERT_EQ(claims->front().replicas.size(), 2u);
        for (unsigned p = 0; p < partitions; ++p) {
            masters[p] += claims->front().replicas[0].has(p);
            copies[p] += claims->front().replicas[1].has(p);
            EXPECT_FALSE(claims->front().replicas[0].has(p) && claims->front().replicas[1].has(p));
        }
    }
    for (unsigned p = 0; p < partitions; ++p) {
        EXPECT_EQ(masters[p], 1u) << "partition " << p;
        EXPECT_EQ(copies[p], 1u) << "partition " << p;
    }
}

}  // namespace
}  // namespace aero::wire
