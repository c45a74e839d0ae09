#include "wire/batch.h"

#include <cassert>

namespace aero::wire {

namespace {

constexpr size_t row_start_size = repeat_row_size;  // index, digest, row flags
constexpr size_t field_head_size = 5;               // length and type of a field

uint8_t* put_row_start(uint8_t* at, uint32_t index, const digest& key, uint8_t flags) noexcept {
    store_be(at, index);
    std::memcpy(at + 4, key.data(), digest_size);
    at[4 + digest_size] = flags;
    return at + row_start_size;
}

}  // namespace

size_t batch_row_size(const row_template& shape) noexcept {
    return row_start_size + 3 + (shape.has_generation ? 2 : 0) + 4 + 4 + field_head_size + shape.name_space.size() +
           field_head_size + shape.set.size() + (shape.filter.empty() ? 0 : field_head_size + shape.filter.size()) +
           shape.ops.size();
}

batch_writer::batch_writer(buffer& to, uint8_t batch_flags, uint32_t timeout_ms, uint32_t rows_expected,
                           byte_view filter)
    : to_(to), start_(to.size()) {
    // Most rows repeat; one reserve for them keeps `repeat` free of growth.
    to_.room(frame_header_size + message_header_size + field_head_size + filter.size() + batch_head_size + 256 +
             rows_expected * row_start_size);
    message_header header;
    header.info1 = info1::batch;
    header.transaction_ttl = timeout_ms;
    header.fields = filter.empty() ? 1 : 2;
    encode_message_header(to_.data() + start_ + frame_header_size, header);
    to_.commit(frame_header_size + message_header_size);
    if (!filter.empty()) append_field(to_, field_type::filter, filter);
    field_start_ = to_.size();
    append_field(to_, field_type::batch, byte_view{});
    to_.append_be(uint32_t{0});  // the number of rows, known at the end
    to_.append_u8(batch_flags);
}

void batch_writer::row(uint32_t index, const digest& key, const row_template& shape, byte_view key_field) {
    assert(!shape.name_space.empty());
    const auto flags = static_cast<uint8_t>(row_flag::has_info23 | row_flag::has_ttl |
                                            (shape.has_generation ? row_flag::has_generation : 0));
    const unsigned fields = 2u + !shape.filter.empty() + !key_field.empty();
    uint8_t* const begin = to_.room(row_start_size + 13);
    uint8_t* at = put_row_start(begin, index, key, flags);
    *at++ = shape.info1;
    *at++ = shape.info2;
    *at++ = shape.info3;
    if (shape.has_generation) {
        store_be(at, shape.generation);
        at += 2;
    }
    store_be(at, shape.ttl);
    store_be(at + 4, static_cast<uint16_t>(fields));
    store_be(at + 6, shape.op_count);
    to_.commit(static_cast<size_t>(at + 8 - begin));
    append_field(to_, field_type::name_space, shape.name_space);
    append_field(to_, field_type::set, shape.set);
    if (!shape.filter.empty()) append_field(to_, field_type::filter, shape.filter);
    if (!key_field.empty()) append_field(to_, field_type::key, key_field);
    to_.append(shape.ops);
    repeatable_ = key_field.empty();
    ++rows_;
}

void batch_writer::repeat(uint32_t index, const digest& key) {
    assert(repeatable_);
    put_row_start(to_.room(row_start_size), index, key, row_flag::repeat);
    to_.commit(row_start_size);
    ++rows_;
}

void batch_writer::finish() {
    encode_frame_header(to_.data() + start_, frame_type::message, to_.size() - start_ - frame_header_size);
    uint8_t* field = to_.data() + field_start_;
    store_be(field, static_cast<uint32_t>(to_.size() - field_start_ - 4));
    store_be(field + field_head_size, rows_);
}

request_rows::request_rows(byte_view field) noexcept : from_(field) {
    count_ = from_.be<uint32_t>();
    flags_ = from_.u8();
    if (count_ > from_.remaining() / row_start_size) {
        from_.fail();
        count_ = 0;
    }
}

bool request_rows::next(request_row& row) noexcept {
    if (!from_.ok()) return false;
    if (seen_ == count_) {
        if (!from_.at_end()) from_.fail();  // bytes after the last row
        return false;
    }
    const auto index = from_.be<uint32_t>();
    const byte_view key = from_.take(digest_size);
    const uint8_t flags = from_.u8();
    if (!from_.ok()) return false;
    if (flags & row_flag::repeat) {
        if (!repeatable_) return from_.fail(), false;
        last_.repeated = true;
    } else if (!read_shape(flags)) {
        return from_.fail(), false;
    }
    last_.index = index;
    std::memcpy(last_.key.data(), key.data(), digest_size);
    row = last_;
    ++seen_;
    return true;
}

bool request_rows::read_shape(uint8_t flags) noexcept {
    last_ = {};
    last_.flags = flags;
    last_.info1 = from_.u8();
    if (flags & row_flag::has_info23) {
        last_.info2 = from_.u8();
        last_.info3 = from_.u8();
    }
    if (flags & row_flag::has_info4) last_.info4 = from_.u8();
    if (flags & row_flag::has_generation) last_.generation = from_.be<uint16_t>();
    if (flags & row_flag::has_ttl) last_.ttl = from_.be<uint32_t>();
    last_.field_count = from_.be<uint16_t>();
    last_.op_count = from_.be<uint16_t>();
    if (last_.field_count == 0) last_.field_count = 1;  // old clients leave it out; the namespace is there all the same
    const uint8_t* const fields = from_.position();
    repeatable_ = true;
    for (unsigned i = 0; i < last_.field_count && from_.ok(); ++i) {
        const field_view field = read_field(from_);
        if (i == 0 && field.type != field_type::name_space) return false;
        if (field.type == field_type::key) repeatable_ = false;  // a row that follows has another key
    }
    const uint8_t* const ops = from_.position();
    skip_ops(from_, last_.op_count);
    if (!from_.ok()) return false;
    last_.fields = {fields, ops};
    last_.ops = {ops, from_.position()};
    return true;
}

}  // namespace aero::wire
