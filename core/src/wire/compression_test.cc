#include "wire/compression.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace aero::wire {
namespace {

// A record message of exactly this many bytes, with something in it that shrinks.
buffer message_of(size_t size) {
    buffer made;
    message_writer writer(made);
    std::string text(size - frame_header_size - message_header_size - 9, 'x');
    for (size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 23);
    append_op(writer.ops(1), op_code::read, particle::string, "b", as_bytes(text));
    writer.finish();
    return made;
}

// Another hand's type-4 frame, that may lie: `announced` bytes are said to come out of what is in it.
buffer frame_of(byte_view inside, uint64_t announced, byte_view trailing = {}) {
    buffer made(frame_header_size + 8 + compressBound(inside.size()) + trailing.size());
    uLongf size = compressBound(inside.size());
    EXPECT_EQ(compress(made.data() + frame_header_size + 8, &size, inside.data(), inside.size()), Z_OK);
    made.resize(frame_header_size + 8 + size);
    made.append(trailing);
    encode_frame_header(made.data(), frame_type::compressed, made.size() - frame_header_size);
    store_be(made.data() + frame_header_size, announced);
    return made;
}
buffer frame_of(const buffer& inside) { return frame_of(inside.view(), inside.size()); }

void append_u64(buffer& to, uint64_t value) { to.append_be(value); }

std::vector<uint8_t> bytes_of(byte_view view) { return {view.begin(), view.end()}; }

bool unpack_all(byte_view bytes, buffer& to, size_t step = SIZE_MAX) {
    unpacker unpack;
    for (size_t at = 0; at < bytes.size(); at += std::min(step, bytes.size() - at))
        if (!unpack.feed(bytes.subspan(at, std::min(step, bytes.size() - at)), to)) return false;
    return unpack.between_frames();
}

TEST(compression, frames_come_back_as_they_were_and_zlib_itself_reads_them) {
    for (const size_t size : {129u, 200u, 1000u, 5000u, 40'000u, 3'000'000u}) {
        const buffer plain = message_of(size);
        ASSERT_EQ(plain.size(), size);
        const auto packed = compress_frame(plain.view());
        ASSERT_TRUE(packed) << size;
        EXPECT_LT(packed->size(), size);
        const auto header = decode_frame_header(packed->data());
        ASSERT_TRUE(header);
        EXPECT_EQ(header->type, frame_type::compressed);
        EXPECT_EQ(header->body_size, packed->size() - frame_header_size);
        EXPECT_EQ(load_be<uint64_t>(packed->data() + frame_header_size), size);
        std::vector<uint8_t> out(size + 1);
        uLongf out_size = out.size();
        ASSERT_EQ(uncompress(out.data(), &out_size, packed->data() + 16, packed->size() - 16), Z_OK);
        out.resize(out_size);
        EXPECT_EQ(out, bytes_of(plain.view()));
        buffer back;
        EXPECT_TRUE(unpack_all(packed->view(), back));
        EXPECT_EQ(bytes_of(back.view()), bytes_of(plain.view()));
    }
}

TEST(compression, what_is_small_or_would_not_shrink_stays_as_it_is) {
    EXPECT_FALSE(compress_frame(message_of(compress_above).view()));
    EXPECT_TRUE(compress_frame(message_of(compress_above + 1).view()));
    std::minstd_rand dice(1);
    for (const size_t size : {200u, 100'000u}) {
        buffer noise = message_of(size);
        for (size_t i = frame_header_size + message_header_size + 9; i < size; ++i)
            noise.data()[i] = static_cast<uint8_t>(dice());
        EXPECT_FALSE(compress_frame(noise.view()));
    }
}

TEST(compression, a_frame_in_a_buffer_is_replaced_by_its_compressed_form) {
    buffer both = message_of(300);
    const buffer second = message_of(5000);
    both.append(second.view());
    compress_from(both, 300);
    EXPECT_LT(both.size(), 2000u);
    buffer back;
    ASSERT_TRUE(unpack_all(both.view(), back));
    EXPECT_EQ(bytes_of(back.view().subspan(300)), bytes_of(second.view()));
}

TEST(compression, a_stream_of_both_kinds_unpacks_alike_whatever_pieces_it_arrives_in) {
    buffer stream, expected;
    for (const size_t size : {40u, 129u, 3000u, 45u, 70'001u}) {
        const buffer plain = message_of(size);
        expected.append(plain.view());
        stream.append(size % 2 == 1 ? frame_of(plain).view() : plain.view());
    }
    for (const size_t step : {1u, 2u, 3u, 7u, 16u, 17u, 1000u, 1u << 20}) {
        buffer back;
        EXPECT_TRUE(unpack_all(stream.view(), back, step)) << step;
        EXPECT_EQ(bytes_of(back.view()), bytes_of(expected.view())) << step;
    }
}

TEST(compression, cut_at_any_byte_nothing_is_wrong_and_nothing_is_whole) {
    const buffer packed = frame_of(message_of(500));
    for (size_t cut = 1; cut < packed.size(); ++cut) {
        unpacker unpack;
        buffer to;
        EXPECT_TRUE(unpack.feed(packed.view().first(cut), to)) << cut;
        EXPECT_FALSE(unpack.between_frames()) << cut;
        EXPECT_EQ(unpack.unproven(), to.size()) << cut;
        EXPECT_TRUE(unpack.feed(packed.view().subspan(cut), to)) << cut;
        EXPECT_TRUE(unpack.between_frames()) << cut;
        EXPECT_EQ(unpack.unproven(), 0u) << cut;
        EXPECT_EQ(to.size(), 500u);
    }
}

TEST(compression, more_or_less_than_announced_is_refused) {
    const buffer plain = message_of(1000);
    for (const uint64_t lie : {999u, 1001u, 30u, 29u, 2000u, 0u}) {
        buffer to;
        EXPECT_FALSE(unpack_all(frame_of(plain.view(), lie).view(), to)) << lie;
        EXPECT_LE(to.size(), 1000u);
    }
}

TEST(compression, sizes_beyond_the_limit_are_refused_before_anything_is_inflated) {
    for (const uint64_t size : {uint64_t{frame_header_size + body_size_max + 1}, uint64_t{1} << 40, ~uint64_t{0}}) {
        buffer to;
        EXPECT_FALSE(unpack_all(frame_of(message_of(1000).view(), size).view(), to)) << size;
        EXPECT_EQ(to.capacity(), 0u);
    }
}

TEST(compression, trailing_bytes_after_the_stream_are_refused) {
    const buffer plain = message_of(1000);
    const uint8_t garbage[] = {0};
    for (const size_t step : {size_t{1}, SIZE_MAX}) {
        buffer to;
        EXPECT_FALSE(unpack_all(frame_of(plain.view(), plain.size(), garbage).view(), to, step));
    }
}

TEST(compression, only_one_whole_record_message_may_be_inside) {
    const buffer plain = message_of(1000);
    buffer two = message_of(500);
    two.append(message_of(500).view());
    const buffer nested = frame_of(plain);
    std::vector<buffer> wrong;
    wrong.push_back(frame_of(two));     // the frame inside ends before the stream
    wrong.push_back(frame_of(nested));  // type 4 within type 4
    for (const frame_type other : {frame_type::info, frame_type::admin}) {
        buffer inside = message_of(1000);
        encode_frame_header(inside.data(), other, inside.size() - frame_header_size);
        wrong.push_back(frame_of(inside));
    }
    buffer noise(1000);
    std::minstd_rand dice(2);
    while (noise.size() < 1000) noise.append_u8(static_cast<uint8_t>(dice()));
    wrong.push_back(frame_of(noise));
    for (size_t i = 0; i < wrong.size(); ++i) {
        buffer to;
        EXPECT_FALSE(unpack_all(wrong[i].view(), to)) << i;
    }
}

TEST(compression, streams_that_are_none_are_refused) {
    const buffer good = frame_of(message_of(1000));
    unsigned passed = 0;
    for (size_t at = frame_header_size; at < good.size(); ++at) {
        for (const uint8_t change : {uint8_t{0x01}, uint8_t{0x80}, uint8_t{0xff}}) {
            buffer bad;
            bad.append(good.view());
            bad.data()[at] ^= change;
            buffer to;
            passed += unpack_all(bad.view(), to);
        }
    }
    // The window size in the first byte of a stream may be another one.
    EXPECT_LE(passed, 1u);
    buffer empty, to;
    empty.room(16);
    empty.resize(frame_header_size);
    encode_frame_header(empty.data(), frame_type::compressed, 8);
    append_u64(empty, 1000);
    EXPECT_FALSE(unpack_all(empty.view(), to));
}

TEST(compression, a_promise_of_100_mib_takes_no_memory_until_they_come) {
    const buffer plain = message_of(100 << 20);
    const buffer bomb = frame_of(plain);
    ASSERT_LT(bomb.size(), plain.size() / 100);
    unpacker unpack;
    buffer to;
    ASSERT_TRUE(unpack.feed(bomb.view().first(36), to));
    EXPECT_LE(to.capacity(), 64u << 10);
    // A stream cannot grow by more than its kind allows: what is held follows what came.
    for (size_t at = 36; at < bomb.size();) {
        const size_t count = std::min<size_t>(64, bomb.size() - at);
        ASSERT_TRUE(unpack.feed(bomb.view().subspan(at, count), to));
        at += count;
        ASSERT_LE(to.capacity(), std::max<size_t>(64 << 10, 2 * to.size() + (64 << 10)));
    }
    EXPECT_TRUE(unpack.between_frames());
    EXPECT_EQ(to.size(), plain.size());
    EXPECT_LE(to.capacity(), plain.size());
}

TEST(compression, after_one_frame_another_of_any_size_unpacks) {
    unpacker unpack;
    for (const size_t size : {70'000u, 200u, 1'000'000u, 130u}) {
        buffer to;
        const buffer plain = message_of(size);
        ASSERT_TRUE(unpack.feed(frame_of(plain).view(), to));
        EXPECT_EQ(bytes_of(to.view()), bytes_of(plain.view()));
    }
}

}  // namespace
}  // namespace aero::wire
