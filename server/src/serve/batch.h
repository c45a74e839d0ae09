// A batch under way: rows are carried out one after another and answered as they are done, in blocks of about 128 KiB,
// with a message of its own (LAST) at the end. It can stop between rows when enough output waits, and go on later.
//
// Owned by the connection that received the request, whose bytes must stay where they are until the batch is finished.
#pragma once

#include <memory>
#include <optional>

#include "secure/rights.h"
#include "serve/engine.h"
#include "wire/batch.h"

namespace aero_server {

inline constexpr size_t batch_block_size = 128u << 10;

class batch_run {
  public:
    // `body` is a whole message whose header has the BATCH bit.
    batch_run(engine& node, aero::byte_view body, std::shared_ptr<const permit> may);
    // Appends replies until the batch is finished, `to` holds `output_max` bytes or a row has to wait. True when
    // finished.
    bool step(aero::buffer& to, size_t output_max);
    // A row waits for an owner; to be stepped again in a millisecond.
    bool waits() const noexcept { return so_far_.until != 0; }

  private:
    static constexpr unsigned lookahead = 16;

    aero::code open(aero::byte_view body);
    bool read_rows();
    enum class row_end : uint8_t { next, wait, last };
    row_end run_row(const aero::wire::request_row& row, aero::buffer& to);
    void close_block(aero::buffer& to);
    void drop_empty_block(aero::buffer& to);
    void refuse(aero::buffer& to);
    void finish(aero::buffer& to, aero::code verdict);

    engine& node_;
    const std::shared_ptr<const permit> may_;  // of who asks
    std::optional<aero::wire::request_rows> rows_;
    record_request shape_;  // of the last full row
    store* in_ = nullptr;   // its namespace
    aero::code verdict_ = aero::code::ok;
    bool finished_ = false;
    bool block_open_ = false;
    size_t block_start_ = 0;
    uint32_t timeout_ms_ = 0;
    uint8_t header_info3_ = 0;
    bool compress_ = false;       // blocks of the reply may be
    bool answers_all_ = false;    // every row is answered, whatever its code
    bool answers_error_ = false;  // the row that fails is answered
    aero::wire::request_row ahead_[lookahead];
    unsigned ahead_count_ = 0;
    unsigned ahead_done_ = 0;
    waiting so_far_;
};

}  // namespace aero_server
