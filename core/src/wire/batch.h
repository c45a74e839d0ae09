// Batch messages: many rows in one request, a stream of rows in reply, closed by a message of its own (LAST).
//
// The request encoder repeats nothing: a row equal to the one before it in all but its digest becomes a REPEAT row of
// 25 bytes. The reply decoder walks rows wherever message boundaries fall; rows come in any order and name their index.
#pragma once

#include <cstdint>

#include "aero/request.h"
#include "wire/digest.h"
#include "wire/message.h"

namespace aero::wire {

// What a request's parts take: head and field header before the rows, a row that repeats the one before it, and one
// that does not, without its key field.
inline constexpr size_t batch_head_size = 5 + 5;
inline constexpr size_t repeat_row_size = 4 + digest_size + 1;
size_t batch_row_size(const row_template& shape) noexcept;

// Appends one batch request. Not reusable: one writer, one message.
class batch_writer {
  public:
    // `timeout_ms` 0 leaves the server its default of 30 s. `filter` holds for every row without one of its own.
    batch_writer(buffer& to, uint8_t batch_flags, uint32_t timeout_ms, uint32_t rows_expected, byte_view filter = {});
    // `key_field` is the particle type byte and value of a key to store, or empty. Rows that carry one never repeat.
    void row(uint32_t index, const digest& key, const row_template& shape, byte_view key_field = {});
    // A row of exactly the shape of the row before it. REQUIRES: a row was written, without a key field
    void repeat(uint32_t index, const digest& key);
    // The reply may be compressed.
    void ask_compressed() noexcept { to_.data()[start_ + frame_header_size + 1] |= info1::compress_response; }
    void finish();

  private:
    buffer& to_;
    size_t start_;
    size_t field_start_;
    uint32_t rows_ = 0;
    bool repeatable_ = false;
};

// One decoded row of a reply; views into the reply's bytes.
struct reply_row {
    message_header header;  // header.transaction_ttl is the row index, header.result_code its result
    byte_view fields;       // header.fields fields; batch rows have them only in transactions, query rows always
    byte_view ops;          // header.ops operations
};

// Walks the body of one message frame. `next` gives false at the end and when the bytes are not allowed; ask `ok`.
class reply_rows {
  public:
    explicit reply_rows(byte_view body) noexcept : from_(body) {}
    bool next(reply_row& row) noexcept;
    bool ok() const noexcept { return from_.ok(); }

  private:
    reader from_;
};

// Inline, as is all it calls: it runs for every row that arrives.
inline bool reply_rows::next(reply_row& row) noexcept {
    if (from_.at_end()) return false;
    const byte_view header = from_.take(message_header_size);
    if (!from_.ok()) return false;
    row.header = decode_message_header(header.data());
    const uint8_t* const fields = from_.position();
    skip_fields(from_, row.header.fields);
    const uint8_t* const ops = from_.position();
    skip_ops(from_, row.header.ops);
    if (!from_.ok()) return false;
    row.fields = {fields, ops};
    row.ops = {ops, from_.position()};
    return true;
}

// A request as the server sees it: the rows with REPEAT resolved.
struct request_row {
    uint32_t index = 0;
    digest key{};
    uint8_t flags = 0;  // row_flag bits of the row that gave the shape
    uint8_t info1 = 0, info2 = 0, info3 = 0, info4 = 0;
    uint16_t generation = 0;
    uint32_t ttl = 0;
    byte_view fields;  // field_count fields
    uint16_t field_count = 0;
    byte_view ops;
    uint16_t op_count = 0;
    bool repeated = false;
};
class request_rows {
  public:
    // `field` is the data of the batch field. A count that the bytes cannot hold fails at once, so `count` may be used
    // to reserve memory; a count of zero is left to the caller.
    explicit request_rows(byte_view field) noexcept;
    uint32_t count() const noexcept { return count_; }
    uint8_t flags() const noexcept { return flags_; }
    bool next(request_row& row) noexcept;
    bool ok() const noexcept { return from_.ok(); }

  private:
    bool read_shape(uint8_t flags) noexcept;

    reader from_;
    uint32_t count_ = 0;
    uint32_t seen_ = 0;
    uint8_t flags_ = 0;
    bool repeatable_ = false;
    request_row last_{};
};

}  // namespace aero::wire
