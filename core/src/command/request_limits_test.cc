#include "command/request_limits.h"

#include <gtest/gtest.h>

#include "command/batch_call.h"
#include "command/machine_fixture.h"
#include "command/record_call.h"

namespace aero::command {
namespace {

using namespace testing;

record_request request_with(std::span<const uint8_t> ops) {
    record_request request;
    request.name_space = "test";
    request.set = "demo";
    request.digest = key_digest(1);
    request.ops = ops;
    request.op_count = 1;
    return request;
}

// The bytes that an attempt would send.
size_t message_size(attempt& which) { return which.resume({.what = event::kind::start}, ms).output.size(); }

TEST(request_limits, the_largest_record_request_fills_a_message_to_its_last_byte) {
    const auto view = view_of(1, 1);
    const size_t head = wire::message_header_size + (5 + 4) + (5 + 4) + (5 + wire::digest_size);
    const std::vector<uint8_t> bytes(wire::body_size_max - head + 1);
    record_call call;
    call.prepare(request_with(std::span(bytes).first(bytes.size() - 1)), {});
    ASSERT_FALSE(call.refused());
    call.start(view, ms);
    auto sent = call.next_launch();
    ASSERT_NE(sent, nullptr);
    EXPECT_EQ(message_size(*sent), wire::frame_header_size + wire::body_size_max);
    call.abandon(code::cancelled, "", ms);

    record_call beyond;
    beyond.prepare(request_with(bytes), {});
    EXPECT_TRUE(beyond.refused());
    beyond.start(view, ms);
    EXPECT_EQ(beyond.next_launch(), nullptr);
    ASSERT_TRUE(beyond.done());
    EXPECT_EQ(beyond.failure()->what, code::invalid_argument);
    EXPECT_EQ(beyond.failure()->text,
              "the request takes 134217729 bytes, more than the 134217728 (128 MiB) that a message may have: keep the "
              "data in several records");
    EXPECT_EQ(beyond.failure()->attempts, 0);
}

TEST(request_limits, every_part_of_a_record_request_counts) {
    const std::vector<uint8_t> most(wire::body_size_max);
    record_request request = request_with({});
    EXPECT_EQ(flaw_of(request), "");
    request.key_field = most;
    EXPECT_NE(flaw_of(request), "");
    request.key_field = {};
    request.filter = most;
    EXPECT_NE(flaw_of(request), "");
}

TEST(request_limits, names_and_counts_beyond_the_protocol_are_told_with_their_limits) {
    record_request request = request_with({});
    request.op_count = 32768;
    EXPECT_EQ(flaw_of(request), "");
    request.op_count = 32769;
    EXPECT_EQ(flaw_of(request),
              "32769 operations, more than the 32768 that one request may have: make several requests of it");
    request = request_with({});
    const std::string name(64, 'x');
    request.set = std::string_view(name).substr(1);
    EXPECT_EQ(flaw_of(request), "");
    request.set = name;
    EXPECT_EQ(flaw_of(request),
              "set '" + name + "' has 64 bytes, more than the 63 that a name may have: choose a shorter one");
    request.set = "demo";
    request.name_space = std::string_view(name).substr(33);
    EXPECT_EQ(flaw_of(request), "");
    request.name_space = std::string_view(name).substr(32);
    EXPECT_NE(flaw_of(request).find("has 32 bytes, more than the 31"), std::string::npos);

    row_template shape;
    shape.name_space = "test";
    shape.set = name;
    batch_request batch;
    const digest key = key_digest(1);
    batch.digests = {&key, 1};
    batch.templates = {&shape, 1};
    EXPECT_NE(flaw_of(batch).find("has 64 bytes"), std::string::npos);
}

struct two_shapes {
    explicit two_shapes(size_t rows, size_t ops_size) : ops(ops_size) {
        for (row_template& each : shapes) {
            each.name_space = "test";
            each.set = "demo";
            each.has_generation = true;
            each.ops = ops;
            each.op_count = 1;
        }
        for (size_t row = 0; row < rows; ++row) {
            digests.push_back(key_digest(static_cast<unsigned>(row)));
            template_of.push_back(row % 2);
        }
    }
    batch_request request() const {
        batch_request made;
        made.digests = digests;
        made.template_of = template_of;
        made.templates = shapes;
        made.is_write = true;
        return made;
    }

    std::vector<uint8_t> ops;
    std::array<row_template, 2> shapes;
    std::vector<digest> digests;
    std::vector<uint32_t> template_of;
};

TEST(request_limits, the_largest_batch_fills_a_message_to_its_last_byte) {
    const auto view = view_of(1, 1);
    const size_t rows = 128;
    const size_t row_head = 25 + 3 + 2 + 4 + 4 + (5 + 4) + (5 + 4);
    const size_t total = wire::body_size_max - wire::message_header_size - (5 + 5);
    two_shapes batch(rows, total / rows - row_head);
    const size_t left = total % rows;  // too few for another byte in every row: a stored key takes them
    std::vector<uint8_t> key(left - 5 + 1);
    std::vector<std::span<const uint8_t>> keys(rows);
    keys[7] = std::span(key).first(left - 5);
    batch_request request = batch.request();
    request.key_fields = keys;
    batch_call call;
    call.prepare(request, {});
    ASSERT_FALSE(call.refused());
    call.start(view, ms);
    auto sent = call.next_launch();
    ASSERT_NE(sent, nullptr);
    EXPECT_EQ(message_size(*sent), wire::frame_header_size + wire::body_size_max);
    call.abandon(code::cancelled, "", ms);
    sent.reset();

    keys[7] = key;
    batch_call beyond;
    beyond.prepare(request, {});
    EXPECT_TRUE(beyond.refused());
    EXPECT_FALSE(beyond.mergeable());
    beyond.start(view_of(3, 1), ms);
    ASSERT_TRUE(beyond.done());
    EXPECT_EQ(beyond.failure()->what, code::invalid_argument);
    EXPECT_EQ(beyond.failure()->text,
              "the batch of 128 rows takes 134217729 bytes, more than the 134217728 (128 MiB) that a message may have: "
              "make several smaller batches of it");
    EXPECT_EQ(beyond.take_reply().rows.size(), rows);
}

TEST(request_limits, rows_that_repeat_the_one_before_take_their_digest_only) {
    two_shapes batch(40'000, 10'000);  // 400 MB if every row carried its operations
    batch.template_of.assign(batch.digests.size(), 0);
    EXPECT_EQ(flaw_of(batch.request()), "");
}

}  // namespace
}  // namespace aero::command
