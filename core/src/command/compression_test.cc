// Calls whose policy says `compress`: what is sent, which answers are taken, and what becomes of lies.
#include "wire/compression.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "command/batch_call.h"
#include "command/machine_fixture.h"
#include "command/record_call.h"

namespace aero::command {
namespace {

using namespace testing;

transport_policy compressing() {
    transport_policy policy;
    policy.compress = true;
    policy.max_retries = 0;
    return policy;
}

struct one_record {
    explicit one_record(bool writes, size_t bin_size = 0) {
        if (bin_size != 0) {
            const std::string text(bin_size, 'x');
            wire::append_op(ops, wire::op_code::write, wire::particle::string, "b", as_bytes(text));
        }
        request.name_space = "test";
        request.set = "demo";
        request.digest = key_digest(1);
        request.info1 = writes ? 0 : wire::info1::read | wire::info1::get_all;
        request.info2 = writes ? wire::info2::write : 0;
        request.is_write = writes;
        request.ops = ops.view();
        request.op_count = bin_size == 0 ? 0 : 1;
    }
    buffer ops;
    record_request request;
};

struct many_records {
    explicit many_records(unsigned count) {
        for (unsigned i = 0; i < count; ++i) digests.push_back(key_digest(i));
        shape.name_space = "test";
        shape.set = "demo";
        shape.info1 = wire::info1::read | wire::info1::get_all;
        request.digests = digests;
        request.templates = {&shape, 1};
    }
    std::vector<digest> digests;
    row_template shape;
    batch_request request;
};

byte_view sent_by(attempt& which) { return which.resume({.what = event::kind::start}, 0).output; }

// What another hand's zlib makes of a frame of type 4.
std::vector<uint8_t> inflated(byte_view frame) {
    std::vector<uint8_t> out(load_be<uint64_t>(frame.data() + wire::frame_header_size));
    uLongf size = out.size();
    EXPECT_EQ(uncompress(out.data(), &size, frame.data() + 16, frame.size() - 16), Z_OK);
    EXPECT_EQ(size, out.size());
    return out;
}

// Compresses every frame, however small.
buffer packed(byte_view frames) {
    buffer made;
    while (!frames.empty()) {
        const size_t size = wire::frame_header_size + wire::decode_frame_header(frames.data())->body_size;
        const size_t start = made.size();
        uLongf room = compressBound(size);
        made.room(16 + room);
        EXPECT_EQ(compress(made.data() + start + 16, &room, frames.data(), size), Z_OK);
        made.commit(16 + room);
        wire::encode_frame_header(made.data() + start, wire::frame_type::compressed, 8 + room);
        store_be(made.data() + start + wire::frame_header_size, uint64_t{size});
        frames = frames.subspan(size);
    }
    return made;
}

// One compressed frame, the next one plain, and so on.
buffer half_packed(byte_view frames) {
    buffer made;
    for (bool compresses = true; !frames.empty(); compresses = !compresses) {
        const size_t size = wire::frame_header_size + wire::decode_frame_header(frames.data())->body_size;
        made.append(compresses ? packed(frames.first(size)).view() : frames.first(size));
        frames = frames.subspan(size);
    }
    return made;
}

// A record with so many of its bytes alike that they shrink.
buffer long_answer(size_t size) {
    buffer made;
    wire::message_writer writer(made);
    const std::string text(size, 'y');
    wire::append_op(writer.ops(1), wire::op_code::read, wire::particle::string, "b", as_bytes(text));
    writer.finish();
    return made;
}

buffer rows_answer(const attempt& asked) {
    buffer made;
    std::vector<answer_row> rows;
    for (const uint32_t row : asked.rows) rows.push_back({row});
    for (size_t at = 0; at < rows.size(); at += 16)
        append_rows(made, std::span(rows).subspan(at, std::min<size_t>(16, rows.size() - at)));
    append_last(made);
    return made;
}

TEST(compression, a_large_request_goes_compressed_and_asks_for_the_same_where_it_reads) {
    const auto view = view_of(3, 2);
    for (const bool writes : {true, false}) {
        const one_record asked(writes, 1000);
        record_call plain, small;
        plain.prepare(asked.request, {});
        plain.start(view, 0);
        small.prepare(asked.request, compressing());
        small.start(view, 0);
        auto one = plain.next_launch(), other = small.next_launch();
        const byte_view before = sent_by(*one), after = sent_by(*other);
        ASSERT_EQ(wire::decode_frame_header(after.data())->type, wire::frame_type::compressed);
        EXPECT_LT(after.size(), before.size() / 2);
        std::vector<uint8_t> wanted(before.begin(), before.end());
        if (!writes) wanted[wire::frame_header_size + 1] |= wire::info1::compress_response;
        EXPECT_EQ(inflated(after), wanted);
        plain.abandon(code::cancelled, "over", 0);
        small.abandon(code::cancelled, "over", 0);
    }
}

TEST(compression, a_small_request_goes_as_it_is) {
    const auto view = view_of(3, 2);
    const one_record asked(false);
    record_call call;
    call.prepare(asked.request, compressing());
    call.start(view, 0);
    auto sent = call.next_launch();
    const byte_view bytes = sent_by(*sent);
    EXPECT_EQ(wire::decode_frame_header(bytes.data())->type, wire::frame_type::message);
    EXPECT_EQ(bytes[wire::frame_header_size + 1], asked.request.info1 | wire::info1::compress_response);
    EXPECT_FALSE(sent->sends_compressed());
    call.abandon(code::cancelled, "over", 0);
}

TEST(compression, answers_are_taken_compressed_or_not_whatever_pieces_they_arrive_in) {
    const auto view = view_of(3, 2);
    const one_record asked(false);
    const buffer plain = long_answer(100'000);
    for (const bool compresses : {true, false}) {
        const buffer answered = compresses ? packed(plain.view()) : packed({});
        for (const size_t step : {size_t{1}, size_t{13}, SIZE_MAX}) {
            record_call call;
            call.prepare(asked.request, compressing());
            call.start(view, 0);
            auto sent = call.next_launch();
            answer(*sent, compresses ? answered.view() : plain.view(), ms, step);
            EXPECT_TRUE(sent->connection_reusable());
            call.finished(std::move(sent), view, ms);
            ASSERT_TRUE(call.done());
            ASSERT_EQ(call.failure(), nullptr);
            const record_reply reply = call.take_reply();
            reader ops(reply.ops);
            EXPECT_EQ(wire::read_op(ops).value.size(), 100'000u);
        }
    }
}

TEST(compression, an_answer_that_nobody_asked_to_compress_is_refused) {
    const auto view = view_of(3, 2);
    const one_record reads(false), writes(true, 1000);
    for (const one_record* asked : {&reads, &writes}) {
        record_call call;
        transport_policy policy = compressing();
        if (asked == &reads) policy.compress = false;
        call.prepare(asked->request, policy);
        call.start(view, 0);
        auto sent = call.next_launch();
        answer(*sent, packed(record_answer(0, 1).view()).view(), ms);
        ASSERT_NE(sent->failure(), nullptr);
        EXPECT_EQ(sent->failure()->what, code::bad_reply);
        EXPECT_FALSE(sent->connection_reusable());
        call.finished(std::move(sent), view, ms);
    }
}

TEST(compression, a_stream_of_rows_may_mix_both_kinds_of_frames) {
    const auto view = view_of(3, 2);
    const many_records asked(300);
    for (const size_t step : {size_t{1}, size_t{100}, SIZE_MAX}) {
        batch_call call;
        call.prepare(asked.request, compressing());
        call.start(view, 0);
        while (auto sent = call.next_launch()) {
            EXPECT_TRUE(sent->sends_compressed());
            answer(*sent, half_packed(rows_answer(*sent).view()).view(), ms, step);
            EXPECT_TRUE(sent->connection_reusable());
            call.finished(std::move(sent), view, ms);
        }
        ASSERT_TRUE(call.done());
        ASSERT_EQ(call.failure(), nullptr);
        const batch_reply reply = call.take_reply();
        for (size_t row = 0; row < reply.rows.size(); ++row) {
            ASSERT_TRUE(reply.rows[row].ok());
            reader ops(reply.ops_of(reply.rows[row]));
            ASSERT_EQ(load_be<int64_t>(wire::read_op(ops).value.data()), static_cast<int64_t>(row));
        }
    }
}

TEST(compression, cut_at_any_byte_the_rows_of_whole_frames_stay_and_the_rest_is_asked_again) {
    const auto view = view_of(1, 1);
    const many_records asked(40);
    size_t size = 1;
    for (size_t cut = 0; cut < size; ++cut) {
        batch_call call;
        transport_policy policy = compressing();
        policy.max_retries = 1;
        call.prepare(asked.request, policy);
        call.start(view, 0);
        auto sent = call.next_launch();
        const buffer whole = half_packed(rows_answer(*sent).view());
        size = whole.size();
        answer(*sent, whole.view().first(cut), ms, 7);
        ASSERT_FALSE(sent->finished());
        sent->resume({.what = event::kind::closed}, ms);
        EXPECT_FALSE(sent->connection_reusable());
        call.finished(std::move(sent), view, ms);
        // Whoever has all its rows wants nothing more.
        if (auto again = call.next_launch()) {
            EXPECT_LE(again->rows.size(), 40u);
            answer(*again, rows_answer(*again).view(), 2 * ms);
            call.finished(std::move(again), view, 2 * ms);
        }
        ASSERT_TRUE(call.done()) << cut;
        ASSERT_EQ(call.failure(), nullptr) << cut;
        const batch_reply reply = call.take_reply();
        for (size_t row = 0; row < 40; ++row) {
            reader ops(reply.ops_of(reply.rows[row]));
            ASSERT_EQ(load_be<int64_t>(wire::read_op(ops).value.data()), static_cast<int64_t>(row));
        }
    }
}

TEST(compression, lies_end_the_attempt_and_its_connection) {
    const auto view = view_of(3, 2);
    const one_record asked(false);
    const buffer good = packed(long_answer(5000).view());
    const auto with_size = [&](uint64_t announced) {
        buffer made;
        made.append(good.view());
        store_be(made.data() + wire::frame_header_size, announced);
        return made;
    };
    buffer garbage_behind;
    garbage_behind.append(good.view());
    garbage_behind.append_u8(7);
    std::vector<buffer> lies;
    lies.push_back(with_size(4000));
    lies.push_back(with_size(100 << 20));
    lies.push_back(with_size(uint64_t{1} << 50));
    lies.push_back(packed(good.view()));
    for (const buffer& lie : lies) {
        record_call call;
        call.prepare(asked.request, compressing());
        call.start(view, 0);
        auto sent = call.next_launch();
        answer(*sent, lie.view(), ms, 64);
        ASSERT_NE(sent->failure(), nullptr);
        EXPECT_EQ(sent->failure()->what, code::bad_reply);
        EXPECT_FALSE(sent->connection_reusable());
        call.finished(std::move(sent), view, ms);
    }
    record_call call;
    call.prepare(asked.request, compressing());
    call.start(view, 0);
    auto sent = call.next_launch();
    answer(*sent, garbage_behind.view(), ms);
    EXPECT_FALSE(sent->connection_reusable());
    call.finished(std::move(sent), view, ms);
}

TEST(compression, a_server_without_it_is_told_of_by_name) {
    const auto view = view_of(1, 1);
    const auto community = record_answer(static_cast<uint8_t>(code::enterprise_only), 0);
    const one_record put(true, 1000);
    record_call call;
    call.prepare(put.request, compressing());
    call.start(view, 0);
    auto sent = call.next_launch();
    answer(*sent, community.view(), ms);
    EXPECT_TRUE(sent->connection_reusable());
    call.finished(std::move(sent), view, ms);
    ASSERT_TRUE(call.done());
    ASSERT_NE(call.failure(), nullptr);
    EXPECT_EQ(call.failure()->what, code::enterprise_only);
    EXPECT_NE(call.failure()->text.find("compress"), std::string::npos);
    EXPECT_FALSE(call.failure()->in_doubt);

    // To a batch too it answers with one message that does not say LAST: it has not looked inside.
    const many_records asked(30);
    batch_call batch;
    batch.prepare(asked.request, compressing());
    batch.start(view, 0);
    sent = batch.next_launch();
    answer(*sent, community.view(), ms);
    EXPECT_TRUE(sent->connection_reusable());
    batch.finished(std::move(sent), view, ms);
    ASSERT_TRUE(batch.done());
    ASSERT_NE(batch.failure(), nullptr);
    EXPECT_EQ(batch.failure()->what, code::enterprise_only);
    EXPECT_NE(batch.failure()->text.find("compress"), std::string::npos);
}

TEST(compression, the_same_code_for_a_plain_request_is_the_servers_own_verdict) {
    const auto view = view_of(1, 1);
    const one_record put(true);
    record_call call;
    call.prepare(put.request, compressing());
    call.start(view, 0);
    auto sent = call.next_launch();
    answer(*sent, record_answer(static_cast<uint8_t>(code::enterprise_only), 0).view(), ms);
    call.finished(std::move(sent), view, ms);
    ASSERT_TRUE(call.done());
    ASSERT_EQ(call.failure(), nullptr);
    EXPECT_EQ(call.take_reply().code, code::enterprise_only);
}

TEST(compression, a_retry_sends_the_same_again) {
    const auto view = view_of(1, 1);
    const one_record asked(false, 1000);
    transport_policy policy = compressing();
    policy.max_retries = 1;
    record_call call;
    call.prepare(asked.request, policy);
    call.start(view, 0);
    auto sent = call.next_launch();
    const byte_view first = sent_by(*sent);
    const std::vector<uint8_t> before(first.begin(), first.end());
    send_only(*sent, ms);
    sent->resume({.what = event::kind::closed}, ms);
    call.finished(std::move(sent), view, ms);
    auto again = call.next_launch();
    ASSERT_NE(again, nullptr);
    const byte_view second = sent_by(*again);
    EXPECT_EQ(std::vector<uint8_t>(second.begin(), second.end()), before);
    answer(*again, packed(long_answer(500).view()).view(), 2 * ms);
    call.finished(std::move(again), view, 2 * ms);
    EXPECT_EQ(call.failure(), nullptr);
}

TEST(compression, a_late_compressed_answer_is_read_to_its_end_and_its_connection_lives_on) {
    const auto view = view_of(1, 1);
    const many_records asked(100);
    batch_call call;
    call.prepare(asked.request, compressing());
    call.start(view, 0);
    auto sent = call.next_launch();
    const buffer whole = packed(rows_answer(*sent).view());
    send_only(*sent, ms);
    call.abandon(code::cancelled, "cancelled", ms);
    EXPECT_EQ(sent->owner(), nullptr);
    byte_view rest = whole.view();
    action next = sent->resume({.what = event::kind::received, .bytes = 0}, ms);
    while (!rest.empty() && next.what == action::kind::receive) {
        const size_t count = std::min<size_t>({50, rest.size(), next.input.size()});
        std::copy_n(rest.begin(), count, next.input.begin());
        rest = rest.subspan(count);
        next = sent->resume({.what = event::kind::received, .bytes = count}, 2 * ms);
    }
    EXPECT_TRUE(sent->connection_reusable());
}

}  // namespace
}  // namespace aero::command
