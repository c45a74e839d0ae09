// What one record is asked: a single-record message or a row of a batch, taken apart. Views into the message's bytes.
#pragma once

#include <optional>
#include <string_view>

#include "aero/error.h"
#include "secure/rights.h"
#include "wire/batch.h"
#include "wire/digest.h"
#include "wire/message.h"

namespace aero_server {

struct record_request {
    uint8_t info1 = 0;
    uint8_t info2 = 0;
    uint8_t info3 = 0;
    uint8_t info4 = 0;
    bool batch_row = false;
    bool has_namespace = false;
    bool has_digest = false;
    bool has_key = false;
    bool has_filter = false;
    bool has_udf = false;
    bool has_transaction = false;
    uint16_t op_count = 0;
    uint32_t row_index = 0;  // echoed in the reply of a row
    uint32_t generation = 0;
    uint32_t ttl = 0;
    uint32_t timeout_ms = 0;
    aero::wire::digest key{};
    std::string_view name_space;
    std::string_view set;        // empty: none given
    aero::byte_view stored_key;  // particle type byte and value
    aero::byte_view ops;

    bool reads() const noexcept { return info1 & aero::wire::info1::read; }
    bool writes() const noexcept { return info2 & aero::wire::info2::write; }
    bool deletes() const noexcept { return info2 & aero::wire::info2::delete_record; }
    bool responds_all() const noexcept { return info2 & aero::wire::info2::respond_all_ops; }
};

rights needed_for(const record_request& request) noexcept;

// From a whole body. Nothing when the message is malformed: a length overruns, or bytes are left over.
std::optional<record_request> parse_message(aero::byte_view body);
// From a full row of a batch (not a repeated one). `header_info3` lends rows of old clients their consistency bits.
record_request parse_row(const aero::wire::request_row& row, uint8_t header_info3, uint32_t timeout_ms);

}  // namespace aero_server
