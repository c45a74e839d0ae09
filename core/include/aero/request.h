// What a call asks of the cluster and what comes back, close to the wire: the form that bindings use.
//
// Requests are views into the caller's memory and need to live only until the function that takes them returns; replies
// own their bytes. Typed C++ users want `aero/client.h`.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aero/error.h"

namespace aero {

using digest = std::array<uint8_t, 20>;

enum class replica_policy : uint8_t { master = 0, sequence = 1, prefer_rack = 2, random = 3 };

// Times and tries of one call; units in the names. A total timeout of 0 means no deadline.
struct transport_policy {
    uint32_t total_timeout_ms = 1000;
    uint32_t socket_timeout_ms = 30000;
    uint32_t max_retries = 2;
    uint32_t sleep_between_retries_ms = 0;
    uint32_t timeout_delay_ms = 0;
    replica_policy replica = replica_policy::sequence;
    bool compress = false;  // messages larger than 128 bytes travel compressed, both ways; wants an Enterprise server

    bool operator==(const transport_policy&) const = default;
};

// One operation on one record. `ops` are finished operations of the protocol.
struct record_request {
    std::string_view name_space;
    std::string_view set;
    aero::digest digest{};
    std::span<const uint8_t> key_field;  // particle type byte and value of a key to send along, or empty
    std::span<const uint8_t> filter;     // packed expression, or empty
    std::span<const uint8_t> ops;
    uint16_t op_count = 0;
    uint8_t info1 = 0;
    uint8_t info2 = 0;
    uint8_t info3 = 0;
    uint32_t generation = 0;
    uint32_t ttl = 0;  // seconds; on reads the read-touch percentage
    bool is_write = false;
};

// Bytes of a reply, owned by one holder. The memory returns to a pool of the thread that lets it go.
class held_bytes {
  public:
    held_bytes() noexcept = default;
    held_bytes(uint8_t* data, size_t size, size_t capacity) noexcept : data_(data), size_(size), capacity_(capacity) {}
    held_bytes(held_bytes&& other) noexcept { swap(other); }
    held_bytes& operator=(held_bytes&& other) noexcept {
        swap(other);
        return *this;
    }
    ~held_bytes() {
        if (data_ != nullptr) release();
    }
    std::span<const uint8_t> view() const noexcept { return {data_, size_}; }
    size_t capacity() const noexcept { return capacity_; }

  private:
    void swap(held_bytes& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    void release() noexcept;

    uint8_t* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

// What a server answered for one record. `code` other than ok is its verdict on this record.
struct record_reply {
    aero::code code = code::ok;
    uint32_t generation = 0;
    uint32_t void_time = 0;  // seconds since 2010-01-01, 0 = never expires
    uint16_t op_count = 0;
    bool in_doubt = false;         // a refused write that was sent more than once: an earlier one may have happened
    std::span<const uint8_t> ops;  // `op_count` operations; points into `bytes`
    held_bytes bytes;
    std::string node;  // "HOST:PORT" that answered; set when `code` is not ok
};

// What a row of a batch asks for, apart from its key. Rows of one shape share one template.
struct row_template {
    std::string_view name_space;
    std::string_view set;
    uint8_t info1 = 0;
    uint8_t info2 = 0;
    uint8_t info3 = 0;
    bool has_generation = false;  // write and delete rows carry generation and ttl
    uint16_t generation = 0;
    uint32_t ttl = 0;  // read rows: the read-touch percentage
    std::span<const uint8_t> filter;
    std::span<const uint8_t> ops;
    uint16_t op_count = 0;
};

struct batch_request {
    std::span<const aero::digest> digests;  // one per row
    std::span<const uint32_t> template_of;  // one per row, index into `templates`; empty: all rows use templates[0]
    std::span<const row_template> templates;
    std::span<const std::span<const uint8_t>> key_fields;  // one per row, or empty when no row stores its key
    std::span<const uint8_t> filter;                       // for every row without its own
    uint8_t flags = 0x0D;                                  // batch flags of the protocol
    bool is_write = false;                                 // some row writes
};

// Where the answer of one row stands, in the order of the request.
struct row_result {
    static constexpr uint16_t in_doubt_flag = 1;
    static constexpr int16_t unanswered = -15;  // the server sent no row for it

    uint32_t offset = 0;  // of the first operation within its chunk
    uint32_t size = 0;    // of all its operations
    uint32_t void_time = 0;
    uint16_t chunk = 0;
    uint16_t op_count = 0;
    int16_t code = unanswered;  // result code of the server, or a negative local one
    uint16_t generation = 0;
    uint16_t flags = 0;

    bool ok() const noexcept { return code == 0; }
    bool in_doubt() const noexcept { return (flags & in_doubt_flag) != 0; }
};

// The bytes that arrived plus an index of rows; nothing is decoded. Moves cheaply; memory goes back to a pool.
struct batch_reply {
    std::vector<row_result> rows;    // in the order of the request
    std::vector<held_bytes> chunks;  // one per message stream that answered

    // The operations of an answered row; nothing for one without.
    std::span<const uint8_t> ops_of(const row_result& row) const noexcept {
        if (row.size == 0) return {};
        return chunks[row.chunk].view().subspan(row.offset, row.size);
    }
    size_t bytes_held() const noexcept;
};

struct info_reply {
    std::string node;  // its name
    aero::code code = code::ok;
    std::string text;  // the value, without the echoed command; or why there is none
};

// Time marks of a call, monotonic nanoseconds; filled only where the caller asked for them. Zero: not reached.
struct call_times {
    int64_t admitted = 0;    // slot of the concurrency limit held
    int64_t sent = 0;        // first byte given to a socket
    int64_t received = 0;    // last byte of the last attempt arrived at this machine
    int64_t read = 0;        // that byte read by us
    int64_t retry_wait = 0;  // sum of the pauses between attempts (a duration)
    uint32_t attempts = 0;
};

}  // namespace aero
